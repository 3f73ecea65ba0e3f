"""Figures as files: PNG, SVG or PDF by matplotlib, whatever their texts hold; what is drawn is said elsewhere.

Maps of heads (``core/model/pictures``) and maps of words (``core/vectors``) are written here. Figures are made without
pyplot, so any thread may draw one; nothing of matplotlib is imported before it is needed.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError
from core.files import write_bytes_atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURES = ("png", "svg", "pdf")


def check_path(path: Path, formats: Sequence[str] = PICTURES) -> None:
    """Raises an InputError if a file of that name is none of the formats, or has no folder to lie in."""
    if path.suffix.lower().removeprefix(".") not in formats:
        *most, last = (f".{kind}" for kind in formats)
        endings = f"{', '.join(most)} or {last}" if most else last
        raise InputError(
            f"expected a file that ends with {endings}, got {path}", f"name it {path.stem or 'picture'}.{formats[0]}"
        )
    if not path.parent.is_dir():
        raise InputError(f"the folder {path.parent} is not there", "make it first, or name another")


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, in inches."""
    logging.getLogger("matplotlib").addHandler(logging.NullHandler())  # what it has to say would fall into the app
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, path: Path) -> Path:
    """Writes a figure in the format that the name ends with: png, svg or pdf. The same figure gives the same file.

    Raises:
        InputError: another ending, or a folder that is not there.
        DiskFullError: no space is left.
        LabError: it cannot be written.
    """
    check_path(path)
    import matplotlib

    # The names of an SVG's parts would be random. Set for good: set and put back, threads would undo each other's.
    matplotlib.rcParams["svg.hashsalt"] = "llm-lab"
    kind = path.suffix.lower().removeprefix(".")
    dated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
    out = io.BytesIO()
    figure.savefig(out, format=kind, dpi=150, metadata=dated)
    write_bytes_atomic(path, out.getvalue(), sync=False)
    return path


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    """The characters that matplotlib's own font has."""
    from matplotlib import get_data_path
    from matplotlib.ft2font import FT2Font

    return frozenset(FT2Font(str(Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")).get_charmap())


def drawable(text: str) -> str:
    """The text, with a box for every character that the font has not; it would warn, and draw another box."""
    known = _glyphs()
    return "".join(c if ord(c) in known else "□" for c in text)
