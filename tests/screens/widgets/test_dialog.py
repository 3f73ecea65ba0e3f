"""Every dialog in a terminal that is too small says so, and is there again when there is room."""

from __future__ import annotations

import pytest
from textual.app import App
from textual.screen import ModalScreen

from screens.training.dialogs import AskText, exactly
from screens.training.estimate import Timings
from screens.training.form import NewRunForm
from screens.widgets.choose import Choice, Choose
from screens.widgets.confirm import Confirm
from screens.widgets.jobs import JobStore
from screens.widgets.jobs_panel import JobsPanel
from screens.widgets.take_away import TakeAway, TakeAwayRequest

DIALOGS = {
    "ask": lambda: AskText("delete x", "Type its name.", exactly("x")),
    "choose": lambda: Choose("go to", [Choice("1", "one")]),
    "confirm": lambda: Confirm("quit now?"),
    "jobs": lambda: JobsPanel(JobStore()),
    "new run": lambda: NewRunForm(Timings(), busy=True),
    "take away": lambda: TakeAway("training", TakeAwayRequest(python="import core")),
}


@pytest.mark.parametrize("name", DIALOGS)
async def test_too_small_is_said_and_esc_still_closes(name):
    app: App[None] = App()
    async with app.run_test(size=(50, 12)) as pilot:
        dialog: ModalScreen[object] = DIALOGS[name]()
        await app.push_screen(dialog)
        await pilot.pause()
        said = dialog.query_one("#too-small")
        assert said.display and not dialog.query_one("#box").display
        assert "needs 60×16, has 50×12" in "".join(s.text for s in dialog._compositor.render_strips())
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert not said.display and dialog.query_one("#box").display
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is not dialog
