"""Reading for the weights screen, in threads: what a model has, what one tensor's values are like, what moved.

Holds no state of the screen. Each answer carries what it answers, so that a late one can be recognised and dropped.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import LabError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.weights.compare import TensorChange
    from core.weights.inspect import TensorHistogram, TensorList, TensorStats
    from core.weights.locate import Weights

SAMPLE = 1_000_000
"""Values from which the first histogram of a large tensor is made, until all are counted."""
SURVEY_ALL = 400_000_000
"""Numbers up to which a whole model is looked through for the tree's column; of larger ones, what is in sight."""
COPIED = 1 << 24
"""Values up to which a tensor that its file holds as the transpose is turned in memory."""
Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Opened:
    """A model's tensors, and how to get at their values."""

    spec: str
    tensors: TensorList
    weights: Weights | None
    stamp: Stamp
    steps: tuple[int, ...] = ()
    """Kept steps of its run."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the histogram is made and drawn."""

    bins: int = 0
    """0: as many as the pane has columns."""
    clip: float | None = None
    """Standard deviations to each side of the mean; None: all."""
    log: bool = False


@dataclass(frozen=True)
class Looked:
    """One tensor's values and what they are like; what is not made yet is None."""

    spec: str
    name: str
    values: NDArray[np.float32]
    stats: TensorStats | None = None
    histogram: TensorHistogram | None = None
    row_norms: NDArray[np.float64] | None = None
    column_norms: NDArray[np.float64] | None = None


def open_model(spec: str) -> Opened:
    """Opens a model by its headers.

    Raises:
        LabError: it cannot be opened.
    """
    from core.weights.inspect import tensors
    from core.weights.locate import open_weights

    found = tensors(spec)
    weights = open_weights(spec) if found.here else None
    return Opened(spec, found, weights, stamp_of_files(found.files), steps_of(spec))


def stamp_of_files(files: Sequence[Path]) -> Stamp:
    """What files are like now; another one means that they were written anew."""
    out = []
    for path in files:
        try:
            found = path.stat()
        except OSError:
            out.append((str(path), 0, 0))
        else:
            out.append((str(path), found.st_mtime_ns, found.st_size))
    return tuple(out)


def steps_of(spec: str) -> tuple[int, ...]:
    """The kept steps of the run that a model belongs to; none for others."""
    from core.shelf import kept_steps, split_spec
    from core.training.runs import open_run

    try:
        return kept_steps(open_run(split_spec(spec)[0]))
    except LabError:
        return ()


def look(
    opened: Opened,
    name: str,
    settings: Settings,
    limits: tuple[float, float] | None,
    cancelled: threading.Event,
    known: TensorStats | None = None,
) -> Iterator[Looked]:
    """What there is to say of one tensor, the quickest first."""
    from dataclasses import replace

    from core.weights import inspect
    from core.weights.parts import norms

    assert opened.weights is not None
    source = opened.weights
    found = Looked(opened.spec, name, _side_by_side(inspect.values(source, name)), known)
    how: dict[str, Any] = {"bins": settings.bins, "clip": settings.clip, "limits": limits, "cancelled": cancelled}
    yield found
    if found.values.size > 4 * SAMPLE:
        found = replace(found, histogram=inspect.histogram(source, name, sample=SAMPLE, **how))
        yield found
    if known is None:
        found = replace(found, stats=inspect.stats(source, name, cancelled))
        yield found
    found = replace(found, histogram=inspect.histogram(source, name, **how))
    yield found
    yield replace(found, row_norms=norms(source, name, 0, cancelled), column_norms=norms(source, name, 1, cancelled))


def _side_by_side(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The values with each row's side by side, which pictures read many times faster; a large one stays mapped."""
    import numpy as np

    return np.ascontiguousarray(values) if values.size <= COPIED and not values.flags.c_contiguous else values


def survey(
    opened: Opened, names: Iterable[str], cancelled: threading.Event, tell: Callable[[dict[str, TensorStats]], None]
) -> None:
    """Looks through tensors for the tree's column and tells of several at once."""
    import time

    from core.weights import inspect

    assert opened.weights is not None
    found: dict[str, TensorStats] = {}
    told = time.monotonic()
    for name in names:
        if cancelled.is_set():
            return
        found[name] = inspect.stats(opened.weights, name, cancelled)
        if time.monotonic() - told > 0.25:
            tell(found)
            found, told = {}, time.monotonic()
    if found:
        tell(found)


def changes(a: str, b: str, cancelled: threading.Event) -> Sequence[TensorChange]:
    """How far each tensor moved from one model to another."""
    from core.weights.compare import compare

    return tuple(compare(a, b, cancelled))
