"""The heat map: what a pooled cell shows, what is read, cursor, pin, zoom, and how it looks without colour."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style
from textual.app import App

from screens.widgets import heat_rows
from screens.widgets.heat_map import HeatMap
from screens.widgets.heat_paint import Brush, number_text, paint_cells, paint_halves
from screens.widgets.heat_pool import BUDGET, Grid, lay_out, place_of, pool_rows, row_step
from screens.widgets.ramps import Look


class Stage(App):
    """One heat map."""

    CSS = "HeatMap { border: round gray; }"

    def __init__(self, look=None):
        super().__init__()
        self.widget = HeatMap(look=look)
        self.heard = []

    def compose(self):
        yield self.widget

    def on_heat_map_highlighted(self, message):
        if not isinstance(message, HeatMap.Activated):
            self.heard.append((message.row, message.column, message.value))

    def on_heat_map_pinned(self, message):
        self.heard.append(("pin", message.place))

    def on_heat_map_activated(self, message):
        self.heard.append(("open", message.row, message.column))


def lines(widget):
    return [widget.render_line(y).text for y in range(widget.scrollable_content_region.height)]


def farthest(part, hidden):
    """What a cell must show, said in another way: None where all is masked."""
    seen = [v for v, h in zip(part.ravel().tolist(), hidden.ravel().tolist(), strict=True) if not h]
    if not seen:
        return None
    if any(v != v for v in seen):
        return float("nan")
    return max(seen, key=lambda v: (abs(v), v))


@given(
    st.integers(1, 40), st.integers(1, 40), st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**31), st.booleans()
)
def test_a_cell_shows_the_value_farthest_from_zero(rows, columns, down, across, seed, masked):
    random = np.random.default_rng(seed)
    values = random.integers(-9, 10, (rows, columns)).astype(np.float32)
    values[random.random((rows, columns)) < 0.02] = np.nan
    mask = random.random((rows, columns)) < 0.4 if masked else None
    if mask is not None:
        values[mask] = 99
    hidden = mask if mask is not None else np.zeros(values.shape, bool)
    grid = Grid(rows, columns, down, across)
    pooled, blank = pool_rows(values, grid, 0, grid.down, mask)
    assert pooled.shape == (grid.down, grid.across)
    for r in range(grid.down):
        for c in range(grid.across):
            part = (slice(*grid.band(r)), slice(*grid.strip(c)))
            wanted = farthest(values[part], hidden[part])
            if wanted is None:
                assert blank[r, c] and np.isnan(place_of(values, grid, r, c, mask)[2])
                continue
            assert blank is None or not blank[r, c]
            assert np.array_equal(pooled[r, c], np.float32(wanted), equal_nan=True)
            at = place_of(values, grid, r, c, mask)
            assert abs(at[2]) == abs(wanted) or (at[2] != at[2] and wanted != wanted)
            assert values[at[0], at[1]] == at[2] or at[2] != at[2]
            assert not hidden[at[0], at[1]]


def test_a_stretch_of_rows_is_the_rows_one_by_one():
    values = np.random.default_rng(0).normal(size=(103, 57)).astype(np.float32)
    grid = Grid(103, 57, 10, 4)
    whole = pool_rows(values, grid, 2, 11)[0]
    for row in range(2, 11):
        assert np.array_equal(whole[row - 2], pool_rows(values, grid, row, row + 1)[0][0])


def test_of_a_huge_band_some_rows_are_read_and_the_note_says_so():
    grid = Grid(50_257, 768, 1257, 13)
    step = row_step(grid)
    assert step > 1 and grid.pool_rows * grid.columns / step <= BUDGET
    read = []

    class Table:
        """Fifty thousand rows that note which of them are looked at."""

        ndim, shape = 2, (50_257, 768)

        def __getitem__(self, key):
            read.append(np.asarray(key))
            return np.ones((len(key), 768), np.float32)

    pool_rows(Table(), grid, 1, 3)
    assert read[0].tolist() == [*range(1257, 2514, step), *range(2514, 3771, step)]
    with pytest.MonkeyPatch.context() as patch:
        widget = HeatMap()
        patch.setattr(widget, "_grid", grid)
        assert "1257×13" in widget.note() and f"1 row in {step}" in widget.note()


async def test_only_the_rows_in_sight_are_pooled(monkeypatch):
    asked = []
    monkeypatch.setattr(heat_rows, "AT_ONCE", 1)
    real = heat_rows.pool_rows
    monkeypatch.setattr(heat_rows, "pool_rows", lambda v, g, a, b, m: asked.append((a, b)) or real(v, g, a, b, m))
    app = Stage()
    async with app.run_test(size=(60, 12)) as pilot:
        app.widget.fill(np.zeros((5000, 6), np.float32), scale=(0, 1))
        app.widget.set_cells("number")
        await pilot.pause()
        asked.clear()
        app.widget.go_to(4000, 0)
        await pilot.pause()
        assert asked and {a for a, _ in asked} <= set(range(3985, 4015))


async def test_what_an_empty_map_says_is_a_line_each_inside_the_pane():
    app = Stage()
    async with app.run_test(size=(30, 9)) as pilot:
        app.widget.clear("莎士比亚 is not a run\nonly a run has a history, which this is not")
        await pilot.pause()
        shown = lines(app.widget)
        said = [line.strip() for line in shown if line.strip()]
        assert len(said) == 2 and said[0] == "莎士比亚 is not a run" and said[1].startswith("only a run has a")
        assert not any("\n" in line for line in shown) and {cell_len(line) for line in shown} == {28}


async def test_the_cursor_says_row_column_and_value_and_stays_inside():
    app = Stage()
    async with app.run_test(size=(60, 12)) as pilot:
        app.widget.fill(np.arange(12, dtype=np.float32).reshape(3, 4))
        app.widget.focus()
        await pilot.press("down", "right", "l", "j", "j", "up", "left", "end", "home")
        assert app.heard == [
            (1, 0, 4), (1, 1, 5), (1, 2, 6), (2, 2, 10), (1, 2, 6), (1, 1, 5), (1, 3, 7), (1, 0, 4),
        ]  # fmt: skip


async def test_enter_pins_and_opens_and_release_lets_go():
    app = Stage()
    async with app.run_test(size=(60, 12)) as pilot:
        app.widget.fill(np.arange(12, dtype=np.float32).reshape(3, 4))
        app.widget.focus()
        await pilot.press("right", "enter", "enter")
        assert app.heard[1:] == [("pin", (0, 1)), ("open", 0, 1)]
        assert app.widget.pin == (0, 1)
        await pilot.press("down")
        assert app.widget.pin == (0, 1)
        assert app.widget.release() and not app.widget.release()
        await pilot.pause()
        assert app.heard[-1] == ("pin", None)


async def test_the_mouse_moves_the_cursor_until_a_value_is_pinned():
    app = Stage()
    async with app.run_test(size=(60, 12)) as pilot:
        app.widget.fill(np.arange(12, dtype=np.float32).reshape(3, 4))
        await pilot.pause()
        for row in (6, 7, 8):  # there is room for three rows a cell
            await pilot.hover(HeatMap, offset=(1 + 8 * 2 + 3, 1 + row))
            assert app.widget.place == (2, 2, 10)
        await pilot.click(HeatMap, offset=(1 + 8 * 1 + 3, 1 + 3))
        assert app.widget.pin == (1, 1)
        await pilot.hover(HeatMap, offset=(1 + 8 * 3 + 3, 1 + 6))
        assert app.widget.place == (1, 1, 5)


async def test_zooming_in_ends_at_the_very_value_that_the_cell_showed():
    values = np.zeros((300, 400), np.float32)
    values[137, 251] = -7
    app = Stage()
    async with app.run_test(size=(60, 20)) as pilot:
        app.widget.fill(values, diverging=True)
        app.widget.go_to(137, 251)
        assert app.widget.grid.pooled and app.widget.place == (137, 251, -7)
        app.widget.focus()
        while app.widget.grid.pooled:
            before = app.widget.grid
            await pilot.press("plus")
            assert app.widget.grid != before
            assert app.widget.place == (137, 251, -7)
        assert app.widget.border_subtitle == ""
        assert app.widget.scroll_offset.y > 0 and app.widget.scroll_offset.x > 0
        for _ in range(12):
            await pilot.press("minus")
        assert app.widget.grid == lay_out((300, 400), (58, 17), "half")


async def test_resizing_keeps_place_and_pin():
    values = np.random.default_rng(0).normal(size=(200, 200)).astype(np.float32)
    app = Stage()
    async with app.run_test(size=(60, 20)) as pilot:
        app.widget.fill(values)
        app.widget.go_to(100, 150)
        app.widget.action_pin()
        pin = app.widget.pin
        home = app.widget._home
        await pilot.resize_terminal(40, 12)
        await pilot.pause()
        row, column, _ = app.widget.place
        grid = app.widget.grid
        assert (
            row // grid.pool_rows == home[0] // grid.pool_rows
            and column // grid.pool_columns == home[1] // grid.pool_columns
        )
        assert app.widget.pin == pin


async def test_labels_stand_at_their_rows_and_columns_and_the_legend_below():
    app = Stage()
    async with app.run_test(size=(60, 8)):
        app.widget.fill(
            np.eye(3, dtype=np.float32), row_labels=["one", "two", "three"], column_labels=["a", "b", "c"], scale=(0, 1)
        )
        shown = lines(app.widget)
        assert shown[0].split() == ["a", "b", "c"]
        assert shown[1].split() == ["one", "1.000", "0.000", "0.000"]
        assert shown[3].split() == ["three", "0.000", "0.000", "1.000"]
        assert shown[-1].split() == ["0", "1"]


async def test_cells_grow_into_the_room_there_is():
    app = Stage()
    async with app.run_test(size=(60, 14)) as pilot:
        app.widget.fill(np.eye(3, dtype=np.float32), row_labels=["one", "two", "三"], column_labels=["a", "b", "猫"])
        assert (app.widget.grid.cells, app.widget.grid.tall, app.widget.grid.lines) == ("number", 3, 9)
        shown = lines(app.widget)
        assert [line.split() for line in shown[1:7]] == [
            [],
            ["one", "1.000", "0.000", "0.000"],
            [],
            [],
            ["two", "0.000", "1.000", "0.000"],
            [],
        ]
        assert {cell_len(line) for line in shown} == {58}, "names of two cells a sign shift nothing"
        assert cell_len(shown[0][: shown[0].index("猫")]) == 4 + 2 * 8
        app.widget.focus()
        await pilot.press("pagedown")
        assert app.widget.place[0] == 2
        app.widget.fill(np.eye(4, 18, dtype=np.float32), row_labels=list("abcd"))
        assert (app.widget.grid.cells, app.widget.grid.tall, app.widget.grid.lines) == ("tile", 2, 8)
        shown = lines(app.widget)
        assert [line.split() for line in shown[:4]] == [[], ["a", "[", "]"], [], ["b"]], "marked once, named once"
        app.widget.fill(np.eye(20, dtype=np.float32))
        assert (app.widget.grid.cells, app.widget.grid.wide) == ("half", 2)
        await pilot.pause()
        await pilot.hover(HeatMap, offset=(1 + 2 * 7 + 1, 1 + 3))
        assert app.widget.place == (6, 7, 0)
        await pilot.resize_terminal(44, 14)
        assert app.widget.grid.wide == 2
        await pilot.resize_terminal(24, 14)
        assert app.widget.grid.wide == 1
        app.widget.fill(np.eye(3, dtype=np.float32), row_labels=["one", "two", "六"], column_labels=["a", "b", "c"])
        await pilot.resize_terminal(120, 40)
        grid = app.widget.grid
        assert (grid.cells, grid.cell_width, grid.tall) == ("number", 24, 12), "twice as wide as tall is a square"
        shown = lines(app.widget)
        assert [i for i, line in enumerate(shown[1:37]) if line.strip()] == [6, 18, 30], "in the middle of its rows"
        assert shown[0].index("b") - shown[0].index("a") == shown[7].index("0.000") - shown[7].index("1.000") == 24
        await pilot.click(app.widget, offset=(4 + 2 * 24 + 20, 1 + 12 + 11))
        assert app.widget.pin == (1, 2), "all of its rows and columns are the cell"


async def test_names_of_columns_stay_over_them_when_scrolled():
    app = Stage()
    async with app.run_test(size=(60, 14)) as pilot:
        names = [f"猫{n}" for n in range(30)]
        app.widget.fill(np.zeros((2, 30), np.float32), row_labels=["一", "b"], column_labels=names)
        app.widget.set_cells("number")
        await pilot.pause()
        for x in (8, 9, 12, 41):
            app.widget.scroll_to(x=x, animate=False, force=True)
            await pilot.pause()
            header, room = lines(app.widget)[0], app.widget.scrollable_content_region.width
            assert cell_len(header) == room
            for column in range(-(-x // 8), (x + room - 3) // 8 - 1):
                assert cell_len(header.partition(f"{names[column]} ")[0]) == 3 + 8 * column - x, (x, column)


async def test_nan_is_shown_as_such_in_every_kind_of_cell():
    values = np.ones((4, 4), np.float32)
    values[2, 1] = np.nan
    for cells, sign in (("half", "×"), ("block", "××"), ("number", "nan"), ("glyph", "××"), ("digit", "××")):
        app = Stage()
        async with app.run_test(size=(60, 12)):
            app.widget.fill(values, scale=(0, 1))
            app.widget.set_cells(cells)
            shown = lines(app.widget)
            assert sign in "".join(shown[:-1]), cells
            assert "not a number" in shown[-1]
            app.widget.go_to(2, 1)
            assert app.widget.place[2] != app.widget.place[2]


async def test_without_colour_glyphs_and_digits_carry_value_and_sign():
    app = Stage(Look(colours="none"))
    async with app.run_test(size=(60, 12)):
        app.widget.fill(np.array([[-1, 0, 1], [0.5, -0.5, 0]], np.float32), diverging=True)
        app.widget.set_cells("glyph")
        shown = lines(app.widget)
        assert shown[0].startswith("-█··██") and shown[1].startswith("▒▒-▒··")
        assert "- is negative" in shown[-1]
        app.widget.set_cells("digit")
        assert lines(app.widget)[0].startswith("-9 0 9")
        app.widget.set_cells("half")
        assert app.widget.cells == "glyph", "half blocks need colour"


async def test_a_masked_cell_is_blank_and_counts_for_nothing():
    mask = ~np.tril(np.ones((4, 4), bool))
    values = np.where(mask, 1e9, 1).astype(np.float32)
    app = Stage(Look(colours="none"))
    async with app.run_test(size=(60, 12)):
        app.widget.fill(values, mask=mask)
        assert app.widget.scale == (1, 1)
        app.widget.set_cells("glyph")
        assert lines(app.widget)[0].rstrip() == "··"


async def test_another_matrix_of_the_same_shape_keeps_the_place():
    app = Stage()
    async with app.run_test(size=(60, 12)) as pilot:
        app.widget.fill(np.zeros((3, 4), np.float32))
        app.widget.go_to(2, 3)
        await pilot.pause()
        app.heard.clear()
        app.widget.fill(np.ones((3, 4), np.float32))
        await pilot.pause()
        assert app.heard == [(2, 3, 1)]
        app.widget.fill(np.ones((2, 2), np.float32))
        assert app.widget.place == (0, 0, 1)


async def test_nothing_to_show_says_so():
    app = Stage()
    async with app.run_test(size=(60, 12)) as pilot:
        app.widget.focus()
        await pilot.press("down", "right", "enter", "plus", "minus", "number_sign", "pagedown")
        assert "nothing to show yet" in "".join(lines(app.widget))
        app.widget.clear("not here")
        assert "not here" in "".join(lines(app.widget))


def test_equal_neighbours_share_a_segment():
    brush = Brush(Look(), 0.0, 1.0, False, Style(), "half")
    levels = brush.levels(np.array([0, 0, 0, 1], np.float32), None)
    assert [s.text for s in paint_halves(brush, levels, levels, {})] == ["▀▀▀", "▀"]
    blocks = Brush(Look(), 0.0, 1.0, False, Style(), "block")
    assert [s.text for s in paint_cells(blocks, levels, levels, {})] == ["      ", "  "]


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_numbers_fit_their_cells(value, largest):
    assert len(number_text(max(-largest, min(largest, value)), largest)) == 7
