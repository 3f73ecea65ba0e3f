import math
from itertools import pairwise

import pytest
from textual.app import App
from textual.containers import Vertical

from screens.widgets.curve import Curve
from screens.widgets.figure import LEFT, RIGHT, Figure, Level, Line, PlotColors, draw
from screens.widgets.plot_grid import column_of

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
    assert " 10┤" in text


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
    assert any(sum(is_braille(c) for c in t.plain) > 15 for t in with_level[:5])


def is_braille(char):
    return "⠀" < char <= "⣿"


def labels_of(rows):
    """Row from above and value of each label of the y axis."""
    labelled = [(i, row) for i, row in enumerate(rows) if row[LEFT - 1] == "┤" or (row[LEFT - 1] == "+" and i)]
    return [(i, float(row[: LEFT - 1])) for i, row in labelled if row[: LEFT - 1].strip()]


def value_of(rows, log=False):
    """The function from rows below the upper edge to the value that the labels say stands there."""
    (a, high), *_, (b, low) = labels_of(rows)
    if log:
        high, low = math.log10(high), math.log10(low)

    def value(depth):
        y = high + (low - high) * (depth - a - 0.5) / (b - a)
        return 10**y if log else y

    return value


BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


def dots_in(rows, column):
    """How deep below the upper edge each braille dot of a canvas column lies, in rows."""
    found = []
    for i, row in enumerate(rows):
        code = ord(row[LEFT + column]) - 0x2800
        if 0 < code < 256:
            found += [i + (j + 0.5) / 4 for j, bits in enumerate(BITS) if code & (bits[0] | bits[1])]
    return found


def flat(y, kind="line", series=0):
    return Line((0.0, 99.0), (y, y), series, kind)


EVERYTHING = pytest.mark.parametrize("height", [7, 10, 16, 20, 27, 40])


@EVERYTHING
@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("value", [1.4697, 1.6, 1.88, 1.97, 2.31, 3.7])
def test_curves_points_and_levels_read_as_what_they_are_to_half_a_braille_dot(value, height, log):
    corners = Line((0.0, 1.0), (4.3, 1.31))  # a scale as that of a loss, in the first column
    dots = Line((50.0,), (value,), 0, "dots")
    for shown, column in (
        (Figure((corners, flat(value)), (0.0, 99.0), log), 30),
        (Figure((corners,), (0.0, 99.0), log, levels=(Level(value, "R1"),)), 30),
        (Figure((corners, dots), (0.0, 99.0), log), None),
    ):
        rows = [t.plain for t in draw(shown, 60, height, COLORS)]
        at = value_of(rows, log)
        columns = [column] if column is not None else range(20, 35)
        depths = [d for c in columns for d in dots_in(rows, c)]
        assert depths
        dot = abs(at(5.25) - at(5.0)) if not log else abs(math.log10(at(5.25) / at(5.0)))
        middle = at(sum(depths) / len(depths))
        error = abs(middle - value) if not log else abs(math.log10(middle / value))
        # half a dot from rounding, a tenth more from labels of a logarithm, which are round to within half a dot
        assert error <= dot * (0.51 if not log else 1.1)


@EVERYTHING
def test_a_reference_looks_beaten_only_when_it_is(height):
    """A validation loss above a published one, by more than a dot, is drawn above it."""
    corners, level = Line((0.0, 1.0), (4.3, 1.31)), Level(1.88, "R2")
    for shown in (Line((50.0, 99.0), (2.08, 2.08)), Line((75.0,), (2.08,), 0, "dots")):
        figure = Figure((corners, shown), (0.0, 99.0), levels=(level,))
        rows = [t.plain for t in draw(figure, 60, height, COLORS)]
        seen = [{d for c in columns for d in dots_in(rows, c)} for columns in (range(30, 50), range(4, 20))]
        at = value_of(rows)
        dot = at(0) - at(0.25)
        if dot < 0.2:
            assert min(seen[0]) < min(seen[1])
            assert at(min(seen[0])) == pytest.approx(2.08, abs=dot)
            assert at(min(seen[1])) == pytest.approx(1.88, abs=dot / 2)


@EVERYTHING
@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_labels_are_evenly_apart_and_each_row_is_what_its_label_says(height, log, ascii_only):
    corners = Line((0.0, 1.0), (4.3, 1.31))
    shown = Figure((corners, flat(2.0)), (0.0, 99.0), log)
    rows = [t.plain for t in draw(shown, 60, height, COLORS, ascii_only)][: height - 2]
    labels = labels_of(rows)
    assert len(labels) >= 2
    assert len({b[0] - a[0] for a, b in pairwise(labels)}) == 1
    at = value_of(rows, log)
    for row, value in labels:
        assert at(row + 0.5) == pytest.approx(value, rel=0.03 if log else 1e-6)
    (row,) = [i for i, r in enumerate(rows) if r[LEFT + 30] not in " ─-"]
    low, high = at(row + 1), at(row)
    assert low * 0.98 <= 2.0 <= high * 1.02


def test_each_x_label_is_over_the_column_of_its_value():
    rows = [t.plain for t in draw(Figure((FALLING,), (0.0, 99.0)), 71, 16, COLORS)]
    ticks = [i - LEFT for i, c in enumerate(rows[-2]) if c == "┬"]
    assert ticks == [column_of(x, (0.0, 99.0), 71 - LEFT - RIGHT) for x in (0, 25, 50, 75)]


def test_two_levels_in_one_row_are_both_drawn():
    levels = (Level(1.4, "R1"), Level(1.5, "R2"))
    rows = [t.plain for t in draw(Figure((FALLING,), (0.0, 99.0), levels=levels), 60, 12, COLORS)]
    assert len({round(d, 3) for d in dots_in(rows, 40)} - {max(dots_in(rows, 40))}) >= 2


def test_without_colour_series_are_exact_and_told_apart_by_letters():
    shown = Figure((flat(2.0), flat(2.2, series=1), Line((50.0,), (2.1,), 1, "dots")), (0.0, 99.0))
    many = Line(tuple(float(i) for i in range(100)), (2.3,) * 100, 2)
    rows = [t.plain for t in draw(Figure((*shown.lines, many), (0.0, 99.0)), 60, 20, None)]
    at = value_of(rows)
    values = sorted(at(d) for d in dots_in(rows, 40))
    assert values == pytest.approx([2.0, 2.2, 2.3], abs=0.01)
    assert sum(row.count("C") for row in rows) >= 4


def test_ascii_is_ascii():
    shown = Figure((FALLING, Line((50.0,), (2.1,), 0, "dots")), (0.0, 99.0), levels=(Level(3.0, "R1"),))
    text = "\n".join(t.plain for t in draw(shown, 60, 20, None, True))
    assert text.isascii()
    assert text.count("- -") > 10 and "o" in text and "*" in text


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
