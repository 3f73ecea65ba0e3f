"""TensorBoard's own writer and reader, kept from importing TensorFlow into the process of the tests."""

from __future__ import annotations

import math
import sys
import types
import warnings
from pathlib import Path
from typing import Any

from core.training.events import Event
from core.training.foreign.run import ForeignRun

# The package asks for this very module to learn that it must do without TensorFlow (tensorboard/compat/__init__.py).
sys.modules.setdefault("tensorboard.compat.notf", types.ModuleType("tensorboard.compat.notf"))


def writer(folder: Path, **options: Any) -> Any:
    """PyTorch's writer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.utils.tensorboard import SummaryWriter
    return SummaryWriter(str(folder), **options)


def accumulated(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Steps and values of each tag as TensorBoard reads them, none left out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        from tensorboard.util.tensor_util import make_ndarray

        found = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0}).Reload()
        tags = found.Tags()
        said = {tag: [(e.step, e.value) for e in found.Scalars(tag)] for tag in tags["scalars"]}
        for tag in tags["tensors"]:
            if found.SummaryMetadata(tag).plugin_data.plugin_name == "scalars":
                said[tag] = [(e.step, float(make_ndarray(e.tensor_proto))) for e in found.Tensors(tag)]
    return said


def column(run: ForeignRun, kind: str, name: str) -> list[tuple[int, float]]:
    """Steps and finite values of one of our columns."""
    return [
        (e.step, getattr(e, name)) for e in run.events(kind) if isinstance(e, Event) and math.isfinite(getattr(e, name))
    ]
