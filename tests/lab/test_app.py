"""The frame as a person meets it: keys, dialogs, sizes, errors, what is remembered. Real app, real events."""

import asyncio
import time

import pytest
from plain import PlainScreen, lab
from textual.widgets import Input

from core.errors import LabError
from core.workbench import Workbench
from lab.settings import Settings, load_settings
from screens.base import LabScreen, LessonView, TakeAwayRequest
from screens.catalogue import SCREENS
from screens.guard import log_path
from screens.widgets.choose import Choose
from screens.widgets.confirm import Confirm
from screens.widgets.error_card import ErrorCard
from screens.widgets.jobs_panel import JobsPanel
from screens.widgets.key_panel import KeyPanel
from screens.widgets.lab_bar import LabBar
from screens.widgets.lesson import Lesson, TryLine
from screens.widgets.picker import Picker
from screens.widgets.ramps import Look
from screens.widgets.status_line import StatusLine
from screens.widgets.take_away import TakeAway


async def until(pilot, condition, seconds=15.0):
    """Lets the app live until something is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain"
        await pilot.pause()
        await asyncio.sleep(0.01)


async def test_digits_and_the_go_to_list_change_the_screen():
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        for key in "12356":
            await pilot.press(key)
            assert app.current_mode == SCREENS[int(key) - 1]
            assert app.screen.lab_index == int(key)
        await pilot.press("g")
        assert isinstance(app.screen, Choose)
        await pilot.press("2")
        assert app.current_mode == "embeddings"
        await pilot.press("g", "down", "enter")
        assert app.current_mode == "attention"
        await pilot.click(LabBar, offset=(12, 0))
        assert app.current_mode == "tokenizer"
    assert app.survived == []


async def test_a_screen_with_nothing_to_give_says_so():
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("y")
        assert not isinstance(app.screen, TakeAway)
        assert "nothing to take away" in app.screen.query_one(StatusLine).sentence
        await pilot.press("question_mark")
        assert "no lesson" in app.screen.query_one(StatusLine).sentence and not app.screen.query(Lesson)


async def test_digits_type_while_a_field_has_the_focus_and_escape_leaves_it():
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        field = Input()
        await app.screen.query_one("#body").mount(field)
        field.focus()
        await pilot.press("1", "w", "question_mark")
        assert field.value == "1w?" and app.current_mode == "attention"
        await pilot.press("escape")
        assert app.focused is None
        await pilot.press("1")
        assert app.current_mode == "tokenizer"


async def test_escape_does_one_thing_at_a_time():
    done = []

    class Streaming(LabScreen):
        LAB_NAME = "Stream"
        streams, pinned = True, True

        def compose_body(self):
            yield Input(classes="pane", id="field")

        def stop_streaming(self):
            had, self.streams = self.streams, False
            return had and not done.append("stream")

        def release(self):
            had, self.pinned = self.pinned, False
            return had and not done.append("pin")

    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = Streaming(app.workbench)
        await app.push_screen(screen)
        screen.query_one(Input).focus()
        await pilot.pause()
        screen.action_zoom()
        await pilot.press("escape")
        assert done == ["stream"] and screen.typing
        await pilot.press("escape")
        assert done == ["stream"] and not screen.typing
        await pilot.press("escape")
        assert done == ["stream", "pin"] and screen.maximized is not None
        await pilot.press("escape")
        assert screen.maximized is None


@pytest.mark.parametrize(
    ("size", "classes"),
    [
        ((160, 40), {"-wide"}),
        ((120, 36), {"-normal"}),
        ((80, 24), {"-narrow", "-short"}),
        ((70, 20), {"-tiny"}),
        ((52, 14), {"-too-small"}),
    ],
)
async def test_the_size_class_follows_the_terminal(size, classes):
    app = lab()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.resize_terminal(*size)
        await until(pilot, lambda: set(app.screen.lab_size) == classes)
        assert classes <= app.screen.classes
        small = app.screen.query_one("#too-small")
        assert small.display == ("-too-small" in classes)
        if small.display:
            assert "needs 60×16, has 52×14" in str(small.render())
            assert "llm-lab" in str(small.render())


async def test_where_nothing_is_seen_no_key_acts_and_the_focus_comes_back():
    app = lab(screen="generation")
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.screen.lab_size == ("-normal",))
        screen = app.screen
        await pilot.press("e", "a", "b")
        await until(pilot, lambda: screen.typing)
        answers, known = screen.answers, len(screen.answers)
        for size in ((50, 14), (50, 12)):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda: screen.unseen and not screen.typing)
            await pilot.press("n", "x", "e", "y")
        assert len(answers) == known and app.screen is screen and not screen.typing
        await pilot.resize_terminal(120, 36)
        await until(pilot, lambda: not screen.unseen and screen.focused is not None)
        await pilot.press("e", "end", "c")
        await until(pilot, lambda: screen.typing and screen.focused.text == "abc")


async def test_the_focus_returns_to_what_a_resize_hid_while_another_screen_was_shown():
    app = lab(screen="embeddings")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await until(pilot, lambda: screen.focused is not None)
        held = screen.focused
        await app.switch_mode("training")
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "-narrow" in app.screen.lab_size)
        await app.switch_mode("embeddings")
        await until(pilot, lambda: "-narrow" in screen.lab_size)
        await pilot.pause()
        await until(pilot, lambda: screen.focused is held)
        await pilot.press("4")
        await until(pilot, lambda: app.current_mode == "training")


async def test_the_key_panel_lists_what_works_now():
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("f2")
        panel = app.screen
        assert isinstance(panel, KeyPanel)
        everywhere = [line.keys for line in panel._lines if line.where == "everywhere"]
        assert {"1", "g", "J"} <= set(everywhere)
        await pilot.press("f2")
        assert app.screen is panel
        await pilot.press("escape")
        assert isinstance(app.screen, PlainScreen)


async def test_the_picker_lists_what_is_missing_with_its_size_and_filters_by_words():
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("w")
        picker = app.screen
        assert isinstance(picker, Picker)
        await until(pilot, lambda: picker.loaded)
        assert "0.50 GB missing" in next(
            str(picker._line(i)) for i, row in enumerate(picker._rows) if row.ref.spec == "gpt2"
        )
        await pilot.press(*"dmeo")
        assert "did you mean demo?" in str(picker.rows._row(0))
        await pilot.press(*["backspace"] * 4, *"355")
        assert [row.ref.spec for row in picker._rows] == ["gpt2-medium"]
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.screen.query(ErrorCard))
        card = app.screen.query_one(ErrorCard)
        assert card.problem.what == "gpt2-medium is not on this machine"
        assert card.problem.why.startswith("1.42 GB in 4 files · ")
        assert card.problem.doors[0].label == "download"
        assert app.workbench.a == "demo"
        app.workbench.set(a="elsewhere")
        await pilot.press("u")
        await until(pilot, lambda: not app.screen.query(ErrorCard))
        assert app.workbench.a == "demo"


async def test_there_is_no_step_before_a_model_that_is_no_run():
    app = lab(workbench=Workbench.from_dict({"a": "gpt2"}))
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("less_than_sign")
        await until(pilot, lambda: "not a model of a run" in app.screen.query_one(StatusLine).sentence)
        assert app.workbench.a == "gpt2"


async def test_an_action_that_fails_shows_a_card_and_the_app_lives_on():
    class Broken(LabScreen):
        LAB_NAME = "Broken"
        BINDINGS = [("b", "break", "Break"), ("p", "post", "Post"), ("k", "work", "Work")]  # noqa: RUF012

        def action_break(self):
            raise RuntimeError("the reason")

        def action_work(self):
            def fail():
                raise LabError("two", "lines")

            self.run_worker(fail, thread=True, exit_on_error=False)

    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = Broken(app.workbench)
        await app.push_screen(screen)
        await pilot.press("b")
        await pilot.pause()
        card = screen.query_one(ErrorCard)
        assert "the reason" in card.problem.what and str(log_path()) in card.problem.why
        assert "RuntimeError: the reason" in log_path().read_text()
        assert [type(e) for e in app.survived] == [RuntimeError]
        await pilot.press("escape")
        await until(pilot, lambda: not screen.query(ErrorCard))
        await pilot.press("k")
        await until(pilot, lambda: bool(screen.query(ErrorCard)))
        assert (screen.query_one(ErrorCard).problem.what, screen.query_one(ErrorCard).problem.why) == ("two", "lines")


async def test_take_away_shows_copies_and_saves(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    class Takeable(LabScreen):
        LAB_NAME = "Take"

        def take_away(self):
            return TakeAwayRequest(
                "a view", "import core\n", "llm-lab x", {"n": 0.1}, (["n"], [[0.1]]), link="llm-lab open x"
            )

    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        await app.push_screen(Takeable(app.workbench))
        await pilot.press("Y")
        assert app.clipboard == "import core\n"
        await pilot.press("y")
        dialog = app.screen
        assert isinstance(dialog, TakeAway)
        names = []
        for _ in dialog._forms:
            names.append(dialog.form.name)
            await pilot.press("s", "tab")
        assert names == ["Python", "Command", "JSON", "CSV", "SVG", "Link"]
        folder = tmp_path / "llm-lab-exports"
        await until(pilot, lambda: folder.exists() and len(list(folder.iterdir())) == 6)
        texts = {p.suffix: p.read_text() for p in folder.iterdir() if p.suffix != ".sh"}
        assert texts[".py"] == "import core\n" and texts[".csv"] == "n\n0.1\n" and '"n": 0.1' in texts[".json"]
        assert "@font-face" not in texts[".svg"]
        assert "Attention" in texts[".svg"] and "palette" in texts[".svg"]  # its first and its last row
        assert all(p.name.startswith("take-a-view-") for p in folder.iterdir())
        await pilot.press("c")
        assert app.clipboard == "import core\n"


async def test_jobs_are_counted_told_and_cancelled_when_quitting():
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        job = app.jobs.add("fetch", cancel=lambda: None)
        job.update(1, 4)
        await until(pilot, lambda: "fetch 25 %" in app.screen.query_one(StatusLine).counters)
        done = app.jobs.add("copy")
        done.finish("copied")
        await until(pilot, lambda: any("copied" in n.message for n in app._notifications))
        await pilot.press("J")
        assert isinstance(app.screen, JobsPanel)
        await pilot.press("escape", "ctrl+q")
        assert isinstance(app.screen, Confirm)
        await pilot.press("enter")
        assert app.is_running and job.state == "running"
        await pilot.press("ctrl+q", "tab", "enter")
    assert job.state == "cancelled"
    assert app.return_value == 0


async def test_what_was_set_is_there_at_the_next_start():
    app = lab(settings=Settings())
    app.remember = True
    async with app.run_test(size=(120, 36)) as pilot:
        app.workbench.set(a="mine@best", prompt="Once")
        await pilot.press("6")
        app.theme = "nord"
        await pilot.press("ctrl+q")
    settings, problem = load_settings()
    assert problem == ""
    assert (settings.screen, settings.theme, settings.workbench["a"]) == ("weights", "nord", "mine@best")
    again = lab(settings=settings, workbench=Workbench.from_dict(settings.workbench))
    async with again.run_test(size=(120, 36)):
        assert again.theme == "nord" and again.workbench.prompt == "Once"


async def test_keys_can_be_changed():
    app = lab(settings=Settings(keymap={"app.keys": "f5"}))
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("f5")
        assert isinstance(app.screen, KeyPanel)


@pytest.mark.parametrize(
    ("look", "theme"),
    [
        (Look(), "lab-dark"),
        (Look(light=True), "lab-light"),
        (Look(colours="16"), "ansi-dark"),
        (Look(colours="none", light=True), "ansi-light"),
        (Look(present=True), "lab-contrast"),
    ],
)
async def test_the_theme_fits_the_terminal(look, theme):
    app = lab(look=look)
    async with app.run_test(size=(80, 24)):
        assert app.theme == theme


async def test_ascii_only_draws_nothing_else():
    app = lab(look=Look(ascii=True), screen="weights")
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("w")
        await until(pilot, lambda: app.screen.loaded)
        await pilot.pause()
        drawn = "".join(strip.text for screen in app.screen_stack for strip in screen._compositor.render_strips())
        assert {c for c in drawn if ord(c) > 255} == set()  # a middle dot may stay


async def test_the_palette_finds_words_in_any_order():
    from lab.palette import entries
    from lab.palette_search import score

    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        found = [e.title for e in entries(app) if score("model demo use", e)]
        assert found == ["Use model demo"]
        assert {f"Go to {t}" for t in ("Tokens", "Weights")} <= {e.title for e in entries(app)}
        await pilot.press("ctrl+p", *"embed go")
        await pilot.pause()
        await until(pilot, lambda: app.screen.query("OptionList").first().option_count == 1)
        await pilot.press("enter")
        await until(pilot, lambda: app.current_mode == "embeddings")


async def test_damaged_settings_are_said_once_the_frame_is_there():
    app = lab(notice="the remembered settings were damaged")
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: any("damaged" in n.message for n in app._notifications))


def kept_run(name, steps):
    from core.folders import runs_dir
    from core.training.rundir import RunWriter

    path = runs_dir() / name
    model = {"n_layers": 4, "n_heads": 4, "emb_dim": 128}
    RunWriter.create(path, {"config": {"model": model}, "parameters": 809_856, "tokenizer": "char"}).close("finished")
    (path / "snapshots").mkdir()
    for step in steps:
        (path / "snapshots" / f"step-{step:06}.safetensors").write_bytes(b"")


async def test_a_run_unfolds_in_the_picker_and_its_step_goes_to_the_bench():
    kept_run("shakes", (100, 200, 300))
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("w", *"shakes")
        picker = app.screen
        await until(pilot, lambda: picker.loaded and len(picker._rows) == 1)
        await pilot.press("down", "right", "down", "down")
        assert picker.ref.spec == "shakes@200"
        await pilot.press("enter")
        await until(pilot, lambda: "shakes@200 · char" in app.screen.query_one(LabBar).chip)
        await pilot.press("greater_than_sign")
        await until(pilot, lambda: app.workbench.a == "shakes@300")
        await pilot.press("greater_than_sign")
        await until(pilot, lambda: "at the end" in app.screen.query_one(StatusLine).sentence)
        await pilot.press("6", "less_than_sign")
        await until(pilot, lambda: app.workbench.a == "shakes@200")
        await until(pilot, lambda: "shakes@200" in app.screen.query_one(LabBar).chip)
        await pilot.press("w", *"shakes")
        await until(pilot, lambda: app.screen.loaded and len(app.screen._rows) == 1)
        await pilot.press("down", "b")
        await until(pilot, lambda: "B ◆ shakes" in app.screen.query_one(LabBar).chip)


async def test_hidden_screens_hear_of_the_bench_when_shown_again():
    heard = []

    class Hearing(LabScreen):
        LAB_NAME = "Hear"

        def bench_changed(self, bench):
            heard.append(bench.a)

        def pause_updates(self):
            heard.append("pause")

        def resume_updates(self):
            heard.append("resume")

    app = lab()
    app.add_mode("hearing", lambda: Hearing(app.workbench))
    async with app.run_test(size=(120, 36)) as pilot:
        await app.switch_mode("hearing")
        await pilot.pause()
        app.workbench.set(a="one")
        assert heard == ["resume", "one"]
        await pilot.press("6")
        app.workbench.set(a="two")
        app.workbench.set(a="three")
        assert heard[2:] == ["pause"]
        await app.switch_mode("hearing")
        await pilot.pause()
        assert heard[3:] == ["three", "resume"]


async def test_a_failure_is_told_once_by_the_card_where_the_person_looks_or_else_by_a_toast():
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        seen, unseen = app.jobs.add("read a.bin"), app.jobs.add("read b.bin")
        seen.in_sight = lambda: True  # the screen shows a card
        for job in (seen, unseen):
            job.fail(LabError(f"{job.name}: it is damaged", "fetch it again"))
        await until(pilot, lambda: app._notifications)
        assert [told.title for told in app._notifications] == ["read b.bin"]


async def test_a_dialog_whose_reading_fails_says_so(monkeypatch):
    import core.shelf

    def fail(folder=None):
        raise OSError("the disk is gone")

    monkeypatch.setattr(core.shelf, "list_models", fail)
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("w")
        await until(pilot, lambda: any("the disk is gone" in n.message for n in app._notifications))
        await pilot.press("escape")
        assert isinstance(app.screen, PlainScreen)


async def test_the_lesson_stands_beside_the_body_or_over_it_and_follows_the_numbers():
    class Taught(LabScreen):
        LAB_NAME = "Taught"
        loss = "4.17"
        tried = 0

        def lesson(self):
            return LessonView("L5", {"loss": self.loss}, [("something", "something")])

        def action_something(self):
            self.tried += 1

    app = lab()
    async with app.run_test(size=(140, 36)) as pilot:
        screen = Taught(app.workbench)
        await app.push_screen(screen)
        await pilot.press("question_mark")
        panel = screen.query_one(Lesson)
        await pilot.pause()
        assert panel.region.width == 36 and screen.query_one("#body").region.width == 104
        assert "-normal" in screen.classes
        assert next(line.action for line in panel.query(TryLine)) == "something"
        panel.query(TryLine).first().focus()
        await pilot.press("enter")
        assert screen.tried == 1
        await pilot.resize_terminal(120, 36)
        await until(pilot, lambda: "-narrow" in screen.classes)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: panel.region.width == 80)
        assert screen.query_one("#body").region.width == 80
        await pilot.press("escape")
        assert not screen.query(Lesson)
        await pilot.press("question_mark", "question_mark")
        assert not screen.query(Lesson)


async def test_the_frame_alone_is_painted_first_and_goes_away():
    app = lab(screen="attention", frame_first=True)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.current_mode == "attention")
        assert isinstance(app.screen, PlainScreen) and "start" not in app._screen_stacks
        await pilot.press("1")
        assert app.current_mode == "tokenizer"


async def test_toggling_present_mode_does_not_fix_the_theme():
    from lab.palette import toggle_present

    app = lab(settings=Settings())
    async with app.run_test(size=(120, 36)) as pilot:
        toggle_present(app)
        await pilot.pause()
        assert app.theme == "lab-contrast"
        toggle_present(app)
        await pilot.pause()
        assert (app.theme, app.settings.theme) == ("lab-dark", "")


async def test_the_picture_of_a_pane_is_the_pane_alone():
    from screens.widgets.picture import svg_of

    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        svg = svg_of(app.screen, app.screen.query_one(".plain")).replace("&#160;", " ")
        assert "A pane of words." in svg and svg.count("╰") == 1
        assert "6 Weights" not in svg and "palette" not in svg


async def test_a_remembered_model_that_is_not_here_gives_way_to_the_demo_and_that_is_said_once():
    app = lab(workbench=Workbench.from_dict({"a": "gone@500", "b": "also-gone"}))
    app.bench_remembered = True
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.workbench.a == "demo")
        assert app.workbench.b is None
        await until(pilot, lambda: app._notifications)
        (told,) = app._notifications
        assert "gone@500" in told.message and "the workbench holds demo" in told.message
        app.workbench.set(a="gone@500")
        await until(pilot, lambda: "gone" in app.chip)
        assert app.workbench.a == "gone@500"


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 16)])
async def test_the_picker_keeps_its_line_of_keys_at_every_size(size):
    app = lab()
    async with app.run_test(size=size) as pilot:
        await pilot.press("w")
        await until(pilot, lambda: isinstance(app.screen, Picker) and app.screen.loaded)
        await pilot.pause()
        keys = app.screen.query_one("#keys").region
        assert keys.height >= 1
        assert keys.bottom < size[1]
