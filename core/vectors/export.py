"""Taking vectors away: a matrix of cosines as CSV, a map as PNG or SVG, anything as JSON.

Numbers are written with all their digits, so that a file read back gives the same. Pictures are matplotlib's, drawn
without its global state, so that any thread may make one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.files import write_bytes_atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from core.vectors.plane import Plane
    from core.vectors.projection import Projection

PICTURES = (".png", ".svg")
_LABELLED = 300
"""Points up to which each has its word beside it."""


def matrix_csv(words: Sequence[str], matrix: NDArray[np.floating[Any]]) -> str:
    """A table with the words above and at the left.

    >>> matrix_csv(["a", "b, c"], np.array([[1, 0.1], [0.1, 1]]))
    ',a,"b, c"\\na,1.0,0.1\\n"b, c",0.1,1.0\\n'
    """
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["", *words])
    for word, values in zip(words, matrix, strict=True):
        rows.writerow([word, *(repr(float(value)) for value in values)])
    return out.getvalue()


def projection_csv(projection: Projection) -> str:
    """A line a word: the word, and where it is on the map."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["word", "x", "y"])
    rows.writerows(
        [word, repr(float(x)), repr(float(y))] for word, (x, y) in zip(projection.words, projection.xy, strict=True)
    )
    return out.getvalue()


def write_text(path: Path, text: str) -> None:
    """Writes a table; raises a ``LabError`` where the disk refuses."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes_atomic(path, text.encode("utf-8", "backslashreplace"))


def draw_map(
    path: Path,
    projection: Projection,
    *,
    title: str = "",
    groups: Mapping[str, str] | None = None,
    size: tuple[float, float] = (9.0, 6.5),
) -> None:
    """A map of words as a picture.

    Args:
        path: ending in ``.png`` or ``.svg``.
        projection: the map.
        title: above it; say there if the vectors are synthetic.
        groups: the group of a word, which gives it its colour.
        size: inches.

    Raises:
        InputError: another kind of file.
        LabError: it cannot be written.
    """
    figure, axes = _figure(path, title, size)
    xy = projection.xy
    names = list(dict.fromkeys((groups or {}).get(word, "") for word in projection.words))
    colours = [f"C{names.index((groups or {}).get(word, '')) % 10}" for word in projection.words]
    crowded = len(projection.words) > _LABELLED
    axes.scatter(xy[:, 0], xy[:, 1], s=6 if crowded else 18, c=colours, linewidths=0)
    if not crowded:
        for word, (x, y) in zip(projection.words, xy, strict=True):
            _label(axes, word, x, y)
    shares = projection.share or (None, None)
    across, up = (
        name if share is None else f"{name} ({share:.1%} of the spread)"
        for name, share in zip(projection.names, shares, strict=True)
    )
    axes.set_xlabel(across, parse_math=False)
    axes.set_ylabel(up, parse_math=False)
    _save(figure, path)


def draw_plane(path: Path, plane: Plane, *, title: str = "", size: tuple[float, float] = (8.0, 6.0)) -> None:
    """The parallelogram of an expression as a picture; arguments and errors as ``draw_map``."""
    figure, axes = _figure(path, title, size)
    for a, b in plane.edges:
        first, second = plane.points[a], plane.points[b]
        axes.plot([first.x, second.x], [first.y, second.y], color="0.6", linewidth=1, zorder=0)
    colours = {"input": "C0", "sum": "C3", "answer": "C2", "other": "0.5"}
    for point in plane.points:
        marker = "x" if point.role == "sum" else "o"
        axes.scatter([point.x], [point.y], s=28, color=colours[point.role], marker=marker)
        _label(axes, point.name, point.x, point.y)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xlabel(f"the plane keeps {plane.share:.1%} of the spread of these words")
    _save(figure, path)


def _figure(path: Path, title: str, size: tuple[float, float]) -> tuple[Figure, Axes]:
    if path.suffix.lower() not in PICTURES:
        raise InputError(f"a picture ends in .png or .svg, got {path.name!r}", f"for one: {path.stem or 'map'}.png")
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    axes.grid(visible=True, color="0.92")
    axes.set_axisbelow(True)
    if title:
        axes.set_title(title, parse_math=False)
    return figure, axes


def _label(axes: Axes, word: str, x: float, y: float) -> None:
    shown = "".join(c if c.isprintable() else "?" for c in word)
    axes.annotate(shown, (x, y), xytext=(4, 3), textcoords="offset points", fontsize=8, parse_math=False)


def _save(figure: Figure, path: Path) -> None:
    import warnings

    kind = path.suffix.lower().removeprefix(".")
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a letter that the font has not is drawn as a box
        figure.savefig(out, format=kind, dpi=160, metadata={"Date": None} if kind == "svg" else None)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes_atomic(path, out.getvalue())
