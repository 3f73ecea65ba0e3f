"""Word vectors by name: the demo's, files, published ones that were fetched, and tables of a GPT."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core.data.pull_catalogue import VECTORS
from core.errors import InputError, LabError, nearest
from core.files import read_json
from core.folders import asset, cache_dir
from core.vectors.centring import centre_steps, split_centred
from core.vectors.formats import recognise
from core.vectors.gpt_tables import load_table, split_table
from core.vectors.importing import import_file
from core.vectors.progress import LoadProgress, check_cancelled
from core.vectors.store import Vectors

DEMO = "demo"
_DEMO_FOLDER = "demo-vectors"
_WORDS = {"glove-wiki-gigaword": 400_000, "glove-twitter": 1_193_514, "word2vec-google-news": 3_000_000}
"""Words of the published ones, as gensim-data's own list says."""


@dataclass(frozen=True, slots=True)
class VectorSource:
    """Vectors that can be named, or that could be if they were here."""

    name: str
    """What ``load_vectors`` takes."""
    label: str
    group: Literal["bundled", "published", "model"]
    words: int
    """0 where that is known only once they are loaded."""
    width: int
    bytes: int
    """Of the file, or of the table; of what is not here: to fetch."""
    here: bool
    synthetic: bool = False
    """Whether they were trained on a synthetic text."""
    get: str = ""
    """The command that fetches them, where they are not here."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


def load_vectors(spec: str, *, cancel: threading.Event | None = None) -> Vectors:
    """Vectors by name.

    The first load of a large file leaves a mapped copy in the cache, so that the next is at once and several processes
    share its memory.

    Args:
        spec: ``demo``; a file (word2vec binary or text, GloVe, fastText's .vec, any of them gzipped); a published name
            such as ``glove-wiki-gigaword-50``, once fetched; ``MODEL:wte``, ``MODEL:wpe`` or ``MODEL:head``. Any of
            them with ``:centred`` behind it: less the mean of all (``centring.py``).
        cancel: set it to give up.

    Raises:
        InputError: the name means nothing here, or the file holds no vectors that can be used.
        ModelSpecError: the model is not on this machine.
        MemoryShortError: there is not enough memory.
        DiskFullError: there is no room for the mapped copy.
        CancelledError: it was given up.
    """
    last = None
    for last in load_steps(spec, cancel):  # noqa: B007 - the last one counts
        pass
    assert last is not None and last.vectors is not None
    return last.vectors


def load_steps(spec: str, cancel: threading.Event | None = None) -> Iterator[LoadProgress]:
    """As ``load_vectors``, saying how far it is; the last step carries the vectors. Raises as that, when iterated."""
    if (plain := split_centred(spec)) is not None and not _exists(Path(spec).expanduser()):
        for progress in load_steps(plain, cancel):
            yield from (progress,) if progress.vectors is None else centre_steps(progress.vectors, cancel)
    elif table := split_table(spec):
        from core.weights.locate import prepare

        for step in prepare(table[0], cancel):
            yield LoadProgress("converting", step.bytes_done, step.bytes_total)
        check_cancelled(cancel)
        found = load_table(spec)
        yield LoadProgress("done", words=len(found), vectors=found)
    elif spec == DEMO:
        yield from _demo(cancel)
    elif spec in VECTORS:
        path = _published(spec)
        if not path.is_file():
            raise InputError(f"{spec} is not on this machine", f"fetch it: llm-lab pull {spec}")
        yield from import_file(path, spec, spec, cancel)
    else:
        path = Path(spec).expanduser()
        if not spec or not _exists(path):
            raise _unknown(spec)
        yield from import_file(path, spec, path.name, cancel)


def list_vectors(models: bool = True) -> list[VectorSource]:
    """What can be named: the demo's vectors, the published ones, and the tables of the models that are here.

    Args:
        models: whether to look through the models too, for which each run is looked at.
    """
    out = list(_demo_source())
    for name, (size, _) in VECTORS.items():
        here = _published(name).is_file()
        family, _, width = name.rpartition("-")
        get = "" if here else f"llm-lab pull {name}"
        out.append(VectorSource(name, name, "published", _WORDS.get(family, 0), int(width), size, here, get=get))
    return out + (_tables() if models else [])


def _demo(cancel: threading.Event | None) -> Iterator[LoadProgress]:
    folder = asset(_DEMO_FOLDER)
    for progress in import_file(folder / "vectors.bin", DEMO, _demo_label(folder), cancel):
        if progress.vectors is not None:
            progress.vectors.synthetic = True
        yield progress


def _demo_source() -> Iterator[VectorSource]:
    try:
        file = asset(_DEMO_FOLDER) / "vectors.bin"
        size, layout = file.stat().st_size, recognise(file)
    except (LabError, OSError):  # a checkout in which it has not been made
        return
    words, width = layout.count or 0, layout.width
    yield VectorSource(DEMO, _demo_label(file.parent), "bundled", words, width, size, here=True, synthetic=True)


def _demo_label(folder: Path) -> str:
    return str((read_json(folder / "demo.json") or {}).get("label") or "demo vectors (synthetic)")


def _tables() -> list[VectorSource]:
    from core.shelf import list_models

    out = []
    for ref in list_models():
        width = int(ref.shape.rpartition(" ")[2]) if ref.shape else 0
        for table, title in (("wte", "tokens"), ("wpe", "positions")):
            get = "" if ref.here else f"llm-lab pull {ref.spec}"
            name, label = f"{ref.spec}:{table}", f"{title} of {ref.label}"
            out.append(VectorSource(name, label, "model", 0, width, 0 if ref.here else ref.size, ref.here, get=get))
    return out


def _published(name: str) -> Path:
    return cache_dir() / "vectors" / name / f"{name}.gz"


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that no file can have
        return False


def _unknown(spec: str) -> InputError:
    from core.weights.locate import locate

    try:
        locate(spec)
    except LabError:
        known = [DEMO, *VECTORS]
        return InputError(
            f"no vectors are called {spec[:200]!r}{nearest(spec, known)}, and there is no such file",
            "llm-lab vectors list shows what there is; a model's embeddings are MODEL:wte",
        )
    return InputError(
        f"{spec} is a model, a table of it was expected",
        f"its token embeddings are {spec}:wte, its positions {spec}:wpe",
    )
