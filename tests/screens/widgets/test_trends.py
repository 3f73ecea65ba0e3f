import math
from dataclasses import dataclass, field
from pathlib import Path

from textual.app import App
from textual.containers import Vertical

from screens.widgets.runs_list import RunsList, progress_text, state_glyph
from screens.widgets.spark import Spark, spark_text
from screens.widgets.timeline import Timeline, timeline_text


@dataclass
class Listed:
    name: str
    state: str = "finished"
    step: int = 2000
    max_steps: int = 2000
    train_loss: float = 1.5
    best_val_loss: float = 1.6
    spark: list[float] = field(default_factory=lambda: [4.0, 2.0, 1.5])

    @property
    def path(self):
        return Path("runs") / self.name


class Showing(App):
    def __init__(self, *widgets):
        super().__init__()
        self.widgets = widgets
        self.moved = []
        self.activated = []
        self.selected = []
        self.opened = []

    def compose(self):
        with Vertical():
            yield from self.widgets

    def on_timeline_moved(self, message):
        self.moved.append(message.step)

    def on_timeline_activated(self, message):
        self.activated.append(message.step)

    def on_runs_list_selected(self, message):
        self.selected.append(message.path.name)

    def on_runs_list_opened(self, message):
        self.opened.append(message.path.name)


def test_spark_shows_a_spike_whatever_the_width():
    values = [1.0] * 999 + [5.0]
    assert spark_text(values, 10)[-1] == "█"
    assert spark_text(values, 10, ascii_only=True)[-1] == "#"
    assert spark_text([math.nan] * 4, 4) == "    "
    assert spark_text([math.inf, 1.0, 2.0], 3) == " ▁█"


async def test_spark_repaints_only_what_changed():
    spark = Spark()
    async with Showing(spark).run_test(size=(30, 4)):
        assert spark.show([1.0, math.nan])
        assert not spark.show([1.0, math.nan])
        assert spark.show([2.0])


def test_timeline_has_a_dot_for_each_step_and_dashes_for_what_lies_ahead():
    text, places = timeline_text([0, 500, 1000], 1000, 2000, None, 60)
    assert [text[p] for p in places] == ["●"] * 3
    assert text.startswith("0 ") and text.endswith(" 2k")
    assert "╌" in text[places[-1] :] and "╌" not in text[: places[-1]]
    target, _ = timeline_text([0, 500, 1000], 1000, 2000, 500, 60)
    assert target[places[1]] == "◉"
    assert "●" not in timeline_text([0, 500], 500, 2000, 0, 60, ascii_only=True)[0]


async def test_timeline_by_keys():
    timeline = Timeline()
    app = Showing(timeline)
    async with app.run_test(size=(60, 4)) as pilot:
        timeline.focus()
        await pilot.press("left")
        assert app.moved == []
        timeline.show([100, 200, 300], 350, 1000)
        await pilot.press("left", "left", "left", "left")
        assert app.moved == [300, 200, 100]
        await pilot.press("enter", "right", "right", "right")
        assert app.activated == [100]
        assert app.moved == [300, 200, 100, 200, 300, None]
        timeline.go_to(200)
        timeline.show([100, 300], 350, 1000)
        await pilot.pause()
        assert timeline.target is None
        assert app.moved[-1] is None


async def test_timeline_by_mouse():
    timeline = Timeline()
    app = Showing(timeline)
    async with app.run_test(size=(60, 4)) as pilot:
        timeline.show([100, 500, 900], 1000, 1000)
        await pilot.click(Timeline, offset=(30, 0))
        await pilot.pause()
        assert app.moved == [500]
        await pilot.click(Timeline, offset=(30, 0), times=2)
        await pilot.pause()
        assert app.activated == [500]


def test_states_in_signs_and_words():
    states = ["running", "paused", "finished", "failed", "silent"]
    assert len({state_glyph(s) for s in states}) == 5
    assert all(state_glyph(s, True).isascii() for s in states)
    assert progress_text("unreadable", 0, 0) == "unreadable"


async def test_list_keeps_its_cursor_when_runs_come_and_go():
    runs = RunsList()
    app = Showing(runs)
    async with app.run_test(size=(30, 12)) as pilot:
        runs.show([Listed("b"), Listed("a")], {})
        runs.focus()
        await pilot.press("down")
        assert app.selected == ["b", "a"]
        runs.show([Listed("c"), Listed("b"), Listed("a")], {})
        await pilot.pause()
        assert runs.cursor == Path("runs/a")
        runs.show([Listed("c"), Listed("b")], {})
        await pilot.pause()
        assert app.selected[-1] == "c"
        await pilot.press("end", "enter", "up")
        assert app.opened == ["b"]
        assert app.selected[-1] == "c"


async def test_list_waits_for_a_run_that_is_not_there_yet():
    runs = RunsList()
    app = Showing(runs)
    async with app.run_test(size=(30, 12)) as pilot:
        runs.show([Listed("a")], {})
        runs.want(Path("runs/new"))
        assert runs.cursor == Path("runs/a")
        runs.show([Listed("new"), Listed("a")], {})
        await pilot.pause()
        assert runs.cursor == Path("runs/new")


async def test_list_lines_say_state_progress_loss_and_letter():
    runs = RunsList()
    app = Showing(runs)
    async with app.run_test(size=(40, 12)):
        listed = [
            Listed("big", "diverged", 212, train_loss=math.nan, best_val_loss=math.nan, spark=[]),
            Listed("x" * 60),
        ]
        assert runs.show(listed, {Path("runs/big"): "B"})
        assert not runs.show(listed, {Path("runs/big"): "B"})
        lines = [runs.render_line(y).text for y in range(5)]
        assert "✗ big" in lines[0] and "▌B" in lines[0]
        assert "diverged 212" in lines[1] and "NaN" in lines[1]
        assert "…" in lines[2]
        assert "done 2k" in lines[3] and "1.60" in lines[3] and "█" in lines[3]
        assert {len(line) for line in lines[:4]} == {runs.size.width}


async def test_an_empty_list_names_the_key_that_fills_it():
    runs = RunsList()
    async with Showing(runs).run_test(size=(40, 12)) as pilot:
        assert not runs.render_line(1).text.strip(), "nobody has looked yet"
        runs.show([], {})
        assert "n" in runs.render_line(1).text
        runs.focus()
        await pilot.press("down", "enter", "end")
        assert runs.cursor is None
