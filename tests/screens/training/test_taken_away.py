"""What the training screen gives away is run as it stands, and says the numbers that the screen showed."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

from pilots import looked
from recorded import write

ROOT = Path(__file__).parents[3]


def said(command: list[str]) -> str:
    """What a process of its own prints."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout


async def test_the_snippet_and_the_command_say_what_the_screen_shows(app, folder):
    run = write(folder / "shakes", 500)
    async with app.run_test(size=(120, 36)) as pilot:
        app.screen.show_run(run)
        await looked(pilot, app.screen)
        request, view = app.screen.take_away(), app.screen.view
    first, *evals = said([sys.executable, "-c", request.python]).splitlines()
    assert first.split()[:2] == [view.state, str(view.step)]
    assert float(evals[-1].split()[1]) == view.val_loss == request.data["evals"][-1][2]
    program, *words = shlex.split(request.command)
    assert program == "llm-lab"
    events = [json.loads(line) for line in said([sys.executable, "-m", "lab", *words]).splitlines()]
    shown = [e for e in events if e["kind"] == "eval"]
    assert [(e["step"], e["train_loss"], e["val_loss"]) for e in shown] == [tuple(row) for row in request.table[1]]
    assert events[-1]["kind"] == "end" and events[-1]["reason"] == view.state
