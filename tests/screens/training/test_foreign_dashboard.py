"""The dashboard on runs of other programs: opened by a person, listed, followed, and never touched."""

import math

from pilots import looked, sentence, until
from textual.widgets import Input

from core.training.foreign.summaries import encode_scalars
from core.training.foreign.tfrecord import frame
from screens.training.dialogs import AskText, folder_or_run
from screens.training.takeaway import as_python, take_away_of

NAME = "events.out.tfevents.1700000000.host.1.0"


def put(folder, steps):
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / NAME).open("ab") as file:
        for step in steps:
            said = {"Loss/train": 1.0 + math.exp(-step / 100), "lr": 1e-3, "Loss/val": 2.0}
            file.write(frame(encode_scalars(1000.0 + step, step, said)))
    return folder


def shown(screen, name):
    return str(screen.body.text_pane(name)._static.content)


async def test_a_foreign_run_is_opened_by_o_followed_and_left_alone(app, folder, tmp_path):
    theirs = put(tmp_path / "theirs", range(200))
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await looked(pilot, screen)
        await pilot.press("o")
        await pilot.pause()
        app.screen.query_one(Input).value = str(theirs)
        await pilot.press("enter")
        await until(pilot, lambda: screen.view is not None and screen.view.name == "theirs")
        await looked(pilot, screen)
        assert not screen.body.plot.figure.empty
        assert sentence(screen) == "running · a run of TensorBoard: it can only be watched"
        numbers = shown(screen, "numbers")
        assert "199" in numbers and "199 /" not in numbers and "NaN" not in numbers
        assert "loss from Loss/train, lr from lr, val_loss from Loss/val" in shown(screen, "log")
        assert [r.step for r in screen.body.list.runs if r.name == "theirs"] == [199]
        put(theirs, range(200, 300))
        await until(pilot, lambda: screen.view.step == 299 or screen.look_now())
        for key in ("p", "x", "b"):
            await pilot.press(key)
            await pilot.pause()
            assert sentence(screen) == "theirs is a run of TensorBoard: it can only be watched"
        await screen.run_action("delete")
        assert "runs of its own alone" in sentence(screen)
        assert not isinstance(app.screen, AskText)


async def test_a_folder_of_them_is_listed(app, folder, tmp_path):
    for name in ("one", "two"):
        put(tmp_path / "logs" / name, range(20))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = app.screen
        await looked(pilot, screen)
        screen.open_path(tmp_path / "logs")
        await until(pilot, lambda: {"one", "two"} <= {r.name for r in screen.body.list.runs})
        await until(pilot, lambda: sentence(screen).startswith("2 runs in"))


async def test_what_is_taken_away_reads_the_same_numbers(app, folder, tmp_path):
    theirs = put(tmp_path / "theirs", range(20))
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        screen.open_path(theirs)
        await until(pilot, lambda: screen.view is not None and screen.view.name == "theirs")
        request = take_away_of(screen.reading, screen.body.plot)
    assert request.python == as_python(str(theirs), foreign=True)
    said = {}
    exec(compile(request.python, "taken away", "exec"), said)
    assert said["history"].last_step == 19
    rows = list(request.table[1])
    assert (len(rows), rows[-1][1]) == (20, 19)


def test_a_file_may_be_typed_where_a_folder_is_asked_for(tmp_path):
    put(tmp_path, range(3))
    (tmp_path / "trainer_state.json").write_text("{")
    assert folder_or_run(str(tmp_path / NAME)) is None
    assert "log_history" in folder_or_run(str(tmp_path / "trainer_state.json"))
    assert "is not a directory" in folder_or_run(str(tmp_path / "nothing"))
    assert folder_or_run("nul\0") is not None
