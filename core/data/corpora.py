"""The texts that a model learns from: three by name, any text file, or a folder of them.

A text is kept exactly as it is stored (line ends too); only a byte-order mark at its start goes. Leaves out: how the
bytes arrive (``download.py``) and what becomes of them (``ids.py``, ``windows.py``).
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.data.download import DownloadProgress
from core.errors import CorpusError, DownloadError, nearest
from core.folders import cache_dir

_SNIFF = 8192
_TEXT_SUFFIXES = frozenset({".txt", ".text", ".md", ".rst"})
_SEPARATOR = "\n\n"


@dataclass(frozen=True, slots=True)
class CorpusInfo:
    """What is known about a named text before it is read."""

    name: str
    title: str
    source: str
    """Where it comes from, for people."""
    url: str | None
    """Where it is fetched from; None: it comes with Python."""
    sha256: str | None
    size: int | None
    """Bytes."""
    licence: str


CORPORA: dict[str, CorpusInfo] = {
    info.name: info
    for info in (
        CorpusInfo(
            "python-docs",
            "The Python manual's language topics",
            "pydoc_data.topics of the Python that runs this; it differs between Python releases",
            None,
            None,
            None,
            "PSF-2.0",
        ),
        CorpusInfo(
            "tiny-shakespeare",
            "Forty thousand lines of Shakespeare",
            "github.com/karpathy/char-rnn",
            "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
            "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
            1_115_394,
            "public domain",
        ),
        CorpusInfo(
            "the-verdict",
            "The Verdict, a short story by Edith Wharton (1908)",
            "github.com/rasbt/LLMs-from-scratch, chapter 2",
            "https://raw.githubusercontent.com/rasbt/LLMs-from-scratch/main/ch02/01_main-chapter-code/the-verdict.txt",
            "b41e41a68f0398a3154ae69e2e4c0e2694e17fe0d66730536837f1b01935b31f",
            20_479,
            "public domain",
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Corpus:
    """A text with its name and the SHA-256 of its UTF-8."""

    name: str
    text: str
    sha256: str


def corpus(name_or_path: str | os.PathLike[str]) -> Corpus:
    """A text with its hash; ``load_corpus`` says what may be named."""
    name = os.fspath(name_or_path)
    text = load_corpus(name)
    if name not in CORPORA:
        name = Path(name).expanduser().resolve().name or name
    return Corpus(name, text, hashlib.sha256(text.encode("utf-8")).hexdigest())


def load_corpus(name_or_path: str | os.PathLike[str]) -> str:
    """A text by name, fetched if it is not here yet, or from a file or folder.

    Args:
        name_or_path: a name in ``CORPORA``, a UTF-8 text file, or a folder whose text files are joined in the order of
            their paths with a blank line between. A file that has a corpus's name is reached as ``./NAME``.

    Raises:
        CorpusError: nothing of that name, or it is empty, binary, or a folder without text.
        DownloadError: it had to be fetched and could not be.
    """
    name = os.fspath(name_or_path)
    if name in CORPORA:
        return _named(CORPORA[name])
    path = Path(name).expanduser()
    try:
        if name and path.is_dir():
            return _folder(path)
        if not name or not path.exists():
            raise CorpusError(
                f"{name!r} is neither a corpus{nearest(name, CORPORA)} nor a file or folder here",
                "there are: " + ", ".join(CORPORA) + "; or give the path of a text file or of a folder of them",
            )
        if not path.is_file():
            raise CorpusError(f"expected a text file or a folder, {name} is neither", "give the path of a text file")
        return _file(path)
    except OSError as error:
        raise _unreadable(path, error) from None


def corpus_path(name: str) -> Path | None:
    """The file of a named corpus in the cache, or None if it is not there (or comes with Python)."""
    path = _cached(name)
    return path if path.is_file() else None


def is_available(name: str) -> bool:
    """Whether a named corpus can be loaded without a network."""
    return _info(name).url is None or corpus_path(name) is not None


def fetch_corpus(name: str, cancelled: threading.Event | None = None) -> Iterator[DownloadProgress]:
    """Fetches a named corpus into the cache, saying how far it is; nothing happens if it is there.

    Raises:
        DownloadError: it could not be fetched, or is not what was expected.
    """
    info = _info(name)
    if info.url is None or corpus_path(name) is not None:
        return
    try:
        from core.data.pull_catalogue import corpus_file
        from core.data.pull_mirrors import download_from_any

        yield from download_from_any(corpus_file(info), cancelled)
    except DownloadError as error:
        offline = "the corpus python-docs needs no network: --corpus python-docs"
        raise DownloadError(error.title, f"{error.hint}; {offline}") from error


def _info(name: str) -> CorpusInfo:
    if name not in CORPORA:
        raise CorpusError(f"no corpus is called {name!r}{nearest(name, CORPORA)}", "there are: " + ", ".join(CORPORA))
    return CORPORA[name]


def _cached(name: str) -> Path:
    return cache_dir() / "corpora" / f"{_info(name).name}.txt"


def _named(info: CorpusInfo) -> str:
    if info.url is None:
        return _python_docs()
    for _ in fetch_corpus(info.name):
        pass
    path = _cached(info.name)
    try:
        return _file(path)
    except OSError as error:
        raise _unreadable(path, error) from None


def _python_docs() -> str:
    try:
        from pydoc_data.topics import topics
    except ImportError:
        raise CorpusError(
            "python-docs is read from pydoc_data, which this Python came without",
            "take another text: --corpus tiny-shakespeare, or the path of a text file",
        ) from None
    return _SEPARATOR.join(topics[topic] for topic in sorted(topics))


def _file(path: Path) -> str:
    data = path.read_bytes()
    if not data:
        raise CorpusError(f"expected a text, {path} is empty", "give a file with some text in it")
    return _decoded(data, path)


def _decoded(data: bytes, path: Path) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise CorpusError(f"expected UTF-8, {path} is UTF-16", f"convert it: iconv -f UTF-16 -t UTF-8 {path}")
    nul = data.find(b"\0")
    if nul >= 0:
        raise CorpusError(f"expected a text, {path} is binary: a NUL at byte {nul:,}", "give a plain text file")
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"expected UTF-8, {path} has 0x{data[error.start]:02x} at byte {error.start:,}",
            f"if it is an older encoding, convert it: iconv -f LATIN1 -t UTF-8 {path}",
        ) from None
    if not text:
        raise CorpusError(f"expected a text, {path} holds only a byte-order mark", "give a file with some text in it")
    return text


def _folder(folder: Path) -> str:
    parts = [text for path in _files(folder) if (text := _part(path)) is not None]
    if not parts:
        raise CorpusError(
            f"expected text files in the folder {folder}, found none",
            "put UTF-8 text files there (hidden, empty and binary ones are passed over)",
        )
    return _SEPARATOR.join(parts)


def _files(folder: Path) -> list[Path]:
    """Every file below a folder except hidden ones, in the order of their paths on every system."""
    found = []
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and name != "__pycache__"]
        found += [Path(root) / name for name in names if not name.startswith(".")]
    return sorted((p for p in found if p.is_file()), key=lambda p: p.relative_to(folder).parts)


def _part(path: Path) -> str | None:
    """The text of one file of a folder, or None if it is empty or not text."""
    with path.open("rb") as file:
        data = file.read(_SNIFF)
        if not data.strip() or (b"\0" in data and path.suffix.lower() not in _TEXT_SUFFIXES):
            return None
        data += file.read()
    try:
        return _decoded(data, path)
    except CorpusError:
        if path.suffix.lower() in _TEXT_SUFFIXES:  # what says that it is text must not be dropped in silence
            raise
        return None


def _unreadable(path: Path, error: OSError) -> CorpusError:
    reason = error.strerror or str(error)
    return CorpusError(f"{error.filename or path} cannot be read: {reason}", "look at its path and its permissions")
