"""How far the twins are apart: ``core.keras_twin.compare.twin_diff("gpt2", "The same text")``.

The work is done by a child process (``compare_child.py``), since TensorFlow stays out of this one. Neither torch nor
TensorFlow is imported here.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator

from core.child import at_work
from core.errors import InputError, LabError
from core.keras_twin.report import THRESHOLD, TwinProgress, TwinReport

__all__ = ["THRESHOLD", "TwinProgress", "TwinReport", "twin_diff", "twin_steps"]


def twin_diff(spec: str, text: str, *, threshold: float = THRESHOLD) -> TwinReport:
    """Compares PyTorch's model with its Keras twin on a text, step by step of the forward pass.

    Args:
        spec: any model that ``core.load_model`` opens.
        text: at least one token, and at most as many as the model's context.
        threshold: the difference from which on it is told where it begins.

    Raises:
        MissingExtraError: TensorFlow is not installed, or too old.
        InputError: no text, too long a one, or a threshold that is none.
        LabError: as ``core.load_model``.
    """
    for found in twin_steps(spec, text, threshold=threshold):
        if isinstance(found, TwinReport):
            return found
    raise AssertionError("a comparison that is not cancelled ends with its report")


def twin_steps(
    spec: str, text: str, *, threshold: float = THRESHOLD, cancelled: threading.Event | None = None
) -> Iterator[TwinProgress | TwinReport]:
    """The same with its progress; the last value is the report.

    Args:
        spec: as ``twin_diff``.
        text: as ``twin_diff``.
        threshold: as ``twin_diff``.
        cancelled: set it to stop: the generator ends without a report, and the child is gone.

    Raises:
        LabError: as ``twin_diff``.
    """
    if not math.isfinite(threshold) or threshold < 0:
        raise InputError(f"the threshold must be 0 or more, and finite, got {threshold}", "1e-4, for one")
    if not text:
        raise InputError("a text was expected, and none came", 'llm-lab twin demo "the same words"')
    cancelled = cancelled or threading.Event()
    orders = {"spec": spec, "text": text, "threshold": threshold}
    with at_work("core.keras_twin.compare_child", orders, cancelled) as child:
        for said in child.answers():
            if cancelled.is_set():
                return
            if "report" in said:
                yield TwinReport.from_dict(said["report"])
                return
            yield TwinProgress(**said)
        if not cancelled.is_set():
            raise LabError(
                f"the process that compares the twins ended before its time: {child.last_words()}",
                "python -c 'import tensorflow' shows whether TensorFlow works here",
            )
