import math

import pytest
from textual.app import App
from textual.containers import Vertical

from screens.widgets.curve import Curve
from screens.widgets.figure import LEFT, RIGHT, Figure, Level, Line, PlotColors, draw

COLORS = PlotColors(((1, 2, 3),) * 4, ((4, 5, 6),) * 4, (7, 8, 9))
FALLING = Line(tuple(float(i) for i in range(100)), tuple(4.0 / (i + 1) for i in range(100)))


class Plotting(App):
    def __init__(self):
        super().__init__()
        self.crossed = []
        self.picked = []

    def compose(self):
        with Vertical():
            yield Curve(id="plot")

    def on_curve_crosshair(self, message):
        self.crossed.append(message.x)

    def on_curve_picked(self, message):
        self.picked.append(message.x)

    @property
    def plot(self):
        return self.query_one(Curve)

    def lines(self):
        return [self.plot.render_line(y).text for y in range(self.plot.size.height)]


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("size", [(20, 6), (58, 16), (110, 40)])
def test_each_line_has_the_asked_size(log, size):
    drawn = draw(Figure((FALLING,), (0.0, 99.0), log), *size, COLORS)
    assert len(drawn) == size[1]
    assert {line.cell_len for line in drawn} == {size[0]}


def test_a_logarithm_survives_zero_negative_and_infinite_values():
    line = Line((0.0, 1.0, 2.0, 3.0, 4.0), (1.0, 0.0, -3.0, math.inf, 100.0))
    text = "\n".join(t.plain for t in draw(Figure((line,), (0.0, 4.0), True), 50, 12, COLORS))
    assert "10.0" in text


def test_nothing_to_draw_gives_no_lines():
    empty = Figure((Line((0.0, 1.0), (math.nan, math.nan)),), (0.0, 1.0))
    assert empty.empty
    assert draw(empty, 50, 12, COLORS) == []
    assert draw(Figure(), 50, 12, COLORS) == []
    assert draw(Figure((FALLING,), (0.0, 99.0)), 8, 3, COLORS) == []


def test_a_gap_is_not_bridged():
    y = (1.0,) * 40 + (math.nan,) * 20 + (1.0,) * 40
    line = Line(tuple(float(i) for i in range(100)), y)
    rows = [t.plain for t in draw(Figure((line,), (0.0, 99.0)), 58, 10, COLORS)]
    row = next(r for r in rows if any("⠀" < c <= "⣿" for c in r))
    canvas = row[LEFT : 58 - RIGHT]
    assert canvas[:18].strip() and canvas[-18:].strip()
    assert canvas[22:28].strip() == ""


def test_without_colour_nothing_is_coloured():
    drawn = draw(Figure((FALLING,), (0.0, 99.0)), 40, 10, None)
    assert all(not span.style.color for line in drawn for span in line.spans if not isinstance(span.style, str))


def test_a_reference_level_is_inside_the_picture():
    with_level = draw(Figure((FALLING,), (0.0, 99.0), levels=(Level(9.0, "published"),)), 50, 14, COLORS)
    assert any(t.plain.count("╌") > 30 for t in with_level[:4])


async def test_an_equal_figure_paints_once():
    app = Plotting()
    async with app.run_test(size=(60, 16)) as pilot:
        assert app.plot.show(Figure((FALLING,), (0.0, 99.0)))
        await pilot.pause()
        before = app.plot.paints
        assert not app.plot.show(Figure((FALLING,), (0.0, 99.0)))
        await pilot.pause()
        assert app.plot.paints == before


async def test_crosshair_moves_by_key_without_drawing_again_and_esc_lets_go():
    app = Plotting()
    async with app.run_test(size=(60, 16)) as pilot:
        app.plot.show(Figure((FALLING,), (0.0, 99.0)))
        app.plot.focus()
        await pilot.pause()
        before = app.plot.paints
        await pilot.press("right", "right", "end", "left")
        await pilot.pause()
        assert app.plot.crosshair == app.plot.canvas_width - 2
        assert app.crossed[-2] == pytest.approx(99.0)
        assert app.plot.paints == before
        column = LEFT + app.plot.crosshair
        assert {line[column] for line in app.lines()[1:8]} == {"│"}
        assert app.plot.release()
        assert not app.plot.release()
        await pilot.pause()
        assert app.crossed[-1] is None


async def test_mouse_and_column_agree():
    app = Plotting()
    async with app.run_test(size=(60, 16)) as pilot:
        app.plot.show(Figure((FALLING,), (0.0, 99.0)))
        await pilot.click(Curve, offset=(LEFT, 5))
        await pilot.click(Curve, offset=(60 - RIGHT - 1, 5))
        await pilot.pause()
        assert app.picked == [pytest.approx(0.0), pytest.approx(99.0)]
        assert all(app.plot.column_of(app.plot.x_at(c)) == c for c in range(app.plot.canvas_width))


async def test_target_is_drawn_and_moves():
    app = Plotting()
    async with app.run_test(size=(60, 16)) as pilot:
        app.plot.show(Figure((FALLING,), (0.0, 99.0)))
        app.plot.set_target(50.0)
        await pilot.pause()
        assert sum("┊" in line for line in app.lines()) > 8
        app.plot.set_target(None)
        assert not any("┊" in line for line in app.lines())


async def test_values_at_a_place_are_the_nearest_points():
    app = Plotting()
    async with app.run_test(size=(60, 16)):
        app.plot.show(Figure((FALLING, Line((10.0, 20.0), (1.5, math.nan), 0, "dots")), (0.0, 99.0)))
        values = app.plot.values_at(19.6)
        assert [(x, y) for _, x, y in values] == [(20.0, 4.0 / 21), (10.0, 1.5)]


async def test_empty_plot_says_so():
    app = Plotting()
    async with app.run_test(size=(60, 16)) as pilot:
        await pilot.pause()
        assert any("nothing to plot yet" in line for line in app.lines())
        await pilot.press("right")
