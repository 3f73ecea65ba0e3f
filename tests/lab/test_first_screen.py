"""What the lab does until its first screen stands: each thing once."""

import asyncio

import pytest
from textual.css.stylesheet import Stylesheet
from textual.widgets._footer import FooterKey

from lab import app as lab_app
from lab.app import LabApp
from screens.base import LabScreen
from screens.training.screen import TrainingScreen
from screens.widgets.lab_footer import LabFooter


async def shown(pilot, name):
    while pilot.app.current_mode != name:
        await pilot.pause()
    await pilot.pause()
    return pilot.app.screen


async def test_the_first_screen_is_drawn_when_it_has_something_to_show(tmp_path, monkeypatch):
    looks, keys, parsed = [], [], []
    draw, again, parse = LabScreen._compositor_refresh, LabFooter.recompose, Stylesheet.reparse

    def drawn(screen):
        if isinstance(screen, TrainingScreen) and not screen.app._batch_count:
            looks.append(screen.looks)
        draw(screen)

    async def recomposed(footer):
        keys.append(footer.screen.name)
        await again(footer)

    monkeypatch.setattr(lab_app, "FILLED_WITHIN", 1000.0)
    monkeypatch.setattr(LabScreen, "_compositor_refresh", drawn)
    monkeypatch.setattr(LabFooter, "recompose", recomposed)
    monkeypatch.setattr(Stylesheet, "reparse", lambda sheet: (parsed.append(1), parse(sheet)))
    app = LabApp(runs=tmp_path, frame_first=True)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await shown(pilot, "training")
        while not looks:
            await pilot.pause()
        assert looks[0] >= 1
        assert screen.has_class("-normal", "-lesson-side")
        while "New run" not in [key.description for key in screen.query_one(LabFooter).query(FooterKey)]:
            await pilot.pause()
        assert keys.count("Training") <= 2
        assert len(parsed) <= 1  # for the theme


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
async def test_a_screen_that_finds_nothing_for_long_is_shown_as_it_is(tmp_path, monkeypatch, size):
    async def never(screen):
        await asyncio.Event().wait()

    monkeypatch.setattr(lab_app, "FILLED_WITHIN", 0.01)
    monkeypatch.setattr(TrainingScreen, "filled", never)
    app = LabApp(runs=tmp_path, frame_first=True)
    async with app.run_test(size=size) as pilot:
        screen = await shown(pilot, "training")
        while app._batch_count or screen.body.list.size.width == 0:
            await pilot.pause()
        assert screen.body.list.has_focus
        await pilot.press("n")
        while app.screen is screen:
            await pilot.pause()
