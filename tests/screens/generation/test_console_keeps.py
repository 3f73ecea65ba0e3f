"""What outlives the console: the tree of the last time, transcripts, prompts; and what the screen gives away."""

import json

import pytest
from console_pilots import SHORT, answered, console, given, ids, quiet, sentence, until

from core.folders import state_dir
from core.workbench import Workbench
from lab.app import LabApp
from lab.settings import Settings, load_settings
from screens.widgets.lesson import MISSING, Lesson, TryLine, fill, places_of, template_of
from screens.widgets.take_away import TakeAway


async def test_closing_and_opening_the_app_brings_the_last_tree_back():
    """Check 8."""
    app = console()
    app.remember = True
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await answered(pilot, screen)
        await pilot.press("r")
        await until(pilot, lambda: len(screen.answers) == 3 and quiet(screen))
        await pilot.press("m")
        tree, shown = screen.answers.to_dict(), screen.shown
    settings, notice = load_settings()
    assert not notice and settings.views["generation"]["tree"]
    again = LabApp(screen="generation", workbench=Workbench.from_dict(settings.workbench), settings=settings)
    async with again.run_test(size=(120, 36)) as pilot:
        screen = again.screen
        await until(pilot, lambda: screen.shown is not None and screen.opened is not None and quiet(screen))
        await pilot.pause()
        assert screen.answers.to_dict() == tree and screen.shown == shown and screen.measure == "rank"
        assert screen.sampling.seed == 43 and screen.prompt_text == "The for"
        assert b"".join(screen.line_of(shown).prompt_pieces) == b"The for"
        assert screen.body.strip.length == given(screen) + 12


async def test_a_last_tree_that_cannot_be_read_is_no_obstacle():
    state_dir().mkdir(parents=True, exist_ok=True)
    (state_dir() / "generation.json").write_text('{"branches": [{"id": 0, "parent": 7}]}')
    view = {"sampling": {"temperature": "hot"}, "tree": True, "history": ["a", 3], "measure": "smell"}
    app = LabApp(screen="generation", settings=Settings(views={"generation": view}))
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await until(pilot, lambda: screen.current() is not None)
        await pilot.press("escape")
        assert screen.history == ["a"] and screen.measure == "probability"


async def test_a_transcript_is_saved_twice_and_opens_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    app = console()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await answered(pilot, screen)
        await pilot.press("N", "S")
        assert "nothing to save" in sentence(screen) and not (tmp_path / "llm-lab-exports").exists()
        await pilot.press("U")
        tree, first = screen.answers.to_dict(), ids(screen)
        await pilot.press("S")
        await until(pilot, lambda: len(list(tmp_path.glob("llm-lab-exports/*"))) == 2 and quiet(screen))
        as_json, markdown = sorted(tmp_path.glob("llm-lab-exports/*"))
        assert json.loads(as_json.read_text())["branches"] == tree["branches"]
        assert "# Transcript" in markdown.read_text() and "demo" in markdown.read_text()
        for path in (as_json, markdown):
            await pilot.press("N")
            assert screen.current() is None
            screen.open_transcript(path)
            await until(pilot, lambda: screen.shown is not None and quiet(screen))
            await pilot.pause()
            assert screen.answers.to_dict() == tree and ids(screen) == first
        (tmp_path / "not.json").write_text("{}")
        screen.open_transcript(tmp_path / "not.json")
        await until(pilot, lambda: "not a transcript" in sentence(screen))
        assert screen.answers.to_dict() == tree
        await pilot.press("escape", "U")
        assert screen.current() is None  # the empty tree that was there before


async def test_a_text_is_coloured_by_its_surprise_and_the_numbers_are_those_of_core():
    import core

    text = "The for statement\nzzqx"
    app = console()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await answered(pilot, screen)
        await pilot.press("v")
        await until(pilot, lambda: screen.scored and quiet(screen))
        screen.score_text(text)
        expected = core.score(core.load_model("demo"), text)
        await until(pilot, lambda: len(screen.scored) == len(expected.tokens) and quiet(screen))
        told = [t.logprob for t in expected.tokens[1:]]  # the first stands after nothing
        assert [t.logprob for t in screen.scored[1:]] == pytest.approx(told, rel=1e-4)
        assert f"perplexity {expected.perplexity:.4g}" in str(screen.body.query_one("#strip-pane").border_title)
        values = screen.body.strip.values
        assert max(values[1:]) > 0.7 and values[0] != values[0]
        await pilot.press("end")
        await until(pilot, lambda: screen.body.bars.rows and quiet(screen))
        assert "surprise" in sentence(screen)
        assert sum(bar.value for bar in screen.body.bars.rows) > 0.999
        request = screen.take_away()
        assert [row[3] for row in request.table[1]][1:] == pytest.approx(told, rel=1e-4)
        screen.score_text("")
        await until(pilot, lambda: "at least two tokens" in sentence(screen))
        await pilot.press("escape", "v")
        assert not screen.scoring_shown and screen.body.strip.length == given(screen) + 12


async def test_the_lesson_has_the_numbers_under_the_cursor_and_its_tries_branch_there():
    app = console()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await answered(pilot, screen)
        await pilot.press("left", "left", "question_mark")
        await until(pilot, lambda: bool(screen.query(TryLine)))
        view = screen.lesson()
        template = template_of("L6")
        assert places_of(template) <= view.values.keys()
        text = fill(template, view.values)
        assert MISSING not in text and f"#{screen.step_here().index}" in text
        assert text == screen.query_one(Lesson)._shown
        before, place, own = ids(screen), screen.place, screen.shown
        screen.query(TryLine).first().focus()
        await pilot.press("enter")
        await until(pilot, lambda: screen.shown != own and quiet(screen))
        assert screen.current().sampling.temperature == 0.2 and ids(screen)[:place] == before[:place]


async def test_what_is_taken_away_has_every_form(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    app = console(SHORT.override(stop=("zz",)))
    async with app.run_test(size=(120, 36)) as pilot:
        await answered(pilot, app.screen)
        await pilot.press("y")
        assert isinstance(app.screen, TakeAway)
        names = {form.name for form in app.screen._forms}
        assert {"Python", "Command", "JSON", "CSV", "SVG", "Link"} <= names
        for _ in names:
            await pilot.press("s", "tab")
        await pilot.pause()
