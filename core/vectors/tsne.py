"""t-SNE (van der Maaten & Hinton 2008) by scikit-learn, in a process of its own, with progress and a way to stop.

scikit-learn's descent can neither be watched nor stopped from outside; in a child process (``tsne_child.py``) it says
every 50 iterations how far it is, and is ended when it is given up. The picture is that of ``sklearn.manifold.TSNE``
with the same settings on one thread (two wait for each other at every iteration, and crawl where others work): it comes
when all is done, not in between.
"""

from __future__ import annotations

import re
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.child import at_work
from core.errors import InputError, LabError
from core.vectors.progress import CancelledError
from core.vectors.projection import Projection, table_of

if TYPE_CHECKING:
    from core.vectors.store import Vectors

LEAST, MOST = 4, 20_000
"""Words of such a map."""
ITERATIONS = 1000
_SAID = re.compile(r"Iteration (\d+): error = ([0-9.]+)")


@dataclass(frozen=True)
class ProjectionProgress:
    """How far t-SNE is."""

    phase: Literal["starting", "descent", "done"]
    iteration: int = 0
    iterations: int = ITERATIONS
    loss: float | None = None
    """The Kullback-Leibler divergence, in nats; in the first 250 iterations of exaggerated attraction."""
    projection: Projection | None = None
    """With the phase ``done``."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        out = {"phase": self.phase, "iteration": self.iteration, "iterations": self.iterations, "loss": self.loss}
        return out if self.projection is None else {**out, "projection": self.projection.to_dict()}


def project_steps(
    vectors: Vectors,
    words: Sequence[str],
    *,
    seed: int = 0,
    perplexity: float = 30.0,
    iterations: int = ITERATIONS,
    cancel: threading.Event | None = None,
) -> Iterator[ProjectionProgress]:
    """A map of words by t-SNE; the last step carries it.

    Args:
        vectors: where the words have their vectors.
        words: 4 to 20,000.
        seed: of what is drawn at random.
        perplexity: about how many neighbours each word is to keep; no more than a third of the others are taken.
        iterations: 250 or more.
        cancel: set it to give up; the process then ends within a tenth of a second.

    Raises (when it is iterated):
        UnknownWordError: a word is unknown.
        InputError: too few words, too many, or a setting that makes no sense.
        CancelledError: it was given up.
        LabError: the process failed.
    """
    chosen, table = table_of(vectors, words)
    if not LEAST <= len(chosen) <= MOST:
        raise InputError(f"t-SNE needs {LEAST} to {MOST:,} words, got {len(chosen):,}", "PCA takes any number from 2")
    if iterations < 250 or not perplexity > 0:
        raise InputError(
            f"250 iterations or more and a perplexity above 0 were expected, got {iterations:,} and {perplexity:g}",
            "1000 iterations and a perplexity of 30 are usual",
        )
    used = min(perplexity, (len(chosen) - 1) / 3)
    orders = {"seed": seed, "perplexity": used, "iterations": iterations}
    yield ProjectionProgress("starting", 0, iterations)
    for found in _run_child(table, orders, cancel or threading.Event()):
        if isinstance(found, tuple):
            yield ProjectionProgress("descent", found[0], iterations, found[1])
        else:
            names = (f"t-SNE, perplexity {used:.3g}, seed {seed}", "")
            last = Projection(chosen, found.astype(np.float64), None, "tsne", names)
            yield ProjectionProgress("done", iterations, iterations, None, last)


def _run_child(
    table: NDArray[np.float32], orders: dict[str, Any], cancel: threading.Event
) -> Iterator[tuple[int, float] | NDArray[np.float32]]:
    """Iteration and loss, some times; then the picture."""
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "table.npy", table)
        with at_work("core.vectors.tsne_child", {**orders, "folder": folder}, cancel, one_thread) as child:
            for line in child.lines():
                if said := _SAID.search(line):
                    yield int(said[1]), float(said[2])
            code = child.wait()
            if cancel.is_set():
                raise CancelledError("the map was given up", "ask for it again")
            if code:
                raise LabError(
                    f"the process that makes the map ended with code {code}: {child.last_words()}", "try PCA"
                )
            yield np.load(Path(folder) / "xy.npy", allow_pickle=False)
