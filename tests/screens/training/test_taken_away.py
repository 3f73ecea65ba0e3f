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

from core.training.history import History
from core.training.runs import open_run
from screens.training.plots import Source
from screens.training.takeaway import Rows

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
    header, rows = request.table
    names = ("step", "time", "tokens", "loss", "lr", "grad_norm", "tokens_per_second")
    taken = [dict(zip(header, row, strict=True)) for row in rows]
    assert [[e[n] for n in names] for e in events if e["kind"] == "step"] == [[r[n] for n in names] for r in taken]
    names = ("step", "train_loss", "val_loss")
    assert [[e[n] for n in names] for e in shown] == [[r[n] for n in names] for r in taken if r["val_loss"] is not None]
    assert events[-1]["kind"] == "end" and events[-1]["reason"] == view.state


async def test_numbers_hold_every_run_of_the_plot_and_the_link_opens_the_run(app, folder):
    one, two = write(folder / "one", 500), write(folder / "t w o", 300)
    async with app.run_test(size=(120, 36)) as pilot:
        app.screen.show_run(two)
        app.screen._overlays = (one,)
        await looked(pilot, app.screen)
        await pilot.press("m")
        await looked(pilot, app.screen)
        request = app.screen.take_away()
    header, rows = request.table
    assert {"loss", "lr", "grad_norm", "tokens_per_second", "val_loss"} <= set(header)
    assert [row[:2] for row in rows] == [("t w o", s) for s in range(1, 301)] + [("one", s) for s in range(1, 501)]
    program, *words = shlex.split(request.link)
    assert (program, words) == ("llm-lab", ["watch", "t w o"])
    assert said([sys.executable, "-m", "lab", *words]).splitlines()[-1].startswith("stopped t w o")


async def test_the_picture_for_print_is_drawn_from_every_step(app, folder, monkeypatch):
    from matplotlib.axes import Axes

    run = write(folder / "shakes", 2000)
    drawn = []
    draw = Axes.plot
    monkeypatch.setattr(Axes, "plot", lambda axes, x, y, *a, **k: drawn.append(len(x)) or draw(axes, x, y, *a, **k))
    async with app.run_test(size=(80, 24)) as pilot:
        app.screen.show_run(run)
        await looked(pilot, app.screen)
        assert max(len(line.x) for line in app.screen.reading.plot.figure.lines) < 200
        app.screen.take_away().figure(folder / "loss.png")
    assert sorted(drawn) == [8, 2000, 2000]
    assert (folder / "loss.png").stat().st_size > 10_000


def test_what_a_long_history_thinned_out_is_read_again(folder):
    run = open_run(write(folder / "long", 1200))
    history = History(run.path / "metrics.jsonl", limit=100)
    history.update()
    assert len(history.steps) <= 100
    rows = Rows((Source("long", history, 2000, 1.0, "char", "tiny-shakespeare"),))
    assert [row[1] for row in rows] == list(range(1, 1201))
    assert len(rows) == 1200 and rows[-1][1] == 1200
