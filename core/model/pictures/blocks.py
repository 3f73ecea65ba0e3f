"""A map as lines of text, for a terminal without colour, a log or a mail: the denser the mark, the more.

Shapes: T tokens, N marks a side.
"""

from __future__ import annotations

import math
import unicodedata
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from core.model.pictures.maps import HeadMap

MARKS, ASCII_MARKS = "·░▒▓█", ".:+*#"
"""From next to nothing to all; a space is what cannot be seen, a question mark what is not a number."""
_STEPS = {"pattern": (0.01, 0.1, 0.3, 0.6)}
_EVEN = (0.2, 0.4, 0.6, 0.8)
"""Where each denser mark begins, as a share of what the densest stands for."""
_LABEL, _NAME, _TAIL = 16, 12, 24
"""Cells at most of a row's name, of the token that it takes most from, and of all that stands behind a row."""


def text_picture(one: HeadMap, width: int = 100, *, ascii_only: bool = False) -> list[str]:
    """A map as lines that are no wider than ``width`` cells.

    Each row names its token, and where there is room the token that it takes most from. Where the tokens are too many,
    a mark stands for several, the largest of them, and the last lines say so.
    """
    T = len(one.tokens)
    names = [_fitted(f"{i} {label}", _LABEL, ascii_only) for i, label in enumerate(one.tokens)]
    label = max(map(_cells, names))
    room, pool = width - label - 1, 1
    if room < T:  # numbers instead of tokens, and as many tokens to a mark as it takes
        label = len(f"{T - 1}-{T - 1}")
        room = max(4, width - label - 1)
        pool = math.ceil(T / room)
        names = [f"{i}-{min(T, i + pool) - 1}" if pool > 1 else str(i) for i in range(0, T, pool)]
    tail = _TAIL if room - _TAIL >= T else 0
    size = 2 if room - tail >= 2 * T else 1
    shares, lost = _shares(one, pool)
    steps = _STEPS.get(one.what, _EVEN)
    lines = [_plain(one.title, ascii_only), *_header(one, label, size, pool, ascii_only)]
    for i, row in enumerate(shares.tolist()):
        marks = "".join(_mark(share, steps, ascii_only) * size for share in row).rstrip()
        name = names[i]
        line = f"{name}{' ' * (label - _cells(name))} {marks}"
        if tail:
            line += " " * (label + 1 + size * T - _cells(line)) + _most(one, i, ascii_only)
        lines.append(line.rstrip())
    return [*lines, *_legend(one, pool, lost, ascii_only)]


def _shares(one: HeadMap, pool: int) -> tuple[Tensor, int]:
    """Each mark as a share from 0 to 1, (N, N); -1 where nothing can be seen; and how many places are no number."""
    values, unseen = one.values, one.unseen
    lost = int((values.isnan() & ~unseen).sum())
    low, high = _ends(one)
    shares = ((values - low) / (high - low)).clamp(0, 1) if high > low else torch.ones_like(values)
    shares = torch.where(unseen, -1.0, shares.nan_to_num(nan=2.0))
    if pool > 1:
        spare = -len(shares) % pool
        shares = torch.nn.functional.pad(shares, (0, spare, 0, spare), value=-1.0)
        shares = torch.nn.functional.max_pool2d(shares[None, None], pool)[0, 0]
    return shares, lost


def _ends(one: HeadMap) -> tuple[float, float]:
    """The values that the lightest and the densest mark stand for."""
    if one.what == "pattern":
        return 0.0, 1.0
    seen = one.values[~one.unseen]
    seen = seen[seen.isfinite()]
    return (float(seen.min()), float(seen.max())) if len(seen) else (0.0, 0.0)


def _mark(share: float, steps: tuple[float, ...], ascii_only: bool) -> str:
    if share < 0:
        return " "
    if share > 1:
        return "?"
    return (ASCII_MARKS if ascii_only else MARKS)[sum(share >= step for step in steps)]


def _header(one: HeadMap, label: int, size: int, pool: int, ascii_only: bool) -> list[str]:
    """What the columns are: two letters of each token, or their numbers."""
    if size == 2:
        return [" " * (label + 1) + "".join(_padded(_fitted(name, 2, ascii_only), 2) for name in one.tokens).rstrip()]
    columns = math.ceil(len(one.tokens) / pool)
    ruler = [" "] * (columns + 8)
    for column in range(0, columns, 10):
        text = str(column * pool)
        ruler[column : column + len(text)] = text
    return [(" " * (label + 1) + "".join(ruler)).rstrip()]


def _most(one: HeadMap, row: int, ascii_only: bool) -> str:
    seen = one.values[row, : row + 1]
    if seen.isnan().any():
        return "  not a number"
    column = int(seen.argmax())
    name = _padded(_fitted(one.tokens[column], _NAME, ascii_only), _NAME)
    return f"  {name} {float(seen[column]):.2f}"


def _legend(one: HeadMap, pool: int, lost: int, ascii_only: bool) -> list[str]:
    low, high = _ends(one)
    marks = ASCII_MARKS if ascii_only else MARKS
    at = [low + step * (high - low) for step in _STEPS.get(one.what, _EVEN)]
    said = [f"{marks[0]} under {at[0]:.3g}", *(f"{m} from {v:.3g}" for m, v in zip(marks[1:], at, strict=True))]
    lines = ["row: who looks, column: at whom; " + ", ".join(said)]
    if pool > 1:
        lines.append(f"each mark is the largest of {pool} x {pool} places")
    if lost:
        lines.append(f"? {lost:,} places are not a number")
    return lines


def _fitted(text: str, width: int, ascii_only: bool) -> str:
    """The text in at most so many cells; what was cut off leaves a sign where there is room for one."""
    text = _plain(text, ascii_only)
    if _cells(text) <= width:
        return text
    sign = "" if width < 4 else "~" if ascii_only else "…"
    while text and _cells(text) + len(sign) > width:
        text = text[:-1]
    return text + sign


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _cells(text))


_TO_ASCII = str.maketrans({"·": "_", "↵": "\\", "→": ">", "←": "<", "⟨": "<", "⟩": ">"})


def _plain(text: str, ascii_only: bool) -> str:
    if not ascii_only:
        return text
    return text.translate(_TO_ASCII).encode("ascii", "replace").decode()


def _cells(text: str) -> int:
    """How many cells of a terminal a text takes.

    >>> _cells("ab"), _cells("日本"), _cells("e\\u0301")
    (2, 4, 1)
    """
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    marks = sum(unicodedata.category(c) in ("Mn", "Me", "Cf") for c in text)
    return len(text) + wide - marks
