"""The promise of the first screen, with real parts: three keys, a process of its own, a loss that falls."""

import os
import time

import pytest
from pilots import looked, sentence, until

from core.training.runs import list_runs, open_run
from lab.app import LabApp


def ended(path):
    return open_run(path).state in ("stopped", "finished", "failed", "dead")


@pytest.mark.slow
async def test_three_keys_from_the_start_to_a_model_that_learns(folder):
    """Offline, so tiny-shakespeare can't be fetched and the Python manual is learnt instead."""
    app = LabApp()
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("4", "n", "enter")
        await until(pilot, lambda: list_runs(folder), 30)
        path = list_runs(folder)[0].path
        screen = app.screen
        await until(pilot, lambda: "instead (python-docs)" in sentence(screen), 30)
        await until(pilot, lambda: screen.view is not None and screen.view.name == path.name, 30)
        await until(pilot, lambda: screen.view.step >= 20, 90)
        assert screen.view.corpus == "python-docs"
        assert screen.view.smooth_loss < screen.view.first_loss
        assert not screen.body.plot.figure.empty
        seen = screen.view.step

    # The app is closed; the run goes on, and another app catches up.
    try:
        end = time.monotonic() + 60
        while open_run(path).status().step <= seen + 5:
            assert time.monotonic() < end
            time.sleep(0.05)
        again = LabApp()
        async with again.run_test(size=(80, 24)) as pilot:
            await pilot.press("4")
            screen = again.screen
            await until(pilot, lambda: screen.view is not None and screen.view.step > seen, 30)
            steps = screen._reader._watched[screen.reading.wanted.shown or path].history.steps
            assert steps.tolist() == list(range(1, int(steps[-1]) + 1))
            await pilot.press("x", "x")
            await until(pilot, lambda: screen.view.state == "stopped", 60)
            await looked(pilot, screen)
            assert open_run(path).checkpoints
            assert "stopped" in sentence(screen) or "done at step" in sentence(screen)
    finally:
        if not ended(path):
            os.kill(open_run(path).status().pid, 15)
