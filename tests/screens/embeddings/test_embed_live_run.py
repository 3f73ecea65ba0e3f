"""The table of a run that is being trained: another step that the run keeps is opened, and that is said."""

import shutil

import numpy as np
from embed_pilots import ready, until

from core.folders import asset, runs_dir


async def test_the_table_of_the_newest_step_is_opened(lab):
    source, live = asset("demo"), runs_dir() / "live"
    shutil.copytree(source, live)
    later = sorted((live / "snapshots").glob("*.safetensors"))[3:]
    for path in later:
        path.unlink()
    app = lab("live")
    async with app.run_test(size=(120, 36)) as pilot:
        await ready(pilot)
        screen = app.screen
        screen.open_source("live:wte")
        await until(pilot, lambda: screen.spec == "live:wte")
        first = screen.vectors
        screen.look_for_newer()
        await app.workers.wait_for_complete()
        assert screen.vectors is first  # nothing newer is there
        shutil.copy(source / "snapshots" / later[0].name, later[0])
        await until(pilot, lambda: screen.vectors is not first)  # by itself
        assert screen.spec == "live:wte" and screen.vectors.source == later[0]
        assert not np.array_equal(screen.vectors.matrix_all, first.matrix_all)
        assert screen.vectors.label.endswith(f"at step {int(later[0].stem.rpartition('-')[2]):,}")
        shutil.rmtree(live)
        screen.look_for_newer()
        await app.workers.wait_for_complete()
        assert screen.spec == "live:wte"  # what is open stays
    assert app.survived == []
