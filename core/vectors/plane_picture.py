"""The parallelogram of an expression as a file, PNG, SVG or PDF; maps and tables are ``map_files.py``'s."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.pictures import drawable, new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from core.vectors.plane import Plane

_INCHES = (9.0, 6.5)
_COLOURS = {"input": "C0", "sum": "C3", "answer": "C2", "other": "0.5"}


def write_plane(plane: Plane, path: Path, *, title: str = "") -> Path:
    """Writes the picture of an expression.

    Args:
        plane: what ``Vectors.plane`` gives.
        path: ends with .png, .svg or .pdf; its folder must be there.
        title: above it; that vectors are synthetic belongs in it.

    Raises:
        InputError: another ending, or no such folder.
        LabError: it cannot be written.
    """
    return save_figure(plane_figure(plane, title), path)


def plane_figure(plane: Plane, title: str = "") -> Figure:
    """The picture: the words of the expression, the sum as a cross, the words nearest to it, the sides between them."""
    figure = new_figure(*_INCHES)
    axes = figure.add_subplot()
    for a, b in plane.edges:
        first, second = plane.points[a], plane.points[b]
        axes.plot([first.x, second.x], [first.y, second.y], color="0.6", linewidth=1, zorder=0)
    for point in plane.points:
        marker = "x" if point.role == "sum" else "o"
        axes.scatter([point.x], [point.y], s=28, color=_COLOURS[point.role], marker=marker)
        at = (point.x, point.y)
        axes.annotate(drawable(point.name), at, (4, 3), textcoords="offset points", fontsize=9, parse_math=False)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xlabel(f"the plane keeps {plane.share:.1%} of the spread of these words", fontsize=9)
    if title:
        axes.set_title(drawable(title), fontsize=10, parse_math=False)
    return figure
