"""Worked steps: what stands where, what stepping and scrolling do, and that nothing wraps."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from textual.app import App, ComposeResult

from screens.widgets.math_steps import MathSteps
from screens.widgets.ramps import Look


@dataclass(frozen=True)
class OneCheck:
    ok: bool
    text: str


@dataclass(frozen=True)
class OneStep:
    title: str
    why: str = "why"
    lines: tuple[str, ...] = ()
    check: OneCheck | None = None


STEPS = (
    OneStep("input", "what comes in", ("x  1.0  2.0",)),
    OneStep("scores", "products", tuple(f"line {i} " + "=" * 60 for i in range(12))),
    OneStep("softmax", "shares", ("w  0.5", "’日本’ 0.5"), OneCheck(True, "equals the fast path to 1e-7")),
    OneStep("join", "added", ("out",), OneCheck(False, "differs from the fast path by 0.1")),
)


class Sheet(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.told: list[int] = []

    def compose(self) -> ComposeResult:
        yield MathSteps()

    def on_math_steps_step_changed(self, event: MathSteps.StepChanged) -> None:
        assert event.control is self.sheet
        self.told.append(event.index)

    @property
    def sheet(self) -> MathSteps:
        return self.query_one(MathSteps)

    def seen(self) -> list[str]:
        return [self.sheet.render_line(y).text.rstrip() for y in range(self.sheet.size.height)]


async def test_every_step_has_title_reason_lines_and_check() -> None:
    app = Sheet()
    async with app.run_test(size=(50, 30)) as pilot:
        assert app.seen()[0] == "nothing to work out yet"
        app.sheet.show(STEPS)
        await pilot.pause()
        seen = app.seen()
        assert seen[:4] == ["▸ 1 input", "  what comes in", "  x  1.0  2.0", ""]
        assert seen[4] == "  2 scores" and "✓ equals the fast path to 1e-7" in seen
        assert "✗ differs from the fast path by 0.1" in seen
        assert all(app.sheet.render_line(y).cell_length == app.sheet.scrollable_content_region.width for y in range(30))
        assert app.told == []


async def test_keys_step_and_the_step_comes_to_the_top_the_last_one_too() -> None:
    app = Sheet()
    async with app.run_test(size=(50, 10)) as pilot:
        app.sheet.show(STEPS)
        app.sheet.focus()
        await pilot.press("full_stop", "full_stop")
        assert app.sheet.step == 2 and app.seen()[0] == "▸ 3 softmax"
        await pilot.press("end", "full_stop")
        assert app.sheet.step == 3 and app.seen()[0] == "▸ 4 join"
        await pilot.press("comma")
        assert app.seen()[0] == "▸ 3 softmax"
        await pilot.press("home", "comma")
        assert app.sheet.step == 0 and app.seen()[0] == "▸ 1 input"
        assert app.told == [1, 2, 3, 2, 0]
        assert not app.sheet.step_by(-1) and app.sheet.step_by(1)


async def test_scrolling_makes_the_step_at_the_top_the_current_one() -> None:
    app = Sheet()
    async with app.run_test(size=(50, 10)) as pilot:
        app.sheet.show(STEPS)
        app.sheet.focus()
        await pilot.press("down", "down", "down", "down")
        assert app.sheet.step == 1 and app.seen()[0] == "▸ 2 scores"
        await pilot.press("up")
        assert app.sheet.step == 0 and app.seen()[1] == "  2 scores"
        await pilot.press("pagedown", "pagedown")
        assert app.sheet.step == 2
        await pilot.press("pageup")
        assert app.sheet.step == 1


async def test_long_lines_are_cut_and_scroll_sideways() -> None:
    app = Sheet()
    async with app.run_test(size=(30, 10)) as pilot:
        app.sheet.show(STEPS)
        app.sheet.focus()
        await pilot.press("full_stop")
        assert app.seen()[2].startswith("  line 0 ====") and len(app.seen()) == 10
        await pilot.press("right")
        assert app.sheet.scroll_offset.x == 8 and app.seen()[2].startswith(" =====")
        await pilot.press("left", "left")
        assert app.sheet.scroll_offset.x == 0
        await pilot.press("right", "full_stop")
        assert app.sheet.scroll_offset.x == 0, "another step begins at its start"


async def test_other_numbers_of_the_same_steps_stay_where_one_reads() -> None:
    app = Sheet()
    async with app.run_test(size=(50, 10)) as pilot:
        app.sheet.show(STEPS)
        app.sheet.focus()
        await pilot.press("full_stop", "down", "down")
        assert app.seen()[0].startswith("  line 0")
        app.told.clear()
        app.sheet.show(tuple(STEPS))
        await pilot.pause()
        assert app.sheet.step == 1 and app.seen()[0].startswith("  line 0") and app.told == []
        app.sheet.show(STEPS[:1])
        await pilot.pause()
        assert app.sheet.step == 0 and app.seen()[0] == "▸ 1 input"
        app.sheet.show(())
        await pilot.pause()
        await pilot.press("full_stop", "comma", "down", "end")
        assert app.sheet.step == 0 and app.seen()[0] == "nothing to work out yet"


async def test_a_click_on_a_title_goes_there() -> None:
    app = Sheet()
    async with app.run_test(size=(50, 30)) as pilot:
        app.sheet.show(STEPS)
        await pilot.pause()
        await pilot.click(MathSteps, offset=(3, 4))
        assert app.sheet.step == 1 and app.seen()[0] == "▸ 2 scores"
        await pilot.click(MathSteps, offset=(3, 2))
        assert app.sheet.step == 1, "a line is no title"


@pytest.mark.parametrize(("look", "marks"), [(Look(), "▸✓✗"), (Look(colours="none", ascii=True), ">ok")])
async def test_marks_are_those_that_the_terminal_can_show(look: Look, marks: str) -> None:
    app = Sheet()
    async with app.run_test(size=(50, 30)) as pilot:
        app.sheet.wear(look)
        app.sheet.show((STEPS[0], STEPS[2], STEPS[3]))
        await pilot.pause()
        text = "\n".join(app.seen())
        assert text.startswith(marks[0]) and marks[1] in text
        ok = next(line for line in app.seen() if "equals" in line)
        wrong = next(line for line in app.seen() if "differs" in line)
        assert ok[0] != wrong[0], "the check is not told by colour alone"
