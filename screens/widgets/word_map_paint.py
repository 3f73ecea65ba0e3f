"""Painting a map of words into lines of cells: lines between points, markers or dots, labels, the cursor; no widget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from screens.widgets.cells import fit
from screens.widgets.ramps import Look
from screens.widgets.word_map_labels import plain, signs_of
from screens.widgets.word_map_layout import (
    DOTS_ACROSS,
    DOTS_UP,
    Label,
    Window,
    braille,
    cells_of,
    line_dots,
    nearest_in,
    place_labels,
)

DOTS_FROM = 300
"""Points above which dots are drawn, with labels near the cursor alone."""
NEAR = 14
"""Labels around the cursor where there are dots."""
LABEL_MOST = 24
GROUP_COLOURS = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#D55E00", "#8DA0CB", "#BBBBBB")
"""Told apart with any kind of colour blindness (Okabe and Ito's, and two more)."""
GROUP_COLOURS_LIGHT = ("#0072B2", "#9A6700", "#007A58", "#A8457F", "#7A6F00", "#B34A00", "#4B5D9A", "#555555")
"""The same hues, dark enough for a light background."""
MARKERS = "●◆▲■○◇△□"
MARKERS_ASCII = "*#^@o+x%"


@dataclass(frozen=True)
class MapFigure:
    """What a map shows."""

    xy: NDArray[np.floating] = field(default_factory=lambda: np.zeros((0, 2)))
    """(n, 2); a point that is no number is not drawn."""
    labels: Sequence[str] = ()
    groups: Sequence[int] = ()
    """For each point the number of its group, which gives colour and marker; none: all in one."""
    marked: frozenset[int] = frozenset()
    """Points whose labels are bold and count most."""
    edges: Sequence[tuple[int, int]] = ()
    """Pairs of points that a line joins."""

    @property
    def dotted(self) -> bool:
        """Whether there are so many points that they are dots."""
        return len(self.labels) > DOTS_FROM


@lru_cache(maxsize=64)
def group_style(number: int, look: Look) -> Style:
    """The colour of a group; without ramps none, its marker tells."""
    colours = GROUP_COLOURS_LIGHT if look.light else GROUP_COLOURS
    return Style(color=colours[number % len(colours)]) if look.ramps else Style()


def group_marker(number: int, look: Look) -> str:
    """The sign of a group."""
    signs = MARKERS_ASCII if look.ascii else MARKERS
    return signs[number % len(signs)]


class MapPainter:
    """One painting; ``strips`` are its lines, ``columns`` and ``rows`` the cell of each point (-1: outside)."""

    def __init__(
        self,
        figure: MapFigure,
        window: Window,
        size: tuple[int, int],
        cursor: int,
        look: Look,
        base: Style,
        focus: bool,
    ) -> None:
        self._figure, self._window, self._look, self._cursor = figure, window, look, cursor
        self._wide, self._high = size
        self._canvas = Canvas(*size, base)
        self.columns, self.rows = cells_of(figure.xy, window, *size)
        self.placed: dict[int, Label] = {}
        """The labels that are drawn."""
        self._draw_edges()
        if figure.dotted:
            self._draw_dots()
        else:
            self._draw_points()
        self._draw_cursor(Style(reverse=True) if focus else Style(underline=True))
        self.strips = self._canvas.strips()

    def length(self, index: int) -> int:
        """Cells that a label takes."""
        return min(LABEL_MOST, cell_len(plain(self._figure.labels[index])))

    def _style(self, index: int) -> Style:
        groups = self._figure.groups
        return group_style(groups[index], self._look) if len(groups) else Style()

    def _marker(self, index: int) -> str:
        groups = self._figure.groups
        return group_marker(groups[index] if len(groups) else 0, self._look)

    def _shown(self, index: int) -> str:
        return fit(plain(self._figure.labels[index]), self.length(index), "~" if self._look.ascii else "…")

    def _place(self, index: int, label: Label, style: Style, *, bold: bool) -> None:
        self.placed[index] = label
        self._canvas.write(label.row, label.column, self._shown(index), style, bold=bold)

    def _put_marker(self, index: int, style: Style | None = None) -> None:
        place = (int(self.rows[index]), int(self.columns[index]))
        self._canvas.write(*place, self._marker(index), self._style(index) if style is None else style)

    # --- the layers, the lowest first

    def _draw_edges(self) -> None:
        xy, dots = self._figure.xy, []
        for a, b in self._figure.edges:
            if np.isfinite(xy[[a, b]]).all():
                ends = ((float(xy[a][0]), float(xy[a][1])), (float(xy[b][0]), float(xy[b][1])))
                dots.append(line_dots(*ends, self._window, self._wide, self._high))
        if dots:
            found = np.concatenate(dots)
            grid = braille(found[:, 0], found[:, 1], self._wide, self._high)
            for row, column in np.argwhere(grid).tolist():
                sign = "." if self._look.ascii else chr(0x2800 + int(grid[row, column]))
                self._canvas.write(row, column, sign, dim=True)

    def _draw_points(self) -> None:
        figure, count = self._figure, len(self._figure.labels)
        order = [*sorted(figure.marked), *(i for i in range(count) if i not in figure.marked)]
        lengths = [self.length(i) for i in range(count)]
        for index in reversed(order):
            if self.columns[index] >= 0:
                self._put_marker(index)
        found = place_labels(self.columns, self.rows, lengths, order, self._wide, self._high)
        for index, label in found.items():
            self._place(index, label, self._style(index), bold=index in figure.marked)

    def _draw_dots(self) -> None:
        if self._look.ascii:
            for index in np.flatnonzero(self.columns >= 0).tolist():
                self._canvas.write(int(self.rows[index]), int(self.columns[index]), ".", self._style(index))
        else:
            wide, high = self._wide, self._high
            columns, rows = cells_of(self._figure.xy, self._window, DOTS_ACROSS * wide, DOTS_UP * high)
            seen = np.flatnonzero(columns >= 0)[::-1]
            grid = braille(columns, rows, wide, high)
            first = np.full((high, wide), -1, np.int64)  # the first of a cell's points colours all of it
            first[rows[seen] // DOTS_UP, columns[seen] // DOTS_ACROSS] = seen
            self.columns, self.rows = columns // DOTS_ACROSS, rows // DOTS_UP  # -1 stays -1
            for row, column in np.argwhere(grid).tolist():
                sign = chr(0x2800 + int(grid[row, column]))
                self._canvas.write(row, column, sign, self._style(int(first[row, column])))
        self._label_near_cursor()

    def _label_near_cursor(self) -> None:
        """Labels of the points near the cursor; they may cover dots, but not each other."""
        if self.columns[self._cursor] < 0:
            return
        at = (int(self.columns[self._cursor]), int(self.rows[self._cursor]))
        near = nearest_in(self.columns, self.rows, at, NEAR)
        order = [self._cursor, *(i for i in near if i != self._cursor)]
        lengths = [self.length(i) for i in order]
        columns, rows = self.columns[order], self.rows[order]
        for number, label in place_labels(columns, rows, lengths, range(len(order)), self._wide, self._high).items():
            self._put_marker(order[number])
            self._place(order[number], label, self._style(order[number]), bold=True)

    def _draw_cursor(self, focus: Style) -> None:
        index = self._cursor
        if self.columns[index] < 0:
            return
        column, row, length = int(self.columns[index]), int(self.rows[index]), self.length(index)
        label = self.placed.get(index)
        if label is None:  # it had no room: now it lies over what is there
            right = column + 1 + length <= self._wide
            label = Label(row, column + 1 if right else max(0, column - length))
        self._put_marker(index, self._style(index) + focus)
        self._place(index, label, self._style(index) + focus, bold=True)


class Canvas:
    """Cells that are written over, then cut into strips."""

    def __init__(self, width: int, height: int, base: Style) -> None:
        self._width, self._base = width, base
        self._full: dict[tuple[Style | None, bool, bool], Style] = {}
        self._signs = [[" "] * width for _ in range(height)]
        self._styles: list[list[Style]] = [[base] * width for _ in range(height)]

    def write(
        self, row: int, column: int, text: str, style: Style | None = None, *, bold: bool = False, dim: bool = False
    ) -> None:
        """A text from a cell on, cut at the edge; a wide sign takes two cells."""
        key = (style, bold, dim)
        full = self._full.get(key)
        if full is None:  # a map of thousands has a handful of them
            full = self._base + (style or Style()) + Style(bold=bold or None, dim=dim or None)
            self._full[key] = full
        signs, styles = self._signs[row], self._styles[row]
        for sign, wide in signs_of(text):
            if column + wide > self._width:
                return
            if not wide:  # an accent without a letter takes no cell
                continue
            if not signs[column] and column:  # half of a wide sign was here
                signs[column - 1] = " "
            if wide == 1 and column + 1 < self._width and not signs[column + 1]:
                signs[column + 1] = " "
            signs[column], styles[column] = sign, full
            if wide == 2:
                signs[column + 1], styles[column + 1] = "", full
            column += wide

    def strips(self) -> list[Strip]:
        """The lines, equal neighbours joined."""
        out = []
        for signs, styles in zip(self._signs, self._styles, strict=True):
            segments, start = [], 0
            for at in range(1, self._width + 1):
                if at == self._width or (styles[at] is not styles[start] and styles[at] != styles[start]):
                    segments.append(Segment("".join(signs[start:at]), styles[start]))
                    start = at
            out.append(Strip(segments, self._width))
        return out


def legend(names: Sequence[str], look: Look) -> list[tuple[str, Style]]:
    """Marker and name of each group, in its colour."""
    return [(f"{group_marker(i, look)}{name}", group_style(i, look)) for i, name in enumerate(names)]
