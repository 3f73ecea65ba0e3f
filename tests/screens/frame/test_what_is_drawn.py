"""What is drawn anew at a key, and what is not: the picture is the same as if all were."""

import asyncio
import random
import time

import pytest
from textual._compositor import Compositor
from textual.geometry import Region
from textual.widget import Widget

from core.workbench import Bench, Workbench
from lab.app import SCREENS, LabApp
from screens.painter import Painter
from screens.widgets.lesson import Lesson


async def settled(pilot, name, seconds=60.0):
    """Opens a screen and lets it live until it has nothing to do any more."""
    app, end = pilot.app, time.monotonic() + seconds
    app.action_go(SCREENS.index(name) + 1)
    await pilot.pause()
    while app.current_mode != name or app.screen.workers._workers:
        assert time.monotonic() < end, f"waited {seconds} s in vain"
        await pilot.pause()
        await asyncio.sleep(0.01)
    await pilot.pause()
    return app.screen


def lab():
    return LabApp(screen=SCREENS[0], workbench=Workbench(Bench(a="demo", device="cpu")))


def whole(screen):
    """All lines of a screen, each as its segments."""
    return [list(strip.simplify()) for strip in screen._compositor.render_strips()]


def part(screen, crop):
    """What one part of a screen is drawn anew with."""
    compositor = screen._compositor
    compositor._dirty_regions = {crop}
    update = compositor.render_partial_update()
    ends = update.chop_ends
    return [
        list(strip)
        for y, left, right in update.spans
        for end, (x, strip) in zip(ends[y], update.chops[y].items(), strict=True)
        if x < right and end > left
    ]


async def test_what_is_covered_is_not_drawn_and_nobody_sees_it(monkeypatch):
    asked = []
    render_lines = Widget.render_lines

    def counted(self, crop):
        asked.append(self)
        return render_lines(self, crop)

    monkeypatch.setattr(Widget, "render_lines", counted)
    app, dice, saved = lab(), random.Random(3), 0
    async with app.run_test(size=(120, 36)) as pilot:
        for name in SCREENS:
            screen = await settled(pilot, name)
            assert type(screen._compositor) is Painter
            crops = [
                Region(dice.randrange(119), dice.randrange(35), dice.randint(1, 60), dice.randint(1, 20)).intersection(
                    screen.region
                )
                for _ in range(20)
            ]
            asked.clear()
            ours = whole(screen), [part(screen, crop) for crop in crops]
            few = len(asked)
            with monkeypatch.context() as patch:
                patch.setattr(Painter, "_get_renders", Compositor._get_renders)
                asked.clear()
                theirs = whole(screen), [part(screen, crop) for crop in crops]
            assert ours == theirs, name
            assert few < len(asked), name
            saved += len(asked) - few
        assert saved > 500


async def test_no_style_asks_for_the_focus_or_the_zoom_around_it():
    """``FocusFrames`` styles frames, and nothing that is in one."""
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        for name in SCREENS:
            screen = await settled(pilot, name)
            await screen.action_lesson()
            await pilot.pause()
            assert screen.query(Lesson)
        parts = [s.selectors for rule in app.stylesheet.rules for s in rule.selector_set]
        assert any("focus-within" in part[-1].pseudo_classes for part in parts)
        around = [part for part in parts if any("focus-within" in s.pseudo_classes for s in part[:-1])]
        assert not around
        alone = [part for part in parts if any(s.name == "-maximized" for s in part[:-1])]
        assert not alone


@pytest.mark.parametrize("name", [name for name in SCREENS if name != "training"])
async def test_a_zoom_draws_the_other_panes_from_what_they_had(name, monkeypatch):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await settled(pilot, name)
        await pilot.press("tab", "z")
        await pilot.pause()
        pane = screen.maximized
        assert pane is not None and pane.region.width == 120, "no hatch around it"
        inside = set(pane.walk_children(with_self=True))
        beside = [widget for widget in screen.query(".pane, .frame") if widget not in inside]
        beside = [widget for pane in beside for widget in pane.walk_children(with_self=True)]
        anew = set()
        set_dirty = Widget._set_dirty

        def noted(self, *regions):
            if not regions:
                anew.add(self)
            set_dirty(self, *regions)

        monkeypatch.setattr(Widget, "_set_dirty", noted)
        await pilot.press("z")
        await pilot.pause()
        assert screen.maximized is None
        assert len(beside) > 9
        assert len(anew.intersection(beside)) <= 2, "only who draws anew by itself where it is shown again"


@pytest.mark.parametrize("name", SCREENS)
async def test_no_pane_has_the_focus_that_a_zoom_hides(name):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await settled(pilot, name)
        await pilot.press("tab", "z")
        await pilot.pause()
        assert screen.maximized is not None
        for _ in range(3):
            await pilot.press("tab")
            await pilot.pause()
            assert (screen.maximized or screen) in screen.focused.ancestors_with_self
