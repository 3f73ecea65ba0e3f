"""ASCII means the whole screen, and at once when it is chosen while the app runs."""

from __future__ import annotations

import pytest
from pilots import looked
from recorded import write

from lab.app import LabApp
from lab.palette import set_symbols
from screens.widgets.ramps import Look


def drawn(app: LabApp) -> str:
    return "\n".join(strip.text for screen in app.screen_stack for strip in screen._compositor.render_strips())


@pytest.mark.parametrize("keys", ["", "R", "?", "n", "y", "w", "o", "g", "J", "f2"])
async def test_all_that_is_drawn_is_ascii(folder, keys):
    one, two = write(folder / "one", 500), write(folder / "two", 300, end="diverged")
    app = LabApp(screen="training", look=Look(ascii=True))
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        screen.show_run(one)
        screen._overlays = (two,)
        await looked(pilot, screen)
        await pilot.press("comma", *([{"?": "question_mark"}.get(keys, keys)] if keys else []))
        await pilot.pause()
        await pilot.pause()
        text = drawn(app)
        assert "+-" in text and len(text) > 3000
        assert sorted({c for c in text if not c.isascii()}) == []


async def test_symbols_change_while_the_app_runs(app, folder):
    run = write(folder / "one", 500)
    async with app.run_test(size=(120, 36)) as pilot:
        app.screen.show_run(run)
        await looked(pilot, app.screen)
        before = drawn(app)
        assert "╭" in before and "◆" in before
        set_symbols(app, "ascii")
        await pilot.pause()
        assert drawn(app).isascii()
        set_symbols(app, "unicode")
        await pilot.pause()
        assert "╭" in drawn(app) and "●" in drawn(app)
