"""The chip of a run that is being trained: it names the step that is kept last, and says when it has ended."""

from __future__ import annotations

import asyncio
import shutil
import time

from run_writing import writing

from core.folders import runs_dir
from core.training.rundir import RunWriter
from core.training.runs import open_run
from core.weights.locate import locate
from core.workbench import Bench, Workbench
from lab import workbench_keys
from lab.app import LabApp
from screens.widgets.lab_bar import LabBar


async def test_the_chip_of_a_live_run_follows_its_steps_and_its_end(monkeypatch):
    monkeypatch.setattr(workbench_keys, "FOLLOW", 0.02)
    demo, path = open_run("demo"), runs_dir() / "shakes"
    some = demo.snapshots[-1].path

    def keep(step: int) -> None:
        (path / "snapshots").mkdir(exist_ok=True)
        shutil.copy(some, path / "snapshots" / f"step-{step:06}.safetensors")

    app = LabApp(screen="training", workbench=Workbench(Bench(a="shakes", device="cpu")), runs=runs_dir())
    with writing(RunWriter.create(path, {**demo.meta, "name": "shakes"})) as writer:
        writer.set_status(state="running", step=0)
        keep(0)
        async with app.run_test(size=(120, 36)) as pilot:

            async def says(text: str) -> None:
                end = time.monotonic() + 20
                while not app.screen.query_one(LabBar).chip.startswith(text):
                    assert time.monotonic() < end, app.screen.query_one(LabBar).chip
                    await pilot.pause()
                    await asyncio.sleep(0.01)

            await says("● shakes@0 ")
            keep(250)
            await says("● shakes@250 ")
            assert locate("shakes").step == 250  # which is what a screen opens
            await pilot.press("1")  # another screen, which came later, says the same
            keep(500)
            await says("● shakes@500 ")
            writer.close("finished")
            await says("◆ shakes@500 ")


async def test_what_is_no_run_is_read_once(monkeypatch):
    monkeypatch.setattr(workbench_keys, "FOLLOW", 0.0)
    reads = []
    app = LabApp(screen="training", workbench=Workbench(Bench(a="demo", device="cpu")), runs=runs_dir())
    read = app._read_chip
    monkeypatch.setattr(app, "_read_chip", lambda: (reads.append(1), read())[1])
    async with app.run_test(size=(120, 36)) as pilot:
        while "demo@" not in app.chip:
            await pilot.pause()
        for _ in range(5):
            await pilot.pause()
        assert len(reads) == 1 and app._chip_timer is None
