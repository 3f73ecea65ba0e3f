import os
import time

import pytest
from pilots import looked, sentence, until
from recorded import CONFIG, events, loss_at, meta, write
from run_writing import writing
from textual.widgets import Input

from core.config import GPTConfig
from core.training.references import REFERENCES
from core.training.rundir import RunWriter
from core.training.runs import list_runs, open_run
from lab.app import LabApp
from screens.training.dialogs import AskText
from screens.training.panes import PANES
from screens.widgets.error_card import ErrorCard
from screens.widgets.ramps import Look
from screens.widgets.status_line import StatusLine
from screens.widgets.take_away import TakeAwayRequest


def shown(screen, name):
    return str(screen.body.text_pane(name)._static.content)


def title_of(screen, pane):
    return screen.body.titled[pane].plain


async def opened(pilot, path=None):
    screen = pilot.app.screen
    await looked(pilot, screen)
    if path is not None:
        screen.show_run(path)
        await looked(pilot, screen)
    return screen


async def test_a_finished_run_is_all_there(app, folder):
    run = write(folder / "shakes")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot, run)
        assert screen.view.name == "shakes"
        assert "2,000 / 2,000" in shown(screen, "numbers")
        assert "What say'st thou" in shown(screen, "samples")
        assert "finished" in shown(screen, "log")
        assert screen.body.time.steps == tuple(range(250, 2001, 250))
        assert not screen.body.plot.figure.empty
        assert sentence(screen).startswith("finished")
        title = title_of(screen, "plot")
        assert "train 1.4" in title and "val 1.60" in title


async def test_without_runs_the_key_that_starts_one_is_named(app, folder):
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot)
        assert all(run.bundled for run in screen.reading.runs)
        if not screen.reading.runs:
            assert "n starts one" in screen.body.plot.empty_text
        await pilot.press("p", "b", "x", "c", "comma", "full_stop", "enter", "escape")
        assert not screen.query(ErrorCard)


async def test_a_live_run_grows_on_the_screen_and_is_steered(app, folder):
    run = folder / "live"
    with writing(RunWriter.create(run, meta())) as writer:
        writer.set_status(state="running", step=300, max_steps=2000)
        for event in events(0, 300):
            writer.emit(event)
        async with app.run_test(size=(120, 36)) as pilot:
            screen = await opened(pilot, run)
            assert screen.view.step == 300
            assert "1 run keeps going" in screen.query_one("StatusLine").counters
            for event in events(301, 500):
                writer.emit(event)
            await until(pilot, lambda: screen.view.step == 500)
            assert screen.view.loss == pytest.approx(loss_at(500))

            await pilot.press("p")
            await until(pilot, lambda: "pause asked" in sentence(screen))
            (asked,) = writer.requests()
            assert asked.request == "pause"
            writer.set_status(state="paused")
            writer.answered(asked, 500)
            await until(pilot, lambda: "done at step 500" in sentence(screen))
            await until(pilot, lambda: screen.view.state == "paused")

            await pilot.press("p")
            await until(pilot, lambda: screen.requests.waiting(run) is not None)
            assert [r.request for r in writer.requests()] == ["resume"]
            await pilot.press("b")
            await until(pilot, lambda: (run / "control.jsonl").read_text().count("\n") == 3)
            assert [r.request for r in writer.requests()] == ["checkpoint"]


async def test_stop_asks_once_and_esc_takes_it_back(app, folder):
    run = folder / "live"
    with writing(RunWriter.create(run, meta())) as writer:
        writer.set_status(state="running", step=1, max_steps=2000)
        async with app.run_test(size=(120, 36)) as pilot:
            screen = await opened(pilot, run)
            await pilot.press("x")
            assert "x again" in sentence(screen)
            await pilot.press("escape", "x")
            assert writer.requests() == []
            await pilot.press("x")
            await until(pilot, lambda: (run / "control.jsonl").exists())
            assert [r.request for r in writer.requests()] == ["stop"]


async def test_a_run_started_elsewhere_appears_by_itself(app, folder):
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot)
        write(folder / "from-elsewhere", 100)
        await until(pilot, lambda: any(r.name == "from-elsewhere" for r in screen.body.list.runs))


async def test_keys_change_the_axes_and_the_plot_follows(app, folder):
    run = write(folder / "shakes")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot, run)
        await pilot.press("s")
        await until(pilot, lambda: screen.body.plot.figure.unit == "tokens")
        await pilot.press("s", "L", "f")
        await until(pilot, lambda: screen.body.plot.figure.unit == "time" and screen.body.plot.figure.log)
        await pilot.press("m")
        await until(pilot, lambda: "gradient norm" in title_of(screen, "plot"))
        await pilot.press("m", "m", "m", "R")
        await until(pilot, lambda: screen.body.plot.figure.levels)
        assert "nanoGPT" in sentence(screen)
        await pilot.press("S")
        assert "heavy" in sentence(screen)


async def test_references_that_cannot_be_drawn_say_why(app, folder):
    docs = write(folder / "docs", 500, CONFIG.override(corpus="python-docs"))
    by_char = write(folder / "char", 500)
    config = CONFIG.override(tokenizer="gpt2")
    by_gpt2 = write(folder / "gpt2", 500, config, corpus={**meta(config)["corpus"], "bytes_per_token": 3.3})
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot, docs)
        await pilot.press("R")
        assert sentence(screen) == "no reference lines: no published result for this corpus"
        await looked(pilot, screen)
        assert not screen.body.plot.figure.levels and "R1" not in title_of(screen, "plot")
        assert "no published result for this corpus" in str(screen.body.frame_of("plot").border_subtitle)
        screen.show_run(by_char)
        await looked(pilot, screen)
        assert "R1 1.4697  R2 1.88" in title_of(screen, "plot")
        await pilot.press("R")
        assert sentence(screen) == "no reference lines"
        screen._overlays = (by_gpt2,)
        await looked(pilot, screen)
        await pilot.press("R")
        await looked(pilot, screen)
        assert "not comparable in bits per byte" in sentence(screen)
        assert "not comparable in bits per byte" in str(screen.body.frame_of("plot").border_subtitle)
        assert not screen.body.plot.figure.levels
        await pilot.press("m")
        await looked(pilot, screen)
        assert "published results are losses" in str(screen.body.frame_of("plot").border_subtitle)


@pytest.mark.parametrize("size", [(120, 36), (104, 30), (80, 24)])
async def test_titles_of_four_runs_with_references_are_whole(app, folder, size):
    runs = [write(folder / name, 500) for name in "abcd"]
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot, runs[0])
        await pilot.press("R")
        screen._overlays = tuple(runs[1:])
        await looked(pilot, screen)
        title = title_of(screen, "plot")
        assert [letter for letter in "ABCD" if f"{letter} 2." in title] == list("ABCD")
        assert "R1" in title and "R2" in title
        assert size[0] == 104 or ("R1 1.4697" in title and "R2 1.88" in title)
        pane = screen.body.frame_of("plot")
        top = "".join(s.text for s in screen._compositor.render_strips()[pane.region.y])
        assert title.strip() in top


async def test_overlay_up_to_four(app, folder):
    for name in "abcde":
        write(folder / name, 60)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot)
        screen.body.list.focus()
        for _ in range(3):
            await pilot.press("c", "down")
        await looked(pilot, screen)
        assert sorted(screen.reading.letters.values()) == list("ABCD")
        assert {line.series for line in screen.body.plot.figure.lines} == {0, 1, 2, 3}
        assert "─A 3." in title_of(screen, "plot") and "─D 3." in title_of(screen, "plot")
        await pilot.press("c", "down", "c")
        assert "four runs" in sentence(screen)
        await pilot.press("up", "c")
        await looked(pilot, screen)
        assert len(screen._overlays) == 3


async def test_the_time_machine_goes_back_and_loads(app, folder):
    run = write(folder / "shakes")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot, run)
        assert "step 2000" in shown(screen, "samples")
        await pilot.press("comma", "comma")
        await pilot.pause()
        assert screen.body.time.target == 1500
        assert shown(screen, "samples").startswith("step 1500")
        numbers = shown(screen, "numbers")
        assert "1,500 / 2,000" in numbers and "cpu" not in numbers
        assert f"{loss_at(1500) + 0.1:.3f}" in numbers and f"{loss_at(2000) + 0.1:.3f}" not in numbers
        assert title_of(screen, "numbers") == "at step 1,500"
        assert "step 1500" in sentence(screen)
        screen.body.plot.focus()
        await pilot.press("enter")
        await pilot.pause()
        assert app.workbench.a == "shakes@1500"
        await pilot.press("full_stop")
        assert screen.body.time.target == 1750
        await pilot.press("escape")
        await pilot.pause()
        assert screen.body.time.target is None
        assert "step 2000" in shown(screen, "samples")
        assert "2,000 / 2,000" in shown(screen, "numbers") and title_of(screen, "numbers") == "now"


async def test_crosshair_values_are_in_the_subtitle(app, folder):
    run = write(folder / "shakes")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot, run)
        screen.body.plot.focus()
        await pilot.press("end")
        await pilot.pause()
        assert str(screen.body.frame_of("plot").border_subtitle).startswith("step 2k: shakes 1.4")
        await pilot.press("escape")
        await pilot.pause()
        assert screen.body.plot.crosshair is None


@pytest.mark.parametrize("size", [(80, 24), (70, 20)])
async def test_every_pane_is_reachable_on_a_small_terminal(app, folder, size):
    run = write(folder / "shakes")
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot, run)
        seen = set()
        for _ in PANES:
            await pilot.press("tab")
            await pilot.pause()
            pane = screen._pane
            assert screen.body.pane_of(screen.focused) == pane
            frame = screen.body.frame_of(pane)
            assert frame.region.height >= 3 and frame.region.width >= 60, pane
            assert f"{PANES.index(pane) + 1}/{len(PANES)}" in title_of(screen, pane)
            seen.add(pane)
        assert seen == set(PANES)
        await pilot.press("shift+tab")


async def test_a_terminal_may_be_resized(app, folder):
    run = write(folder / "shakes")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot, run)
        for size in ((80, 24), (60, 16), (40, 10), (180, 50), (120, 36)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            await looked(pilot, screen)
        assert not screen.query(ErrorCard)
        assert screen.view.name == "shakes"


async def test_a_dead_run_shows_a_card_whose_key_works_from_anywhere(app, folder, monkeypatch):
    run = folder / "dead"
    writer = RunWriter.create(run, meta())
    writer.set_status(state="running", step=600, max_steps=2000)
    for event in events(0, 600):
        writer.emit(event)
    writer._let_go()
    write(folder / "other", 10)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot, run)
        assert "dead" in screen.query_one(ErrorCard).problem.what
        screen.show_run(folder / "other")
        await looked(pilot, screen)
        await until(pilot, lambda: not screen.query(ErrorCard))


async def test_deleting_asks_for_the_name_and_moves_to_the_trash(app, folder):
    write(folder / "keep", 10)
    run = write(folder / "old", 10)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot, run)
        assert not any(b.action == "delete" for b in screen.BINDINGS)
        app.workbench.set(a="old@10", b="keep")
        screen.action_delete()
        await pilot.pause()
        assert isinstance(app.screen, AskText)
        app.screen.query_one(Input).value = "ol"
        await pilot.press("enter")
        assert isinstance(app.screen, AskText)
        app.screen.query_one(Input).value = "old"
        await pilot.press("enter")
        await until(pilot, lambda: [r.name for r in screen.body.list.runs if not r.bundled] == ["keep"])
        assert [p.name.startswith("old-") for p in (folder / ".trash").iterdir()] == [True]
        assert "trash" in sentence(screen) and "the workbench holds demo now" in sentence(screen)
        assert (app.workbench.a, app.workbench.b) == ("demo", "keep")


async def test_a_live_run_is_not_deleted(app, folder):
    run = folder / "live"
    with writing(RunWriter.create(run, meta())) as writer:
        writer.set_status(state="running", step=1, max_steps=2000)
        async with app.run_test(size=(120, 36)) as pilot:
            screen = await opened(pilot, run)
            screen.action_delete()
            await pilot.pause()
            assert app.screen is screen
            assert "stop it first" in sentence(screen)


async def test_another_directory_is_opened(app, folder, tmp_path):
    write(folder / "here", 10)
    elsewhere = write(tmp_path / "copied", 10)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot)
        await pilot.press("o")
        await pilot.pause()
        app.screen.query_one(Input).value = str(elsewhere)
        await pilot.press("enter")
        await until(pilot, lambda: screen.view is not None and screen.view.name == "copied")
        assert {"here", "copied"} <= {r.name for r in screen.body.list.runs}
        assert screen.reading.detail.spec(10) == f"{elsewhere}@10"
        screen.open_path(tmp_path)
        await until(pilot, lambda: {r.name for r in screen.body.list.runs if not r.bundled} == {"copied"})


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a user who can be refused")
async def test_a_read_only_run_can_only_be_watched(app, folder):
    run = write(folder / "theirs", 10)
    run.chmod(0o500)
    try:
        async with app.run_test(size=(120, 36)) as pilot:
            screen = await opened(pilot, run)
            await pilot.press("p")
            assert "can't be written" in sentence(screen)
    finally:
        run.chmod(0o700)


async def test_a_bundled_run_is_watched_not_steered(app, folder, monkeypatch, tmp_path):
    from core.training import runs

    demo = write(tmp_path / "demo", 500)
    monkeypatch.setattr(runs, "asset", lambda *parts: demo)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot)
        assert screen.view.name == "demo"
        await pilot.press("p")
        assert "can't be written" in sentence(screen)
        await pilot.press("comma")
        await pilot.pause()
        screen.load_step(500)
        assert app.workbench.a == "demo@500"


async def test_take_away_lesson_and_palette_speak_of_the_shown_run(app, folder):
    run = write(folder / "shakes", 500)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot, run)
        request = screen.take_away()
        assert isinstance(request, TakeAwayRequest)
        assert request.command == "llm-lab watch shakes --json"
        assert "open_run('shakes')" in request.python
        assert request.data["run"]["step"] == 500
        assert len(request.table[1]) == 500
        assert request.link == "llm-lab watch shakes"
        request.figure(folder / "loss.png")
        assert (folder / "loss.png").read_bytes().startswith(b"\x89PNG")
        assert screen.lesson().values["step"] == "500"
        titles = [title for title, _, _ in screen.commands()]
        assert any(title.startswith("Delete") for title in titles)
        assert "Open run shakes" in titles


async def test_a_hidden_screen_looks_at_nothing(app, folder):
    write(folder / "shakes", 10)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot)
        await pilot.press("1")
        await until(pilot, lambda: app.screen is not screen and screen._look_worker is None)
        assert not screen._ticker._active.is_set()
        before = screen.looks
        write(folder / "new", 10)
        await pilot.press("4")
        await until(pilot, lambda: screen.looks > before)
        assert screen._ticker._active.is_set()


async def test_a_long_run_is_read_in_pieces(app, folder, monkeypatch):
    from screens.training import reader as training_reader

    monkeypatch.setattr(training_reader, "CHUNK", 20_000)
    monkeypatch.setattr(training_reader, "READ_FOR", 0.0)
    run = write(folder / "long", 2000)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = pilot.app.screen
        await until(pilot, lambda: screen.looks >= 1)
        await until(pilot, lambda: screen.view is not None and screen.view.step == 2000)
        assert screen.looks > (run / "metrics.jsonl").stat().st_size / 20_000 / 2


async def test_a_shrunken_file_is_read_again(app, folder):
    run = write(folder / "a", 500)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot, run)
        assert screen.view.step == 500
        lines = (run / "metrics.jsonl").read_bytes().split(b"\n")[:101]
        (run / "metrics.jsonl").write_bytes(b"\n".join(lines) + b"\n")
        await until(pilot, lambda: screen.view.step == 100)


async def test_an_idle_dashboard_paints_nothing(app, folder):
    run = write(folder / "a", 500)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot, run)
        await looked(pilot, screen)
        before = screen.body.plot.paints
        for _ in range(3):
            await looked(pilot, screen)
        assert screen.body.plot.paints == before


async def test_the_plot_is_painted_at_most_once_a_second_while_points_come(app, folder):
    run = folder / "live"
    with writing(RunWriter.create(run, meta())) as writer:
        writer.set_status(state="running", step=10, max_steps=2000)
        for event in events(0, 10):
            writer.emit(event)
        async with app.run_test(size=(120, 36)) as pilot:
            screen = await opened(pilot, run)
            start, before, step = time.monotonic(), screen.body.plot.paints, 11
            while screen.body.plot.paints < before + 2:
                writer.emit(events(step, step)[0])
                step += 1
                await looked(pilot, screen)
            assert time.monotonic() - start > 0.9


async def test_names_and_sizes_that_run_along(app, folder):
    config = CONFIG.override(max_steps=100)
    assert config.model == GPTConfig(65, 64, 128, 4, 4)
    write(folder / "a [b] very long name that does not fit in the list of runs", 30, config)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot)
        assert screen.view.step == 30
        assert len(list_runs(folder)) == 1
        assert open_run(screen.view.path).name.startswith("a [b]")


@pytest.mark.parametrize(
    "look", [Look(colours="none"), Look(colours="none", ascii=True), Look(colours="16", light=True)]
)
async def test_without_colours_the_runs_are_told_apart_by_signs(folder, look):
    one, two = write(folder / "one", 500), write(folder / "two", 300)
    app = LabApp(screen="training", look=look)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot, two)
        screen.show_run(one)
        screen._overlays = (two,)
        await looked(pilot, screen)
        plot = screen.body.plot
        drawn = "".join(plot.render_line(y).text for y in range(plot.size.height))
        assert drawn.count("A") >= 2 and drawn.count("B") >= 2, "letters, as in the list and the title"
        listed = "".join(screen.body.list.render_line(y).text for y in range(4))
        if look.ascii:
            assert drawn.isascii() and listed.isascii()
            assert str(screen.body.time.render()).isascii()


async def test_at_80_columns_published_losses_are_named_whole_and_titles_fit(app, folder):
    run = write(folder / "shakes", 500)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, run)
        await pilot.press("R")
        await looked(pilot, screen)
        line = screen.query_one(StatusLine)
        shown = str(line.render()).replace("\n", " ")
        assert line.rows > 1 and line.size.height == line.rows
        for reference in REFERENCES:
            assert reference.name in shown and reference.source in shown and reference.configuration in shown
        title = title_of(screen, "plot")
        assert "1.4697" in title and "1.88" in title and len(title) <= 80 - 4
        assert len(title_of(screen, "runs")) <= 80 - 4
        await pilot.press("escape")
        await pilot.pause()
        assert line.rows == 1 and line.size.height == 1 and "stopped" in line.sentence
