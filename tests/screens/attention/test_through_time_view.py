"""The view Time: every kept step of a run with the head's map and measures, also while the run goes on."""

from __future__ import annotations

import contextlib
import io
import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from alike import alike
from centre_pilots import drawn, kept, lab, model_at, screen_of, sentence, started, through_time, until
from run_writing import writing

import core
from core.model.parts import PARTS
from core.shelf import kept_steps
from core.training.runs import open_run
from screens.attention.history import CURVES, figure_of, profiles_at, value_at
from screens.attention.maths import MathsView
from screens.attention.view import figure
from screens.widgets.figure import Figure


def same(a: object, b: object) -> bool:
    return bool(np.allclose(np.asarray(a), np.asarray(b), atol=1e-6))


async def test_the_demo_as_it_learned() -> None:
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        steps = kept_steps(open_run("demo"))
        screen, view = await through_time(pilot, app, len(steps))
        await until(pilot, lambda: view.history.ended)
        assert view.line.steps == steps and view.at == steps[-1] and "(newest)" in str(head_line(view))
        at = screen.place
        profiles = core.head_profiles(core.load_model(f"demo@{steps[2]}", device="cpu").model)
        told = view.history.steps[steps[2]]
        assert profiles_at(told, on_text=False) is told.random
        assert value_at(view.history, steps[2], (at.layer, at.head), "induction", False) == pytest.approx(
            float(profiles["induction"][at.layer, at.head])
        )
        await pilot.press("comma")
        assert view.at == steps[-2]
        await drawn(pilot, view)
        trace = core.trace(core.load_model(f"demo@{steps[-2]}", device="cpu").model, screen.seen.ids)
        assert same(view.pattern, trace.pattern(at.layer, at.head))
        assert f"demo@{steps[-2]}" in sentence(screen) and f"step {steps[-2]:,}" in view.about()
        assert f"weight {figure(float(view.pattern[at.row, at.column]))}" in sentence(screen)


def head_line(view: object) -> str:
    from textual.widgets import Static

    return str(view.query_one("#a-time-head", Static).render())  # type: ignore[attr-defined]


async def test_the_curves_are_the_measures_over_the_steps() -> None:
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        steps = kept_steps(open_run("demo"))
        screen, view = await through_time(pilot, app, len(steps))
        head = (screen.place.layer, screen.place.head)
        shown = view.curve.figure
        assert [line.label for line in shown.lines] == ["previous", "duplicate", "induction", "first"]
        assert shown.lines[0].x == tuple(float(s) for s in steps)
        assert shown.lines[3].y[1] == pytest.approx(float(view.history.steps[steps[1]].random["first"][head]))
        seen = []
        for _ in CURVES:
            await pilot.press("o")
            seen.append(view.curves)
            assert view.curve.figure == figure_of(view.history, head, view.curves)
        assert seen == [*CURVES[1:], CURVES[0]]
        before = view.curve.figure
        screen.moved(screen.place.at(layer=1, head=1))
        await drawn(pilot, view)
        await until(pilot, lambda: view.drawn[1].layer == 1)
        assert view.curve.figure != before
        trace = core.trace(core.load_model("demo", device="cpu").model, screen.seen.ids)
        assert same(view.pattern, trace.pattern(1, 1))


async def test_enter_puts_a_step_on_the_workbench() -> None:
    app = lab()
    async with app.run_test(size=(80, 24)) as pilot:
        steps = kept_steps(open_run("demo"))
        screen, view = await through_time(pilot, app, len(steps))
        await pilot.press("home", "enter")
        assert screen.workbench.a == f"demo@{steps[0]}"
        await until(pilot, lambda: screen.seen is not None and screen.seen.spec == f"demo@{steps[0]}")
        assert view.history.known == steps, "the run is the same: nothing is measured again"
        await pilot.press("greater_than_sign")
        await until(pilot, lambda: screen.seen.spec == f"demo@{steps[1]}")
        await until(pilot, lambda: view.at == steps[1])
        screen.show_view("pattern")
        await pilot.press("greater_than_sign")
        await until(pilot, lambda: screen.seen.spec == f"demo@{steps[2]}")
        screen.show_view("time")
        assert view.at == steps[2], "it has gone there while another view was shown"
        await pilot.press("a")
        await until(pilot, lambda: "all heads on" in head_line(view))


async def test_it_begins_at_the_step_of_the_workbench() -> None:
    steps = kept_steps(open_run("demo"))
    app = lab(a=f"demo@{steps[1]}")
    async with app.run_test(size=(120, 36)) as pilot:
        _, view = await through_time(pilot, app, len(steps))
        await until(pilot, lambda: view.history.ended)
        assert view.at == view.line.target == steps[1]


async def test_a_run_that_goes_on_is_followed(isolated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = isolated / "runs" / "live"
    with writing(started(folder)) as writer:
        kept(folder, 0, 10)
        app = lab(a="live")
        async with app.run_test(size=(120, 36)) as pilot:
            screen, view = await through_time(pilot, app, 2)
            await until(pilot, lambda: view.history.live and view.history.known == (0, 10))
            assert view.at == 10 and not view.history.ended and "the run goes on" in view.history.state()
            await pilot.press("comma", "comma")
            assert view.at == 0
            await drawn(pilot, view)
            kept(folder, 20)
            await until(pilot, lambda: view.line.steps == (0, 10, 20))
            assert view.at == 0, "who looks at a step is left there"
            for pruned in (0, 10):  # as a run does that keeps its last checkpoints
                (folder / "snapshots" / f"step-{pruned:06}.safetensors").unlink()
            kept(folder, 30)
            await until(pilot, lambda: 30 in view.line.steps and 10 not in view.line.steps)
            assert view.line.steps == (0, 20, 30) and view.at == 0, "what is gone is no stop, but for where one is"
            assert view.history.known == (0, 10, 20, 30) == tuple(int(x) for x in view.curve.figure.lines[0].x)
            assert "(2 gone)" in view.history.state()
            old, at, read, asked = screen.seen, screen.place, view.patterns.at, []
            monkeypatch.setattr(view.patterns, "at", lambda *of: (asked.append(of[0]), read(*of))[1])
            (folder / "snapshots" / "step-000030.safetensors").touch()  # the screen may have seen the others by itself
            screen._beat()  # there are newer weights, the text is traced anew, and the map asked for again
            await until(pilot, lambda: screen.seen is not old and "live@0" in asked)
            await until(pilot, lambda: not any(w.group == "time map" and not w.is_finished for w in app.workers))
            await pilot.pause()
            assert view.pattern is not None and view.drawn[2] == 0, "what is drawn stays"
            screen.moved(at.at(layer=1 - at.layer))
            await until(pilot, lambda: "step 0 are not kept any more" in view.map.empty_text)
            await pilot.press("full_stop")
            assert view.at == 20 and view.line.steps == (20, 30)
            await pilot.press("comma")
            assert view.at == 20, "there is nothing to go back to"
            await pilot.press("end")
            assert view.at == 30
            await drawn(pilot, view)
            trace = core.trace(model_at(30), screen.seen.ids)
            assert np.abs(view.pattern - trace.pattern(screen.place.layer, screen.place.head).numpy()).max() < 0.01
            assert view.line.target is not None
            await pilot.press("escape")
            assert view.history.cancel.is_set()
            await until(pilot, lambda: view.history.ended)
            await pilot.press("escape")
            assert view.line.target is None and view.at == 30
            assert screen_of(app) is screen
        writer.close("finished")


async def test_a_step_that_is_gone_or_broken_is_said_and_no_crash(isolated: Path) -> None:
    folder = isolated / "runs" / "torn"
    with writing(started(folder)):
        kept(folder, 0, 10, 20)
        (folder / "snapshots" / "step-000010.safetensors").write_bytes(b"half a file")
    app = lab(a="torn")
    async with app.run_test(size=(120, 36)) as pilot:
        _, view = await through_time(pilot, app, 2)
        await until(pilot, lambda: view.history.ended)
        assert view.history.known == (0, 20) and "step 10 cannot be read" in view.history.state()
        await drawn(pilot, view)
        (folder / "snapshots" / "step-000000.safetensors").unlink()
        view.patterns.forget()  # it may have been drawn when it was the newest, and is kept then
        await pilot.press("home")
        await until(pilot, lambda: view.drawn is None)
        assert view.pattern is None and view.at == 0
        await pilot.press("end")
        await drawn(pilot, view)
        assert view.pattern is not None


async def test_a_model_that_is_no_run_says_so(isolated: Path) -> None:
    folder = isolated / "runs" / "mine"
    with writing(started(folder)):
        kept(folder, 0)
    model = folder / "snapshots" / "step-000000.safetensors"
    app = lab(a=str(model))
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: screen_of(app).seen is not None)
        screen = screen_of(app)
        screen.show_view("time")
        from screens.attention.through_time import TimeView

        view = screen.query_one(TimeView)
        await until(pilot, lambda: view.history is not None and view.history.ended)
        assert "is not a run" in view.history.state() and view.take_away() is None
        await pilot.pause()
        assert "is not a run" in view.map.empty_text and not view.curve.empty_text, "it is said once"
        await pilot.press("comma", "full_stop", "o", "enter", "escape")
        assert screen_of(app) is screen and view.curve.figure.empty


async def test_what_is_taken_away_gives_the_same_numbers(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        steps = kept_steps(open_run("demo"))
        _, view = await through_time(pilot, app, len(steps))
        given = []
        for curves in CURVES:
            view.choose(curves)
            request = view.take_away()
            assert request is not None
            given.append((curves, request.python, view.curve.figure))
    for curves, python, drawn_figure in given:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(python, {})
        rows = [[float(word) for word in line.split()] for line in said.getvalue().splitlines()]
        assert len(drawn_figure.lines) == len(curves.names)
        for number, line in enumerate(drawn_figure.lines, 1):  # the very curves that are drawn
            printed = [(row[0], row[number]) for row in rows]
            assert alike(printed, list(zip(line.x, line.y, strict=True)))
    first = next(line for line in given[0][2].lines if line.label == "induction")
    assert all(value == value for value in first.y), "induction on random tokens is known, whatever the text"
    from lab.__main__ import main

    capsys.readouterr()
    assert main(shlex.split(request.command)[1:]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["step"] for one in told] == list(steps)
    assert alike([one["text"]["first"] for one in told], [one["text"]["first"] for one in request.data["steps"]])
    assert len(request.table[1]) == 2 * len(steps)
    assert request.figure is not None and request.vector
    request.figure(tmp_path / "time.svg")
    assert CURVES[-1].title in (tmp_path / "time.svg").read_text(encoding="utf-8"), "the curves that are shown"


def test_a_figure_of_nothing_is_empty() -> None:
    from screens.attention.history import History

    assert figure_of(History("none", ()), (0, 0), CURVES[0]).empty and Figure().empty


async def test_the_palette_has_every_part_and_every_plot() -> None:
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen, view = await through_time(pilot, app, 1)
        offered = {name: do for name, _, do in screen.commands()}
        for curves in CURVES:
            offered[f"Time: {', '.join(curves.names)} {curves.title}"]()
            assert view.curves is curves and screen.body.view == "time"
        for part in PARTS:
            offered[f"Maths: {part}"]()
            assert screen.query_one(MathsView).part == part and screen.body.view == "maths"
