"""The page of the twins: a job that can be cancelled, its list, its threshold, its lesson, what is taken away."""

import shlex
import threading
from dataclasses import replace

import pytest
from weight_pilots import opened, sentence, until

from core.errors import MissingExtraError
from core.keras_twin import compare
from core.keras_twin.report import Stage, TwinProgress, TwinReport
from lab.__main__ import main
from screens.widgets.error_card import ErrorCard
from screens.widgets.lesson import MISSING, fill, places_of, template_of

STAGES = (
    Stage("embeddings", (3, 4), 2.0, 0.0, 0.0, 0.0, 0, 0, 1e-5, 2e-5),
    Stage("h.0.attn", (3, 4), 4.0, 2e-5, 5e-6, 1e-6, 1, 3, 1e-3, 2e-3),
    Stage("h.0.mlp", (3, 4), 400.0, 3e-4, 7.5e-7, 1e-5, 2, 1, 1e-3, 3e-3),
    Stage("ln_f", (3, 4), 1.0, 4e-6, 4e-6, 1e-7, 0, 2, 1e-4, 1e-4),
    Stage("logits", (3, 9), 8.0, 8e-6, 1e-6, 1e-6, 0, 7, 1e-3, 1e-3),
)
REPORT = TwinReport(
    spec="small",
    text="ab c",
    tokens=("a", "b", " c"),
    threshold=1e-4,
    stages=STAGES,
    tensors=28,
    identical=28,
    parameters=1234,
    agreeing=3,
    loss_torch=1.25,
    loss_keras=1.2500001,
    threads=2,
    versions={"torch": "2.13", "tensorflow": "2.21.0", "keras": "3.15", "llm-lab": "0"},
)


@pytest.fixture
def answers(monkeypatch):
    """What the comparison does when the screen asks for it; its own tests run the real one."""
    box = {"asked": [], "do": None}

    def steps(spec, text, *, threshold, cancelled=None):
        box["asked"].append((spec, text, threshold))
        yield TwinProgress("loading", 0, 1)
        yield TwinProgress("h.0.attn", 2, 5)
        if box["do"] is not None:
            yield from box["do"](cancelled)
            return
        yield replace(REPORT, spec=spec, text=text, threshold=threshold)

    monkeypatch.setattr(compare, "twin_steps", steps)
    return box


def rows(pane):
    return [pane.list._row(n).plain.split() for n in range(pane.list.length)]


async def compared(pilot, screen):
    await pilot.press("t")
    await until(pilot, lambda: screen.body.twins.report is not None)
    await pilot.pause()


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 18)])
async def test_the_steps_and_what_they_come_to(lab, model, answers, size):
    app = lab(model)
    async with app.run_test(size=size) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        await compared(pilot, screen)
        pane = screen.body.twins
        assert screen.body.page == "twin" and answers["asked"] == [(str(model), screen.workbench.prompt, 1e-4)]
        assert [row[0] for row in rows(pane)] == [stage.name for stage in STAGES]
        assert ["!" in "".join(row[:2]) for row in rows(pane)] == [False, False, True, False, False]
        said = str(pane.said.render())
        assert "28 of 28 tensors are the same bits in both" in said
        assert "largest difference 3.00e-04 in h.0.mlp · 0.0001 is first exceeded in h.0.mlp" in said
        assert "3.00e-04 apart at most, in h.0.mlp" in sentence(screen)
        await pilot.press("down", "down")
        await pilot.pause()
        assert "h.0.mlp: 3.00e-04 apart at token 2 ' c', channel 1; values to 400" in sentence(screen)
        await pilot.press("m")
        assert rows(pane)[0][0] == "h.0.mlp" and rows(pane)[-1][0] == "embeddings"
        await pilot.press("escape")
        assert screen.body.page == "tensors"
        assert [job.state for job in app.jobs.jobs] == ["finished"]


async def test_another_threshold(lab, model, answers):
    app = lab(model)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        await compared(pilot, screen)
        await pilot.press("s")
        await pilot.pause()
        await pilot.press("up", "enter")
        await pilot.pause()
        pane = screen.body.twins
        assert pane.report.threshold == 1e-5 and pane.report.first_beyond.name == "h.0.attn"
        assert "1e-05 is first exceeded in h.0.attn" in str(pane.said.render())
        await compared(pilot, screen)
        assert answers["asked"][-1][2] == 1e-5


async def test_the_job_is_cancelled_by_the_same_key(lab, model, answers):
    begun = threading.Event()

    def hang(cancelled):
        begun.set()
        cancelled.wait(20)
        yield from ()

    answers["do"] = hang
    app = lab(model)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        await pilot.press("t")
        await until(pilot, begun.is_set)
        assert screen.comparing_twins
        await pilot.press("t")
        await until(pilot, lambda: "cancelled" in str(screen.body.twins.said.render()))
        assert not screen.comparing_twins and screen.body.twins.report is None
        assert [job.state for job in app.jobs.jobs] == ["cancelled"]
        answers["do"] = None
        await compared(pilot, screen)


async def test_a_comparison_of_what_is_open_no_more(lab, model, answers):
    """The model is changed while the child works, then the prompt: what is shown says of which it is."""
    begun, go = threading.Event(), threading.Event()

    def wait(cancelled):
        begun.set()
        assert go.wait(20)
        yield replace(REPORT, spec=str(model), text=asked_text)

    answers["do"] = wait
    app = lab(model)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        asked_text = screen.workbench.prompt
        await pilot.press("t")
        await until(pilot, begun.is_set)
        screen.workbench.set(a="demo")
        await until(pilot, lambda: screen.spec == "demo")
        go.set()
        pane = screen.body.twins
        await until(pilot, lambda: pane.report is not None)
        assert pane.report.spec == str(model)
        assert "demo is open now" in str(pane.said.border_subtitle)
        screen.lesson_wanted = "L8"
        assert "identical" not in screen.lesson().values
        screen.workbench.set(a=str(model))
        await until(pilot, lambda: screen.spec == str(model))
        await until(pilot, lambda: not str(pane.said.border_subtitle))
        assert "identical" in screen.lesson().values
        screen.workbench.set(prompt="other words")
        await until(pilot, lambda: "another prompt" in str(pane.said.border_subtitle))
        await pilot.press("t")
        await until(pilot, lambda: len(answers["asked"]) == 2)


async def test_without_tensorflow_the_command_is_shown(lab, model, answers):
    def missing(cancelled):
        raise MissingExtraError("tensorflow is not installed", "pip install 'llm-lab[tensorflow]'")
        yield

    answers["do"] = missing
    app = lab(model)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        await pilot.press("t")
        await until(pilot, lambda: screen.query(ErrorCard))
        assert "pip install 'llm-lab[tensorflow]'" in str(screen.body.twins.said.render())
        assert [job.state for job in app.jobs.jobs] == ["failed"]
        answers["do"] = None
        await compared(pilot, screen)
        assert not screen.query(ErrorCard)


async def test_what_is_taken_away_runs(lab, model, answers, capsys, tmp_path):
    app = lab(model)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        assert screen.take_away() is not None
        screen.show_page("twin")
        assert screen.take_away() is None
        await compared(pilot, screen)
        request = screen.take_away()
        request.figure(tmp_path / "twins.png")
    assert (tmp_path / "twins.png").stat().st_size > 5000
    assert [row[0] for row in request.table[1]] == [stage.name for stage in STAGES]
    exec(compile(request.python, "snippet", "exec"), {})
    assert capsys.readouterr().out.splitlines()[-1] == "h.0.mlp"
    assert main(shlex.split(request.command)[1:]) == 0
    assert '"first_beyond": "h.0.mlp"' in capsys.readouterr().out


async def test_the_lesson_has_the_numbers_of_the_comparison(lab, model, answers):
    app = lab(model)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        screen.lesson_wanted = "L8"
        template = template_of("L8")
        before = screen.lesson()
        assert before.lesson_id == "L8" and MISSING in fill(template, before.values)
        await compared(pilot, screen)
        after = screen.lesson()
        assert places_of(template) <= set(after.values)
        filled = fill(template, after.values)
        assert "3.0e-04, in h.0.mlp" in filled and "3 of 3 places" in filled
        for _, action in after.tries:
            assert hasattr(screen, f"action_{action}")
