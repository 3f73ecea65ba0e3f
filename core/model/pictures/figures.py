"""Figures for print, by matplotlib: maps of heads, values of all heads, curves over steps, the lens.

Nothing of matplotlib is imported before it is needed; how figures become files is said in ``core/pictures.py``.

Shapes: T tokens, L layers, H heads.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from core.errors import InputError
from core.model.pictures.labels import token_labels
from core.pictures import drawable, new_figure
from core.pictures import save_figure as save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from core.model.lens import LensRow
    from core.model.pictures.maps import HeadMap
    from core.tokenizers.base import Tokenizer

Scale = Literal["linear", "log"]
_NAMED = 64
"""Tokens up to which each is named on the axes."""
_NUMBERED = 14
"""Tokens up to which each place tells its number."""
_SMALL = 64
"""Points a side of one map among many."""
_LISTED = 40
"""Tokens of a layer that a figure of the lens holds."""
_FLOOR = 1e-4
"""The smallest share that a logarithmic scale tells from nothing."""


def map_figure(one: HeadMap, scale: Scale = "linear") -> Figure:
    """One map, rows and columns named by their tokens."""
    T = len(one.tokens)
    side = min(16.0, max(4.5, 1.6 + 0.24 * T)) if T <= _NAMED else 9.0
    figure = new_figure(side + 1.2, side)
    axes = figure.add_subplot()
    image = _draw_map(axes, one.values, one.unseen, scale, one.what)
    figure.colorbar(image, ax=axes, fraction=0.046, pad=0.03)
    _title(axes, f"{one.model} · {one.title}" + _not_numbers(one.values, one.unseen))
    axes.set_xlabel("looked at")
    axes.set_ylabel("who looks")
    if T <= _NAMED:
        labels = [drawable(label) for label in one.tokens]
        size = 8 if T <= 32 else 6
        axes.set_xticks(range(T), labels, rotation=90, fontsize=size, parse_math=False)
        axes.set_yticks(range(T), labels, fontsize=size, parse_math=False)
    if T <= _NUMBERED:
        _write_numbers(axes, one.values, one.unseen, image)
    return figure


def maps_figure(maps: Iterable[HeadMap], count: int, columns: int, scale: Scale = "linear") -> Figure:
    """Many maps side by side, small; each is pooled to at most 64 points a side, by its largest value.

    Args:
        maps: one is in memory at a time.
        count: how many there are.
        columns: how many stand side by side.
        scale: of attention.
    """
    rows = math.ceil(count / columns)
    figure = new_figure(max(4.0, 1.3 * columns), max(2.5, 1.45 * rows + 0.5))
    said = ""
    for place, one in enumerate(maps, 1):
        axes = figure.add_subplot(rows, columns, place)
        values, unseen = _pooled(one)
        _draw_map(axes, values, unseen, scale, one.what)
        axes.set_xticks([])
        axes.set_yticks([])
        _title(axes, f"L{one.layer} H{one.head}" if one.how == "head" else one.title, 7)
        size = math.ceil(len(one.tokens) / _SMALL)
        said = f"{one.model} · {len(one.tokens)} tokens"
        said += f", each point the largest of {size} x {size}" if size > 1 else ""
    figure.suptitle(drawable(said), fontsize=9, parse_math=False)
    return figure


def heads_figure(values: Mapping[str, Tensor], title: str = "", chance: Mapping[str, float] | None = None) -> Figure:
    """Values of all heads, each (L, H), as a grid of cells for each name."""
    columns = min(3, len(values))
    rows = math.ceil(len(values) / columns)
    layers, heads = next(iter(values.values())).shape
    width, height = max(3.2, 0.45 * heads + 1.4), max(2.2, 0.34 * layers + 1.0)
    figure = new_figure(columns * width, rows * height + 0.3)
    for place, (name, grid) in enumerate(values.items(), 1):
        axes = figure.add_subplot(rows, columns, place)
        image = axes.imshow(_masked(grid, ~grid.isfinite()), cmap=_colours("viridis"), aspect="auto")
        figure.colorbar(image, ax=axes)
        known = chance.get(name) if chance else None
        _title(axes, name if known is None or known != known else f"{name} (chance {known:.3g})", 8)
        axes.set_xlabel("head", fontsize=7)
        axes.set_ylabel("layer", fontsize=7)
        axes.set_xticks(range(0, heads, max(1, heads // 12)))
        axes.set_yticks(range(0, layers, max(1, layers // 12)))
        axes.tick_params(labelsize=7)
        if heads <= 16:
            _write_numbers(axes, grid, grid.isnan(), image)
    if title:
        figure.suptitle(drawable(title), fontsize=9, parse_math=False)
    return figure


def history_figure(
    steps: Sequence[int], curves: Mapping[str, Sequence[float]], measure: str, chance: float = math.nan, title: str = ""
) -> Figure:
    """Curves over a run's steps, one a head, by their names; a number that is none leaves a gap."""
    figure = new_figure(7.5, 4.2)
    axes = figure.add_subplot()
    for place, (name, curve) in enumerate(curves.items()):
        dashes = ("-", "--", "-.", ":")[place // 10 % 4]  # there are ten colours
        axes.plot(steps, curve, marker=".", linewidth=1.2, linestyle=dashes, label=name)
    if chance == chance:
        axes.axhline(chance, color="0.5", linewidth=0.9, label="chance")
    axes.set_xlabel("step")
    axes.set_ylabel(measure)
    if len(curves) <= 20:
        axes.legend(fontsize=7, ncols=max(1, len(curves) // 10 + 1))
    _title(axes, title or measure)
    return figure


def lens_figure(rows: Sequence[LensRow], tokenizer: Tokenizer, title: str = "") -> Figure:
    """The likeliest tokens layer by layer, the last layer at the top, coloured by probability.

    Raises:
        InputError: more tokens a layer than a figure holds.
    """
    from matplotlib.colors import Normalize

    k = max((len(row.top) for row in rows), default=1)
    if k > _LISTED:
        raise InputError(f"{k:,} tokens a layer do not fit into one figure, {_LISTED} do", f"take {_LISTED} or fewer")
    grid = torch.full((len(rows), max(1, k)), math.nan)
    for i, row in enumerate(rows):
        for j, found in enumerate(row.top):
            grid[i, j] = found.probability
    figure = new_figure(1.6 + 1.15 * max(1, k), 1.0 + 0.34 * len(rows))
    axes = figure.add_subplot()
    image = axes.imshow(
        _masked(grid, grid.isnan()), cmap=_colours("viridis"), aspect="auto", norm=Normalize(0, 1), origin="lower"
    )
    figure.colorbar(image, ax=axes, label="probability")
    for i, row in enumerate(rows):
        for j, found in enumerate(row.top):
            name = drawable(token_labels(tokenizer, [found.token])[0])
            ink = "black" if found.probability > 0.6 else "white"
            axes.text(j, i, name, ha="center", va="center", fontsize=7, color=ink, parse_math=False)
    axes.set_xticks(range(k), [str(j + 1) for j in range(k)])
    axes.set_yticks(range(len(rows)), [layer_name(row.layer, len(rows) - 1) for row in rows], fontsize=7)
    axes.set_xlabel("rank")
    _title(axes, title or "what each layer would answer")
    return figure


def layer_name(layer: int, layers: int) -> str:
    """What row ``layer`` of a lens stands for.

    >>> layer_name(0, 4), layer_name(2, 4), layer_name(4, 4)
    ('embeddings', 'after layer 1', 'the answer')
    """
    return "embeddings" if layer == 0 else "the answer" if layer == layers else f"after layer {layer - 1}"


def _draw_map(axes: Axes, values: Tensor, unseen: Tensor, scale: Scale, what: str) -> Any:
    from matplotlib.colors import LogNorm, Normalize

    shown = values
    if what != "pattern":
        norm: Any = None
    elif scale == "log":
        norm, shown = LogNorm(_FLOOR, 1.0), values.clamp_min(_FLOOR)
    else:
        norm = Normalize(0.0, 1.0)
    axes.set_facecolor("0.93")
    hidden = unseen | ~shown.isfinite()
    return axes.imshow(_masked(shown, hidden), cmap=_colours("viridis"), norm=norm, interpolation="nearest")


def _colours(name: str) -> Any:
    from matplotlib import colormaps

    return colormaps[name].with_extremes(bad=(0, 0, 0, 0))


def _masked(values: Tensor, hidden: Tensor) -> Any:
    import numpy as np

    return np.ma.masked_array(values.numpy(), mask=hidden.numpy())


def _pooled(one: HeadMap) -> tuple[Tensor, Tensor]:
    """A map of at most 64 points a side, and which of them nothing can be seen in."""
    size = math.ceil(len(one.tokens) / _SMALL)
    if size == 1:
        return one.values, one.unseen
    spare = -len(one.tokens) % size
    low = torch.where(one.unseen, -torch.inf, one.values)
    low = torch.nn.functional.pad(low, (0, spare, 0, spare), value=-math.inf)
    pooled = torch.nn.functional.max_pool2d(low[None, None], size)[0, 0]  # the largest; a NaN stays one
    return pooled, pooled == -torch.inf


def _write_numbers(axes: Axes, values: Tensor, hidden: Tensor, image: Any) -> None:
    """Each place's number, light on dark and dark on light."""
    middle = (image.norm.vmin + image.norm.vmax) / 2 if image.norm.vmin is not None else 0.0
    for i, j in (values.isfinite() & ~hidden).nonzero().tolist():
        value = float(values[i, j])
        text = f"{value:.2f}".removeprefix("0") if abs(value) < 1 else f"{value:.3g}"
        ink = "black" if value > middle else "white"
        axes.text(j, i, text, ha="center", va="center", fontsize=6, color=ink)


def _not_numbers(values: Tensor, unseen: Tensor) -> str:
    lost = int((values.isnan() & ~unseen).sum())
    return f" · {lost:,} places are not a number" if lost else ""


def _title(axes: Axes, text: str, size: int = 9) -> None:
    axes.set_title(drawable(text), fontsize=size, parse_math=False)
