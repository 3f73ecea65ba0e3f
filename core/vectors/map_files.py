"""A map of words as a file: PNG, SVG or PDF by matplotlib, or CSV with every digit; and a table of cosines as CSV.

The same map gives the same file; how figures become files is said in ``core/pictures.py``.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.files import write_bytes_atomic
from core.pictures import PICTURES, check_path, drawable, new_figure, save_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from core.vectors.projection import Projection

FORMATS = (*PICTURES, "csv")
_NAMED = 400
"""Words up to which each has its name beside it."""
_INCHES = (10.0, 7.5)


def write_map(projection: Projection, path: Path, *, title: str = "", groups: Mapping[str, str] | None = None) -> Path:
    """Writes a map in the format that the file's name ends with.

    Args:
        projection: what ``Vectors.project`` gives.
        path: ends with .png, .svg, .pdf or .csv; its folder must be there.
        title: above the picture; that vectors are synthetic belongs in it.
        groups: the group of a word, by which it is coloured.

    Raises:
        InputError: another ending, or no such folder.
        DiskFullError: no space is left.
        LabError: it cannot be written.
    """
    check_path(path, FORMATS)
    if path.suffix.lower() == ".csv":
        write_bytes_atomic(path, map_csv(projection).encode("utf-8"), sync=False)
        return path
    return save_figure(map_figure(projection, title, groups), path)


def map_csv(projection: Projection) -> str:
    """Word and place, every digit of both: reading it back gives the same numbers."""
    out = io.StringIO()
    writer = _writer(out)
    writer.writerow(("word", *projection.names))
    for word, (x, y) in zip(projection.words, projection.xy, strict=True):
        writer.writerow((word, float(x), float(y)))
    return out.getvalue()


def _writer(out: io.StringIO) -> Any:
    """Words in quotes, since a word of a GPT may be a line break or a comma; a float is written with all its digits."""
    return csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")


def matrix_csv(words: Sequence[str], cosines: NDArray[np.floating[Any]]) -> str:
    """A table of cosines with its words across and down, every digit of each.

    Args:
        words: n of them.
        cosines: (n, n), what ``Vectors.matrix`` gives.
    """
    out = io.StringIO()
    writer = _writer(out)
    writer.writerow(("", *words))
    for word, row in zip(words, cosines, strict=True):
        writer.writerow((word, *map(float, row)))
    return out.getvalue()


def map_figure(projection: Projection, title: str = "", groups: Mapping[str, str] | None = None) -> Figure:
    """The picture: a point for each word, its name beside it up to 400 of them, and what each axis keeps."""
    figure = new_figure(*_INCHES)
    axes = figure.add_subplot()
    many = len(projection.words) > _NAMED
    of = groups or {}
    names = list(dict.fromkeys(of.get(word, "") for word in projection.words))
    for name in names:
        mine = [i for i, word in enumerate(projection.words) if of.get(word, "") == name]
        axes.scatter(
            projection.xy[mine, 0],
            projection.xy[mine, 1],
            s=4 if many else 14,
            alpha=0.8,
            label=drawable(name) or "others",
        )
    if len(names) > 1:
        axes.legend(fontsize=8)
    if not many:
        for word, (x, y) in zip(projection.words, projection.xy, strict=True):
            axes.annotate(drawable(word), (x, y), (3, 3), textcoords="offset points", fontsize=8, parse_math=False)
    shares = projection.share or (None, None)
    across, upwards = (
        drawable(name) + (f" · keeps {share:.1%} of the spread" if share is not None else "")
        for name, share in zip(projection.names, shares, strict=True)
    )
    axes.set_xlabel(across, fontsize=9, parse_math=False)
    axes.set_ylabel(upwards, fontsize=9, parse_math=False)
    if title:
        axes.set_title(drawable(title), fontsize=10, parse_math=False)
    return figure
