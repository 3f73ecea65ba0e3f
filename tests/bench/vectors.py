"""Word vectors: a query against reading the matrix once, and against gensim's; opening a mapped copy; spelling; PCA."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from core.vectors.importing import LARGE
from core.vectors.mapped import CopyWriter, copy_path
from core.vectors.projection import pca
from core.vectors.search import row_norms
from core.vectors.sources import load_vectors
from core.vectors.store import Vectors
from core.vectors.sweep import thread_count
from core.vectors.words import WordTable
from tests.bench.idle import best_of, check_idle
from tests.bench.result import Result

SIZES = ((400_000, 50), (3_000_000, 300))
QUICK = ((400_000, 50), (100_000, 300))
_ROWS = 50_000  # drawn at a time
_SHORT = 50_000_000  # numbers that are read in some milliseconds: where others work, few turns go undisturbed
_OPEN = """
import sys, time
started = time.perf_counter()
from core.vectors.sources import load_vectors
imported = time.perf_counter()
found = load_vectors(sys.argv[1])
assert found.vector(found.words[len(found) // 2]).any()
print(imported - started, time.perf_counter() - imported)
"""


def measure(quick: bool = False) -> Iterator[Result]:
    """Both sizes, in this process; opening in fresh ones too."""
    with tempfile.TemporaryDirectory(prefix="llm-lab-bench-") as folder:
        before = os.environ.get("LLM_LAB_CACHE")
        os.environ["LLM_LAB_CACHE"] = folder
        try:
            for count, width in QUICK if quick else SIZES:
                path = random_file(Path(folder), count, width)
                turns = (5 if quick else 15) * (4 if count * width < _SHORT else 1)
                yield from opening(path, count, width)
                yield from queries(path, count, width, turns)
                copy_path(path).unlink()
        finally:
            os.environ.pop("LLM_LAB_CACHE") if before is None else os.environ.update(LLM_LAB_CACHE=before)
    yield spelling()
    yield components()


def random_file(folder: Path, count: int, width: int) -> Path:
    """A file that nobody reads, since its mapped copy is there: random numbers, words of letters."""
    path = folder / f"{count}x{width}.bin"
    with path.open("wb") as file:
        file.truncate(LARGE)
    rng, norms = np.random.default_rng(0), []
    with CopyWriter(copy_path(path), width) as writer:
        for begin in range(0, count, _ROWS):
            rows = rng.standard_normal((min(_ROWS, count - begin), width), np.float32)
            norms.append(row_norms(rows))
            writer.rows(rows)
        writer.finish(WordTable.packed(spelled(count)), np.concatenate(norms), ())
    return path


def spelled(count: int) -> list[bytes]:
    """As many words of 4 to 12 letters, each once."""
    rng = np.random.default_rng(1)
    letters = rng.integers(97, 123, (2 * count, 12), np.uint8)
    lengths = rng.integers(4, 13, 2 * count)
    found = dict.fromkeys(row.tobytes()[:length] for row, length in zip(letters, lengths.tolist(), strict=True))
    return list(found)[:count]


def opening(path: Path, count: int, width: int) -> list[Result]:
    """From nothing to the first vector, in a fresh process; what is imported on the way is said beside it."""
    times = []
    for _ in range(3):
        said = subprocess.run([sys.executable, "-c", _OPEN, str(path)], capture_output=True, text=True, check=True)
        times.append(tuple(map(float, said.stdout.split())))
    imports, opened = (min(column) for column in zip(*times, strict=True))
    name = f"vectors: opening the mapped copy of {count:,} x {width}, in a fresh process"
    whole = imports + opened
    note = f"importing core.vectors takes {imports:.2f} s of it"
    return [Result(name, whole, None, "s", None, "<= 1 s", whole <= 1, note)]


def queries(path: Path, count: int, width: int, turns: int) -> list[Result]:
    """One query, against reading the matrix and against gensim with the same answers."""
    vectors = load_vectors(str(path))
    word = vectors.words[count // 3]
    keyed: Any = vectors.keyed
    ours, theirs = vectors.neighbours(word, 10), keyed.most_similar(word, topn=10)
    same = [each.word for each in ours] == [each for each, _ in theirs]
    close = max(abs(a.value - b[1]) for a, b in zip(ours, theirs, strict=True))
    check_idle()
    best = in_turns(
        turns,
        lambda: vectors.neighbours(word, 10),
        reader(vectors.matrix_all, 1),
        reader(vectors.matrix_all, thread_count(vectors.matrix_all.nbytes)),
        lambda: keyed.most_similar(word, topn=10),
    )
    query, alone, together, gensim = best
    reading, size = min(alone, together), vectors.matrix_all.nbytes / 1e9
    name = f"vectors: a query of {count:,} x {width}"
    note = (
        f"reading: {size / alone:.1f} GB/s by one thread, {size / together:.1f} by all; the query: {size / query:.1f}"
    )
    return [
        Result(
            f"{name}, against reading the matrix once",
            query * 1e3,
            reading * 1e3,
            "ms",
            query / reading,
            "<= 1.5",
            query <= 1.5 * reading,
            note,
        ),
        Result(
            f"{name}, against gensim's most_similar",
            query * 1e3,
            gensim * 1e3,
            "ms",
            query / gensim,
            "same words",
            same,
            f"{'the same' if same else 'OTHER'} ten words, cosines within {close:.1e}",
        ),
    ]


def in_turns(turns: int, *fns: Callable[[], Any]) -> list[float]:
    """The best seconds of each, taken in turns, so that what disturbs one disturbs the others."""
    best = [float("inf")] * len(fns)
    for _ in range(turns):
        for at, fn in enumerate(fns):
            start = time.perf_counter()
            fn()
            best[at] = min(best[at], time.perf_counter() - start)
    return best


def reader(matrix: np.ndarray, threads: int) -> Callable[[], None]:
    """Reads every number of a matrix and does next to nothing with it, by so many threads."""
    whole = matrix.reshape(-1).view(np.int64)
    begins = [len(whole) * n // threads for n in range(threads + 1)]
    parts = [whole[begin:end] for begin, end in pairwise(begins)]

    def read() -> None:
        others = [threading.Thread(target=np.bitwise_or.reduce, args=(part,)) for part in parts[1:]]
        for other in others:
            other.start()
        np.bitwise_or.reduce(parts[0])
        for other in others:
            other.join()

    return read


def timed(fn: Callable[[], Any]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    fn()
    return time.perf_counter() - start


def spelling() -> Result:
    """Words like one that is unknown, among 400,000."""
    words = [word.decode() for word in spelled(400_000)]
    vectors = Vectors(words, np.ones((len(words), 1), np.float32))
    wrong = words[1234][:3] + "q" + words[1234][4:]
    found = vectors.suggest(wrong)
    best = best_of(5, lambda: timed(lambda: vectors.suggest(wrong)))
    right = words[1234] in found
    name = "vectors: spelling suggestions among 400,000 words"
    return Result(name, best, None, "s", None, "<= 0.3 s", best <= 0.3 and right, f"{wrong}: {', '.join(found)}")


def components() -> Result:
    """Two components of 1,000 random vectors, where no component stands out, against scikit-learn's full solver."""
    from sklearn.decomposition import PCA

    table = np.random.default_rng(0).standard_normal((1000, 768), np.float32)
    ours, theirs = in_turns(5, lambda: pca(table), lambda: PCA(2, svd_solver="full").fit(table))
    name = "vectors: PCA of 1,000 x 768, against scikit-learn's full decomposition"
    return Result(name, ours * 1e3, theirs * 1e3, "ms", ours / theirs, "<= 200 ms", ours <= 0.2)
