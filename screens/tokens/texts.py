"""What can be looked at without typing: samples, corpora, a file; and how a file becomes a text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.errors import CorpusError

SAMPLES: dict[str, str] = {
    "the first one": "The tokenizer splits “unbelievable” words: naïve café, 12345 + 67;\n\treturn  None",
    "prose": (
        "Gisburn! I saw his pictures again yesterday. It wasn't the money - nobody would have said so - but something\n"
        "had gone out of them, quietly, the way light goes out of a room while one is talking.\n"
    ),
    "code": (
        "def fibonacci(n: int) -> list[int]:\n"
        '    """The first n numbers of the sequence."""\n'
        "    row = [0, 1]\n"
        "    while len(row) < n:\n"
        "        row.append(row[-1] + row[-2])\n"
        "    return row[:n]\n"
    ),
    "other scripts": (
        "Füße, œuvre, żółw · Привет, мир! · Γειά σου · שלום עולם · مرحبا بالعالم\n"
        "你好，世界 · こんにちは · 안녕하세요 · नमस्ते · ภาษาไทย · 👩‍👩‍👧 🇫🇷 👍🏽\n"
    ),
}
"""Name and text, the first one being what the screen begins with."""
FIRST = next(iter(SAMPLES.values()))

READ_AT_MOST = 64_000_000
"""Bytes read from a file."""
BESIDE = 20_000
"""Characters of a long text that are shown cut by several tokenizers."""
SHOWN = 5_000_000
"""Bytes of a text that are shown."""


@dataclass(frozen=True, slots=True)
class Source:
    """A text and where it came from."""

    text: str
    name: str = ""
    """A sample's, a corpus's or a file's; empty where it was typed."""
    note: str = ""
    """What is worth saying of it."""
    python: str = ""
    """Python that gives the text; empty: the text itself is written down."""
    word: str = ""
    """How a command line names it; empty: by the text itself."""
    part: str = "all"
    """How much of what ``word`` names: ``all``, or the ``training`` part of a corpus."""


def corpus_source(name: str, part: str = "all") -> Source:
    """A corpus, or its training part: what a model learns from, the rest being kept to measure it by.

    Raises:
        CorpusError: it is not on this machine; the hint says how to get it.
    """
    from core.data.corpora import is_available, load_corpus
    from core.data.window_setting import WindowSetting

    if not is_available(name):
        raise CorpusError(
            f"{name} is not on this machine",
            f"llm-lab pull {name} fetches it once; python-docs needs no network",
        )
    text, python = load_corpus(name), f"core.load_corpus({name!r})"
    if part == "all":
        return Source(text, name, "", python, name)
    kept = int(len(text) * (1 - WindowSetting.val_fraction))
    note = f"the first {kept:,} of {len(text):,} characters"
    return Source(text[:kept], f"{name}, training part", note, f"{python}[:{kept}]", name, "training")


def read_text_file(path: Path) -> Source:
    """A file as text, whatever it is: bytes that are no UTF-8 are counted and become U+FFFD.

    Raises:
        CorpusError: it is not there, is no file, or cannot be read.
    """
    path = path.expanduser()
    try:
        if path.is_dir():
            raise CorpusError(f"expected a file, {path} is a folder", "name one of the files in it")
        with path.open("rb") as file:
            data = file.read(READ_AT_MOST)
            more = bool(file.read(1))
    except FileNotFoundError:
        raise CorpusError(f"there is no file {path}", "give the path of a text file") from None
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror or error}", "look at its permissions") from None
    text = data.decode("utf-8", "replace")
    bad = 0
    if "\ufffd" in text:
        escaped = data.decode("utf-8", "surrogateescape")
        bad = sum(0xDC80 <= ord(c) <= 0xDCFF for c in escaped) if not escaped.isascii() else 0
    notes = []
    if bad:
        notes.append(f"{bad:,} {'byte is' if bad == 1 else 'bytes are'} no UTF-8 and read as U+FFFD")
    if b"\0" in data[:8192]:
        notes.append("this is a binary file")
    if more:
        notes.append(f"only its first {READ_AT_MOST // 1_000_000} MB were read")
    python = f"open({str(path)!r}, encoding='utf-8-sig', errors='replace', newline='').read({READ_AT_MOST})"
    text = text.removeprefix("\ufeff")
    return Source(text, path.name, " · ".join(notes), python, "" if notes or not text else str(path))


def clipped(text: str, limit: int) -> str:
    """As much of a text as ``limit`` bytes of UTF-8 hold."""
    if len(text) * 4 <= limit:
        return text
    part = text[:limit]
    if part.isascii():
        return part
    return part.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore")
