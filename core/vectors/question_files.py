"""Files of questions that word vectors are scored by: analogies by section, and pairs with a person's judgement.

Two well known ones come inside gensim's own test data: the Google analogy set (Mikolov et al. 2013) and WordSim-353
(Finkelstein et al. 2002). They are read where they are. What cannot be read is counted and named, not passed over.
"""

from __future__ import annotations

import importlib.util
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.errors import InputError, nearest
from core.fields import brief

BUNDLED = {"google": "questions-words.txt", "wordsim353": "wordsim353.tsv"}
"""By name: files of gensim's test data."""
RELATIONS_NAME = "relations"
"""What the demo's corpus teaches, as questions of the same form."""


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be read."""

    number: int
    """From 1."""
    text: str
    why: str

    def __str__(self) -> str:
        return f"line {self.number:,}: {self.why}, got {brief(self.text)}"


@dataclass(frozen=True, slots=True)
class AnalogySet:
    """Questions a : b :: c : d, by section, in the order of the file."""

    name: str
    sections: tuple[tuple[str, tuple[tuple[str, str, str, str], ...]], ...]
    malformed: tuple[BadLine, ...]

    def __len__(self) -> int:
        return sum(len(questions) for _, questions in self.sections)


@dataclass(frozen=True, slots=True)
class PairSet:
    """Pairs of words and how alike people found them."""

    name: str
    pairs: tuple[tuple[str, str, float], ...]
    malformed: tuple[BadLine, ...]

    def __len__(self) -> int:
        return len(self.pairs)


def read_questions(name_or_path: str) -> AnalogySet | PairSet:
    """A file of either kind, told apart by its content: analogies have lines that begin with ``:``.

    Args:
        name_or_path: ``google``, ``wordsim353``, ``relations`` (what the demo vectors were taught), or a file.

    Raises:
        InputError: no such file, not UTF-8, or nothing in it that is a question.
    """
    if name_or_path == RELATIONS_NAME:
        from core.vectors.teaching import analogy_lines

        return _analogies(RELATIONS_NAME, analogy_lines().splitlines())
    lines = _text(name_or_path).splitlines()
    name = name_or_path if name_or_path in BUNDLED else Path(name_or_path).name
    found = _analogies(name, lines) if _kind(lines) == "analogies" else _pairs(name, lines)
    if not len(found):
        why = f"; {found.malformed[0]}" if found.malformed else ""
        raise InputError(
            f"expected analogies (: section, then four words a line) or pairs (two words and a number), {name} has "
            f"neither{why}",
            f"there are: {', '.join(BUNDLED)}, {RELATIONS_NAME}; or the path of a file of that form",
        )
    return found


def _kind(lines: list[str]) -> Literal["analogies", "pairs"]:
    """By the first section line, or else by what most lines look like."""
    if any(line.startswith(":") for line in lines):
        return "analogies"
    four = sum(len(line.split()) == 4 for line in lines)
    return "analogies" if four > len(lines) / 2 else "pairs"


def _analogies(name: str, lines: list[str]) -> AnalogySet:
    sections: list[tuple[str, list[tuple[str, str, str, str]]]] = []
    bad: list[BadLine] = []
    for number, line in enumerate(lines, 1):
        words = line.split()
        if line.startswith(":"):
            sections.append((line.lstrip(": ").strip(), []))
        elif not words:
            continue
        elif len(words) != 4:
            bad.append(BadLine(number, line.strip(), f"expected four words, found {len(words)}"))
        else:
            if not sections:
                sections.append(("(no section)", []))
            a, b, c, d = words
            sections[-1][1].append((a, b, c, d))
    return AnalogySet(name, tuple((title, tuple(questions)) for title, questions in sections), tuple(bad))


def _pairs(name: str, lines: list[str]) -> PairSet:
    found: list[tuple[str, str, float]] = []
    bad: list[BadLine] = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = line.split("\t") if "\t" in line else re.split(r"\s*[,;]\s*|\s+", line.strip())
        if len(parts) != 3:
            bad.append(BadLine(number, line.strip(), f"expected two words and a number, found {len(parts)} parts"))
        elif (judged := _number(parts[2])) is None:
            bad.append(BadLine(number, line.strip(), "expected a number in the third place"))
        else:
            found.append((parts[0].strip(), parts[1].strip(), judged))
    return PairSet(name, tuple(found), tuple(bad))


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _text(name_or_path: str) -> str:
    path = bundled(name_or_path) if name_or_path in BUNDLED else Path(name_or_path).expanduser()
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        known = nearest(name_or_path, [*BUNDLED, RELATIONS_NAME])
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(
            f"{brief(name_or_path)} is no set of questions{known} and cannot be read as a file: {why}",
            f"there are: {', '.join(BUNDLED)}, {RELATIONS_NAME}; or the path of a file",
        ) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"expected UTF-8, {path} has 0x{data[error.start]:02x} at byte {error.start:,}",
            f"convert it: iconv -f LATIN1 -t UTF-8 {path}",
        ) from None


def bundled(name: str) -> Path:
    """Where gensim keeps one of its files; gensim itself is not loaded.

    Raises:
        InputError: this gensim came without its test data.
    """
    spec = importlib.util.find_spec("gensim")
    for root in (spec.submodule_search_locations or []) if spec else []:
        path = Path(root) / "test" / "test_data" / BUNDLED[name]
        if path.is_file():
            return path
    raise InputError(
        f"{name} is read from gensim's test data, which this installation came without", "give the path of such a file"
    )
