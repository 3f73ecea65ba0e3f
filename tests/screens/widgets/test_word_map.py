"""The map of words: where points and labels go, what the cursor, the keys and the mouse do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App
from textual.events import MouseScrollUp
from textual.geometry import Offset

from screens.widgets.ramps import Look
from screens.widgets.word_map import WordMap
from screens.widgets.word_map_layout import Window, cells_of, line_dots, place_labels, step_to, window_of
from screens.widgets.word_map_paint import DOTS_FROM, MARKERS, MARKERS_ASCII, MapFigure, legend


class Stage(App):
    """One map, and what it posts."""

    def __init__(self, figure, look=None):
        super().__init__()
        self.figure, self.worn, self.heard, self.notes = figure, look, [], []

    def compose(self):
        yield WordMap()

    def on_mount(self):
        self.map.wear(self.worn or Look())
        self.map.show(self.figure)
        self.map.focus()

    @property
    def map(self):
        return self.query_one(WordMap)

    @property
    def text(self):
        return ["".join(segment.text for segment in self.map.render_line(y)) for y in range(self.map.size.height)]

    def on_word_map_highlighted(self, message):
        if type(message) is WordMap.Highlighted:
            self.heard.append(message.index)

    def on_word_map_noted(self, message):
        self.notes.append(message.note)

    def on_word_map_activated(self, message):
        self.heard.append(("take", message.index))


SQUARE = MapFigure(
    np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]),
    ("man", "king", "woman", "queen"),
    groups=(0, 1, 0, 1),
    edges=((0, 1), (1, 3), (3, 2), (2, 0)),
)


@given(
    st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5), st.integers(1, 14)), min_size=1, max_size=60),
    st.integers(20, 80),
    st.integers(4, 24),
)
def test_no_label_covers_another_or_a_point(points, width, height):
    xy = np.array([point[:2] for point in points])
    lengths = [point[2] for point in points]
    columns, rows = cells_of(xy, window_of(xy), width, height)
    placed = place_labels(columns, rows, lengths, range(len(points)), width, height)
    cells = [(label.row, label.column + i) for index, label in placed.items() for i in range(lengths[index])]
    markers = {(r, c) for r, c in zip(rows.tolist(), columns.tolist(), strict=True) if c >= 0}
    assert len(cells) == len(set(cells)) and not markers & set(cells)
    assert all(0 <= row < height and 0 <= column < width for row, column in cells)
    assert len(markers) >= 1 and (columns >= 0).all()  # all points are inside the window of all points


@pytest.mark.parametrize("xy", [[[3.0, 3.0]], [[1.0, 2.0], [5.0, 2.0]], [[float("nan"), 1.0]], []])
def test_one_point_a_line_and_nothing_have_a_window_too(xy):
    points = np.array(xy, float).reshape(-1, 2)
    window = window_of(points)
    assert window.left < window.right and window.bottom < window.top
    columns, _ = cells_of(points, window, 30, 10)
    assert ((columns >= 0) == np.isfinite(points).all(axis=1)).all()


def test_zooming_keeps_its_place_and_moving_comes_back():
    window = Window(0.0, 10.0, 0.0, 4.0)
    near = window.zoomed(2.0, (2.0, 1.0))
    assert near == Window(1.0, 6.0, 0.5, 2.5) and near.share_of(window) == 2
    assert near.zoomed(0.5, (2.0, 1.0)) == window
    assert window.moved(0.25, -0.5).moved(-0.25, 0.5) == window


def test_a_line_runs_from_its_one_end_to_the_other():
    dots = line_dots((0.0, 0.0), (1.0, 1.0), Window(0, 1, 0, 1), 10, 5)
    assert [0, 19] in dots.tolist() and [19, 0] in dots.tolist()
    assert not len(line_dots((2.0, 2.0), (3.0, 3.0), Window(0, 1, 0, 1), 10, 5))


async def test_words_stand_beside_their_points_and_lines_between_them():
    app = Stage(SQUARE)
    async with app.run_test(size=(40, 12)):
        text = app.text
        assert all(cell_len(line) == 40 for line in text)
        whole = "\n".join(text)
        assert all(word in whole for word in SQUARE.labels)
        assert f"{MARKERS[0]}man" in whole and f"{MARKERS[1]}" in whole
        assert any("\u2801" <= sign <= "\u28ff" for sign in whole)
        assert text[0].find("woman") >= 0 and text[-1].find("man") >= 0  # up is up
        assert app.map.note() == ""


async def test_arrows_go_to_the_nearest_point_that_way():
    app = Stage(SQUARE)
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("right", "up", "left", "down", "left")
        assert app.heard == [1, 3, 2, 0]
        await pilot.press("end", "end", "home", "enter")
        assert app.heard[4:] == [1, 2, 1, ("take", 1)]
        assert app.map.label == "king"


async def test_zoom_goes_closer_around_the_cursor_and_zero_shows_all():
    app = Stage(SQUARE)
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.press("plus", "plus", "plus")
        assert "3 outside" in app.map.note() and "3.4×" in app.map.note()
        assert "man" in "\n".join(app.text) and "queen" not in "\n".join(app.text)
        await pilot.press("right")  # not in sight: it is brought there
        assert app.map.label == "man"
        assert app.map.go_to_word("queen") and "queen" in "\n".join(app.text)
        await pilot.press("0")
        assert app.map.note() == "" and not app.map.release()
        await pilot.press("minus", "shift+right", "L")
        assert app.map.release() and app.map.note() == ""


async def test_what_is_not_seen_is_told_when_it_changes():
    app = Stage(SQUARE)
    async with app.run_test(size=(40, 12)) as pilot:
        notes = app.notes
        await pilot.press("plus", "plus", "plus", "0")
        assert "3 outside" in notes[-2] and notes[-1] == "" == app.map.note()
        await pilot.resize_terminal(9, 3)
        await pilot.pause()
        assert "no room" in notes[-1] and "hidden" in app.map.note(brief=True)


async def test_search_goes_to_the_words_with_the_beginning_first():
    figure = MapFigure(np.random.default_rng(0).normal(size=(4, 2)), ("Paris", "·comparison", "apart", "Part"))
    app = Stage(figure)
    async with app.run_test(size=(60, 16)):
        assert app.map.find("PAR") and app.map.label == "Paris"
        assert app.map.find("par", after=True) and app.map.label == "Part"
        assert app.map.find("compa") and app.map.label == "·comparison"
        assert not app.map.find("zebra") and not app.map.find("") and app.map.label == "·comparison"


async def test_the_mouse_finds_points_and_labels_and_a_second_click_takes():
    app = Stage(SQUARE)
    async with app.run_test(size=(40, 12)) as pilot:
        row, column = next((y, line.index("queen")) for y, line in enumerate(app.text) if "queen" in line)
        await pilot.hover(WordMap, offset=Offset(column + 2, row))
        assert app.heard == [3]
        await pilot.click(WordMap, offset=Offset(column + 2, row), times=2)
        assert ("take", 3) in app.heard
        before = app.map.window
        await pilot._post_mouse_events([MouseScrollUp], WordMap, (5, 5))
        assert app.map.window != before


async def test_thousands_are_dots_with_labels_near_the_cursor():
    rng = np.random.default_rng(1)
    count = 3000
    figure = MapFigure(
        rng.normal(size=(count, 2)), [f"w{i}" for i in range(count)], groups=[i % 3 for i in range(count)]
    )
    app = Stage(figure)
    async with app.run_test(size=(70, 20)) as pilot:
        assert figure.dotted and count > DOTS_FROM
        assert "3,000 dots" in app.map.note()
        first = app.map.labelled
        assert 0 in first and 3 < len(first) < 20
        await pilot.press("right", "right")
        assert app.map.cursor in app.map.labelled != first
        assert sum("\u2801" <= sign <= "\u28ff" for sign in "".join(app.text)) > 300


async def test_what_is_no_number_is_counted_and_wide_words_stay_in_their_cells():
    xy = np.array([[0.0, 0.0], [np.nan, 1.0], [np.inf, 2.0], [4.0, 4.0]])
    app = Stage(MapFigure(xy, ("王", "lost", "gone", "女王陛下")))
    async with app.run_test(size=(30, 8)) as pilot:
        assert "2 without a place" in app.map.note()
        assert all(cell_len(line) == 30 for line in app.text)
        assert "女王陛下" in "".join(app.text)
        assert app.map.go_to(1) and app.map.label == "lost"
        await pilot.press("right")
        assert app.map.label in ("王", "女王陛下")


async def test_ascii_and_no_colour_tell_groups_by_markers():
    for look, signs in ((Look(ascii=True), MARKERS_ASCII), (Look(colours="none"), MARKERS)):
        app = Stage(SQUARE, look)
        async with app.run_test(size=(40, 12)):
            whole = "".join(app.text)
            assert whole.count(signs[0]) >= 2 and whole.count(signs[1]) >= 2
            assert not look.ascii or whole.isascii()
            assert [text for text, _ in legend(("people", "places"), look)] == [
                f"{signs[0]}people",
                f"{signs[1]}places",
            ]


async def test_the_cursor_stays_on_its_word_and_nothing_says_so():
    app = Stage(SQUARE)
    async with app.run_test(size=(40, 12)):
        app.map.go_to_word("queen")
        app.map.show(MapFigure(SQUARE.xy[::-1].copy(), SQUARE.labels[::-1]))
        assert app.map.label == "queen" and app.map.cursor == 0
        app.map.clear("no words yet")
        assert "no words yet" in "".join(app.text) and app.map.label == "" and app.map.note() == ""
        app.map.action_step(1, 0)
        app.map.action_activate()
        assert not app.map.go_to(0)


async def test_a_move_repaints_the_rows_that_changed():
    app = Stage(SQUARE)
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.pause()
        before = [app.map.render_line(y) for y in range(12)]
        await pilot.press("right")
        after = [app.map.render_line(y) for y in range(12)]
        assert 1 <= sum(a != b for a, b in zip(before, after, strict=True)) <= 2


def test_a_step_where_nothing_lies_stays():
    columns, rows = np.array([3, 3]), np.array([1, 4])
    assert step_to(columns, rows, 0, 1, 0) == 0 and step_to(columns, rows, 0, 0, 1) == 1


async def test_a_map_out_of_sight_says_nothing_of_labels_that_have_no_room():
    app = Stage(SQUARE)
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        app.notes.clear()
        app.map.display = False
        await pilot.pause()
        app.map.wear(Look(light=True))
        app.map.show(SQUARE)
        await pilot.pause()
        assert app.notes == []
        app.map.display = True
        await pilot.pause()
        assert app.notes == [] and app.map.note() == "" and "queen" in "".join(app.text)
