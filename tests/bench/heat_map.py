"""A frame of a heat map: 1,024 by 1,024 values painted into a 120 by 36 terminal, pooling included."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

from tests.bench.idle import check_idle
from tests.bench.result import Result

TARGET = 5.0
"""Milliseconds."""


def measure(*, quick: bool = False) -> Iterator[Result]:
    """A picture of noise, in which no two neighbours look alike (the worst case), and a smooth one."""
    import numpy as np

    check_idle(5.0 if quick else 60.0)
    side = 1024
    noise = np.random.default_rng(0).normal(size=(side, side)).astype(np.float32)
    line = np.linspace(-1, 1, side, dtype=np.float32)
    smooth = np.outer(line, line).astype(np.float32)
    later = np.triu(np.ones((side, side), bool), 1)  # an attention pattern leaves later tokens blank
    repeats = 10 if quick else 40
    pictures = (("noise", noise, None), ("a smooth picture", smooth, None), ("noise, half of it masked", noise, later))
    for name, values, mask in pictures:
        for cells in ("half", "block"):
            best, whole = asyncio.run(_frame(values, mask, cells, repeats))
            what = f"heat map: a frame of {side} x {side}, {name}, {cells} cells"
            about = f"{whole:.2f} ms with what the toolkit does to each line"
            yield Result(what, best, None, "ms", None, f"<= {TARGET:g}", best <= TARGET, about)


async def _frame(values: Any, mask: Any, cells: str, repeats: int) -> tuple[float, float]:
    """The best time in milliseconds to pool and paint every line anew; the same as the toolkit asks for it."""
    from textual.app import App

    from lab.filters import Together
    from screens.widgets.clean import CleanFilter
    from screens.widgets.heat_map import HeatMap
    from screens.widgets.steady import SteadyFilter

    app: App[None] = App()
    filters = Together((*app.get_line_filters(), SteadyFilter(), CleanFilter()))  # the lab's
    app.get_line_filters = lambda: [filters]  # type: ignore[method-assign]
    async with app.run_test(size=(120, 36)) as pilot:
        widget = HeatMap()
        await app.mount(widget)
        widget.fill(values, diverging=True, scale=(-5.0, 5.0), mask=mask)
        widget.set_cells(cells)
        await pilot.pause()
        assert widget.size == app.size

        def lines() -> None:
            widget._looked_up = widget.rich_style  # once for a frame, as ``render_lines`` does
            for y in range(widget.size.height):
                widget.render_line(y)
            widget._looked_up = None

        def frame() -> None:
            widget._styles_cache.clear()
            widget.render_lines(widget.size.region)

        return _best(widget, lines, repeats), _best(widget, frame, repeats)


def _best(widget: Any, paint: Callable[[], None], repeats: int) -> float:
    best = float("inf")
    for _ in range(repeats):
        widget._rows.forget()
        widget._strips.clear()
        start = time.perf_counter()
        paint()
        best = min(best, 1000 * (time.perf_counter() - start))
    return best
