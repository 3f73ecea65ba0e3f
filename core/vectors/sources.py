"""Word vectors by name: the demo's, files, published ones that were fetched, and tables of a GPT."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from core.errors import InputError, nearest
from core.folders import cache_dir
from core.vectors.gpt_tables import load_table, split_table

if TYPE_CHECKING:
    from core.vectors.store import Vectors

DEMO = "demo"


@dataclass(frozen=True, slots=True)
class VectorSource:
    """Vectors that can be named, or that could be if they were here."""

    name: str
    """What ``load_vectors`` takes."""
    label: str
    group: Literal["bundled", "published", "model"]
    words: int
    """0 where that is not known before it is here."""
    width: int
    bytes: int
    """On the disk if it is here, else to fetch."""
    here: bool
    synthetic: bool = False
    get: str = ""
    """The command that fetches it."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """How far reading a file is."""

    phase: Literal["reading", "sorting", "writing", "waiting", "done"]
    bytes_done: int = 0
    """Of the file."""
    bytes_total: int = 0
    words: int = 0
    """Read so far."""
    vectors: Vectors | None = None
    """With the phase ``done``."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "vectors"}


def load_vectors(spec: str, *, cancel: threading.Event | None = None) -> Vectors:
    """Vectors by name.

    Args:
        spec: ``demo``; a file (word2vec binary or text, GloVe, fastText .vec, any of them gzipped); a published name
            such as ``glove-wiki-gigaword-50``, once fetched; ``MODEL:wte``, ``MODEL:wpe`` or ``MODEL:head``.
        cancel: set it to give up.

    Raises:
        LabError: the name means nothing here, or the file cannot be used; the title says why.
    """
    last = None
    for progress in load_steps(spec, cancel):
        last = progress
    assert last is not None and last.vectors is not None
    return last.vectors


def load_steps(spec: str, cancel: threading.Event | None = None) -> Iterator[LoadProgress]:
    """As ``load_vectors``, saying how far it is; the last step carries the vectors. Raises as that, when iterated."""
    if split_table(spec):
        found = load_table(spec)
        yield LoadProgress("done", words=len(found), vectors=found)
        return
    if spec == DEMO:
        raise InputError("the demo vectors are not there yet", "take demo:wte, the demo model's token embeddings")
    raise InputError(f"no vectors are called {spec}{nearest(spec, [DEMO])}", "llm-lab vectors list")


def list_vectors() -> list[VectorSource]:
    """What can be named: the demo's vectors, the published ones, and the tables of the models that are here."""
    from core.data.pull_catalogue import VECTORS

    out = []
    for name, (size, _) in VECTORS.items():
        here = (cache_dir() / "vectors" / name / f"{name}.gz").is_file()
        out.append(
            VectorSource(
                name, name, "published", 0, int(name.rpartition("-")[2]), size, here, get=f"llm-lab pull {name}"
            )
        )
    return out
