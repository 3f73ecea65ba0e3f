"""All heads as a picture: what is struck through, what is said of a choice, and how many heads fit."""

import numpy as np
import pytest
from textual.app import App

from screens.widgets.head_grid import HeadGrid
from screens.widgets.ramps import Look


class Host(App):
    """A grid alone, and what it said."""

    CSS = "HeadGrid { width: 40; height: 14; }"

    def __init__(self, look=None):
        super().__init__()
        self.look = look or Look()
        self.heard = []

    def compose(self):
        yield HeadGrid(look=self.look)

    @property
    def heads(self):
        return self.query_one(HeadGrid)

    def on_head_grid_head_highlighted(self, event):
        self.heard.append(("at", event.layer, event.head))

    def on_head_grid_head_opened(self, event):
        self.heard.append(("opened", event.layer, event.head))

    def on_head_grid_head_toggled(self, event):
        self.heard.append(("toggled", event.layer, event.head))


def lines(grid):
    """What is drawn."""
    return ["".join(s.text for s in grid.render_line(y)) for y in range(grid.size.height)]


VALUES = np.arange(16, dtype=np.float32).reshape(4, 4) / 10


async def test_numbers_names_and_what_is_off():
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.heads.styles.height = 6
        await pilot.pause()
        app.heads.show(VALUES, scale=(0, 2), off=[(1, 2)])
        await pilot.pause()
        drawn = lines(app.heads)
        assert [name for name in ("H0", "H1", "H2", "H3") if name in drawn[0]] == ["H0", "H1", "H2", "H3"]
        assert "L1" in drawn[2] and "/ 0.600" in drawn[2] and "/" not in drawn[1] + drawn[3] + drawn[4]
        strips = app.heads.render_line(2)
        assert any(s.style.strike for s in strips if "0.600" in s.text)
        app.heads.strike([])
        assert "/" not in "".join(lines(app.heads)[1:5])


async def test_keys_choose_open_and_switch():
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.heads.show(VALUES)
        app.heads.focus()
        await pilot.press("down", "right", "enter", "space")
        assert app.heard == [("at", 1, 0), ("at", 1, 1), ("opened", 1, 1), ("toggled", 1, 1)]
        assert app.heads.head == (1, 1)


async def test_a_click_chooses_and_a_second_one_opens():
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.heads.styles.height = 6
        await pilot.pause()
        app.heads.show(VALUES)
        await pilot.pause()
        await pilot.click(HeadGrid, offset=(3 + 8 * 2 + 1, 3))
        assert app.heads.head == (2, 2) and app.heads.pin is None
        await pilot.click(HeadGrid, offset=(3 + 8 * 2 + 1, 3), times=2)
        assert app.heard[-1] == ("opened", 2, 2)


@pytest.mark.parametrize(
    ("shape", "cells"), [((4, 4), "number"), ((6, 6), "short"), ((12, 12), "block"), ((24, 16), "half")]
)
async def test_the_largest_cells_that_fit(shape, cells):
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.heads.show(np.zeros(shape, np.float32), scale=(0, 1))
        await pilot.pause()
        assert app.heads.cells == cells and not app.heads.grid.pooled


@pytest.mark.parametrize("cells", ["number", "short", "block", "half", "tile", "glyph"])
async def test_a_head_that_is_off_is_marked_in_every_kind_of_cell(cells):
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.heads.set_cells(cells)
        app.heads.show(VALUES, off=[(3, 3)])
        await pilot.pause()
        assert sum("/" in line for line in lines(app.heads)) == 1
        app.heads.go_to(3, 3)
        drawn = "".join(lines(app.heads)[1:-1])
        assert "/" in drawn or "+" in drawn, "with the cursor on it too"


async def test_what_is_not_known_is_blank():
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.heads.show(np.zeros((4, 4), np.float32), scale=(0, 1), known=False)
        await pilot.pause()
        assert not any(c.isdigit() for c in "".join(line[3:] for line in lines(app.heads)[1:5]))
