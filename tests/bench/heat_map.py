"""A frame of a heat map: 1,024 by 1,024 values painted into a 120 by 36 terminal, pooling included."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
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
            best = asyncio.run(_frame(values, mask, cells, repeats))
            what = f"heat map: a frame of {side} x {side}, {name}, {cells} cells"
            yield Result(what, best, None, "ms", None, f"<= {TARGET:g}", best <= TARGET)


async def _frame(values: Any, mask: Any, cells: str, repeats: int) -> float:
    """The best time in milliseconds to pool and paint every line anew."""
    from textual.app import App

    from screens.widgets.heat_map import HeatMap

    app: App[None] = App()
    async with app.run_test(size=(120, 36)) as pilot:
        widget = HeatMap()
        await app.mount(widget)
        widget.fill(values, diverging=True, scale=(-5.0, 5.0), mask=mask)
        widget.set_cells(cells)
        await pilot.pause()
        best = float("inf")
        for _ in range(repeats):
            widget._rows.forget()
            widget._strips.clear()
            widget._base = widget.rich_style
            start = time.perf_counter()
            for y in range(widget.size.height):
                widget.render_line(y)
            best = min(best, 1000 * (time.perf_counter() - start))
        return best
