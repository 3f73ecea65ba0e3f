"""When the app has to stop: two lines, exit code 1, the story in the log."""

import re
import sys

import pytest
from terminals import on_terminal

BROKEN = """
import sys
from textual.widgets import Static
from lab.app import LabApp
from lab.app_start import run_app
from lab.opening import Opening
from screens.base import LabScreen

class Broken(Static):
    def render(self):
        raise ZeroDivisionError("nobody expected this")

class BrokenScreen(LabScreen):
    def compose_body(self):
        yield Broken()

LabApp._make_screen = lambda self, name: BrokenScreen(self.workbench, name=name)
sys.exit(run_app(Opening("attention", fresh=True)))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_two_lines_and_exit_code_one(isolated):
    from core.folders import runs_dir
    from core.training.rundir import RunWriter

    writers = [RunWriter.create(runs_dir() / name, {}) for name in ("one", "two")]  # held, as trainers at work do
    for writer in writers:
        writer.set_status(state="running", phase="train", max_steps=10)
    with on_terminal([sys.executable, "-c", BROKEN]) as terminal:
        drawn = terminal.read_to_end()
    for writer in writers:
        writer.close("stopped")
    assert terminal.process.returncode == 1
    said = drawn.decode().rpartition("\x1b[?1049l")[2]  # what comes once the terminal is its own again
    plain = re.sub(r"\x1b\[[\d;?<>=u]*[a-zA-Z]", "", said)
    lines = [line for line in map(str.strip, plain.splitlines()) if line]
    assert len(lines) == 2 and "Traceback" not in said
    assert "ZeroDivisionError" in lines[0] and "2 training runs keep going" in lines[1]
    assert "nobody expected this" in (isolated / "state" / "lab.log").read_text()


async def test_a_dialog_that_is_dismissed_twice_does_not_end_the_app():
    from lab.app import LabApp
    from screens.widgets.confirm import Confirm

    app = LabApp(screen="weights")
    async with app.run_test(size=(100, 30)) as pilot:
        screen, dialog = app.screen, Confirm("once?", "two clicks beside it", yes="Yes", no="No")
        await app.push_screen(dialog)
        dialog.dismiss(None)
        dialog.dismiss(None)
        await pilot.pause()
        assert app.screen is screen and app.is_running and not app.survived
