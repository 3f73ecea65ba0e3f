"""A run that is deleted while it is shown: the newest takes its place at once, and no card says that it died."""

from pilots import looked, until
from recorded import write

from core.training.runs import delete_run, open_run
from screens.training.control import Requests
from screens.training.doors import alert_for
from screens.training.reader import DashboardReader, Wanted


def test_the_next_look_shows_another_run(folder):
    write(folder / "keep", 10)
    gone = write(folder / "gone", 10)
    for asked in (None, gone):  # the newest of all, and one that was asked for
        reader = DashboardReader()
        assert reader.look(Wanted(folder, shown=asked)).detail.view.name == "gone"
        delete_run(open_run(gone))

        reading = reader.look(Wanted(folder, shown=asked))
        assert reading.detail.view.name == "keep"
        assert [run.name for run in reading.runs if not run.bundled] == ["keep"]
        assert alert_for(reading, Requests()) is None
        gone = write(folder / "gone", 10)


async def test_what_is_shown_instead_is_said(app, folder, monkeypatch):
    write(folder / "keep", 10)
    gone = write(folder / "gone", 10)
    async with app.run_test(size=(120, 36)) as pilot:
        screen, said = app.screen, []
        await looked(pilot, screen)
        screen.show_run(gone)
        await until(pilot, lambda: screen.view is not None and screen.view.name == "gone")
        monkeypatch.setattr(screen, "hold", said.append)
        monkeypatch.setattr(screen, "release_sentence", lambda: said.append("released"))
        delete_run(open_run(gone))  # as another terminal does
        await until(pilot, lambda: screen.body.list.cursor == folder / "keep" and screen.view.name == "keep")
        await looked(pilot, screen)
        assert said == ["the run gone is gone · showing keep"], "it stands: no person moved the cursor of the list"


def test_a_run_that_was_never_there_is_said_to_be_missing(folder):
    write(folder / "keep", 10)
    reading = DashboardReader().look(Wanted(folder, shown=folder / "never"))
    assert reading.detail is None
    assert "never" in reading.problem.title
