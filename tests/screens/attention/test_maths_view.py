"""The view Maths: its numbers are the map's, it follows the cursor, and it survives what models can be."""

from __future__ import annotations

import contextlib
import io
import json
import shlex
from pathlib import Path

import pytest
import torch
from alike import alike
from centre_pilots import TEXT, kept, lab, maths, model_at, screen_of, sentence, started, until, worked
from run_writing import writing

import core
from core.model.arithmetic import head_steps
from core.model.parts import PARTS
from core.training.checkpoints import save_snapshot
from screens.attention.maths_parts import PartsLine
from screens.attention.view import figure
from screens.widgets.math_steps import MathSteps


def numbers(view: object, name: str) -> tuple[float, ...]:
    """Those of the last step that has them."""
    steps = view.steps.steps  # type: ignore[attr-defined]
    return next(one.values for step in reversed(steps) for one in step.numbers if one.name == name)


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
async def test_it_ends_with_the_weight_of_the_cell(size: tuple[int, int]) -> None:
    app = lab()
    async with app.run_test(size=size) as pilot:
        screen, view = await maths(pilot, app)
        at = screen.place
        assert len(view.steps.steps) == 8 and view.steps.step == 0
        for _ in range(7):
            await pilot.press("full_stop")
        assert view.steps.step == 7 and view.steps.steps[7].title == "join and project"
        weight = numbers(view, "weights")[at.column]
        screen.show_view("pattern")
        await until(pilot, lambda: screen.body.pattern.about().startswith(f"L{at.layer} H{at.head}"))
        row, column, cell = screen.body.pattern.map.place
        assert (row, column) == (at.row, at.column)
        screen.show_view("maths")
        assert weight == pytest.approx(cell, rel=1e-4, abs=1e-6)
        assert f"weight {figure(weight)}" in sentence(screen) and "equals the fast path to 1e-" in sentence(screen)
        lines = view.steps.lines
        assert f"  the weight of ‘{screen.seen.labels[at.column]}’ in it: {weight:.4f}" in lines
        assert lines[-2].startswith("equals the fast path to 1e-")
        await pilot.press("comma")
        assert view.steps.step == 6 and "step 7 of 8" in sentence(screen)


async def test_it_follows_the_cursor_and_stays_at_its_step() -> None:
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen, view = await maths(pilot, app)
        await pilot.press("full_stop", "full_stop", "full_stop")
        assert view.steps.step == 3
        screen.moved(screen.place.at(layer=1, head=2, row=4, column=2))
        await worked(pilot, screen)
        assert view.steps.step == 3
        trace = core.trace(core.load_model("demo", device="cpu").model, screen.seen.ids)
        expected = head_steps(trace, 1, 2, 4, column=2, tokens=screen.seen.labels)
        assert alike([step.lines for step in view.steps.steps], [step.lines for step in expected])
        assert "L1 H2" in view.about() and "#4" in view.about()


async def test_every_part_can_be_gone_to_by_key_and_click() -> None:
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen, view = await maths(pilot, app)
        seen = [view.part]
        for _ in range(len(PARTS) - 1):
            await pilot.press("o")
            await worked(pilot, screen)
            assert view.steps.steps and view.steps.step == 0, view.part
            assert all(step.check is None or step.check.ok for step in view.steps.steps), view.part
            seen.append(view.part)
        assert seen == list(PARTS)
        await pilot.press("o")
        assert view.part == "head"
        await pilot.press("O")
        assert view.part == "one projection"
        line = view.query_one(PartsLine)
        at = next(at for at, part, _ in line.spans(line.size.width) if part == "loss")
        await pilot.click(PartsLine, offset=(at + 1, 0))
        await worked(pilot, screen)
        assert view.part == "loss" and view.steps.steps[-1].title == "perplexity"
        screen.go_to_pane("grid")
        await pilot.press("o")
        assert view.part == "simple", "also while the focus is in another pane"
        screen.show_view("lens")
        await pilot.press("o")
        assert view.part == "simple" and "maths, which has parts" in sentence(screen)


def test_the_line_of_parts_shows_the_chosen_one_at_any_width() -> None:
    for width in range(16, 90):
        for part in PARTS:
            line = PartsLine()
            line.show(part)
            found = line.spans(width)
            assert part in [name for _, name, _ in found], (width, part)
            assert all(at + len(word) <= width for at, _, word in found)


async def test_a_head_that_is_off_is_worked_out_as_off() -> None:
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen, view = await maths(pilot, app)
        await pilot.press("a")
        await worked_with(pilot, screen, off=1)
        assert any("switches the head off" in line for line in view.steps.lines)
        assert view.steps.steps[-1].check.ok
        await pilot.press("A")
        await worked_with(pilot, screen, off=0)
        assert not any("switches the head off" in line for line in view.steps.lines)


async def worked_with(pilot, screen, off: int) -> None:
    await until(pilot, lambda: screen.seen is not None and len(screen.seen.off) == off)
    await worked(pilot, screen)


async def test_what_is_taken_away_gives_the_same_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen, view = await maths(pilot, app)
        taken = {}
        for part in ("head", "block", "loss", "causal"):
            view.choose(part)
            await worked(pilot, screen)
            taken[part] = (view.take_away(), list(view.steps.steps))
    from lab.__main__ import main

    for part, (request, steps) in taken.items():
        assert request is not None
        assert request.text is not None and all(line in request.text() for step in steps for line in step.lines)
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(request.python, {})
        assert steps[-1].title in said.getvalue() and steps[-1].lines[-1].split("‘")[0] in said.getvalue()
        capsys.readouterr()
        assert main(shlex.split(request.command)[1:]) == 0
        printed = json.loads(capsys.readouterr().out)
        assert printed["part"] == part
        assert alike([s["numbers"] for s in printed["steps"]], [s["numbers"] for s in request.data["steps"]])
        assert len(request.table[1]) == sum(len(n.values) for s in steps for n in s.numbers)


async def test_one_token() -> None:
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen, view = await maths(pilot, app)
        screen.show_text("a")
        await until(pilot, lambda: screen.seen is not None and screen.seen.text == "a")
        await worked(pilot, screen)
        assert numbers(view, "weights") == (1.0,) and view.steps.steps[-1].check.ok
        view.choose("loss")
        await worked(pilot, screen)
        assert "nothing to predict" in view.steps.steps[-1].why


async def test_weights_that_are_no_numbers_are_shown_as_such(isolated: Path) -> None:
    folder = isolated / "runs" / "broken"
    with writing(started(folder)):
        state = model_at(0).state_dict()
        state["h.0.attn.c_attn.weight"][0, 0] = torch.nan
        save_snapshot(folder, 0, state)
    app = lab(a="broken")
    async with app.run_test(size=(120, 36)) as pilot:
        screen, view = await maths(pilot, app)
        screen.moved(screen.place.at(layer=0, head=0))
        await worked(pilot, screen)
        assert not view.steps.steps[-1].check.ok and any("nan" in line for line in view.steps.lines)
        await pilot.press("end")
        assert "differs from the fast path by nan" in sentence(screen)
        for part in PARTS:
            view.choose(part)
            await worked(pilot, screen)
            assert view.steps.steps
        assert screen_of(app) is screen


async def test_a_run_of_ones_own(isolated: Path) -> None:
    folder = isolated / "runs" / "mine"
    with writing(started(folder)):
        kept(folder, 0)
    app = lab(a="mine")
    async with app.run_test(size=(80, 24)) as pilot:
        screen, view = await maths(pilot, app)
        assert screen.seen.text == TEXT and view.steps.steps[-1].check.ok
        assert app.query_one(MathSteps) is view.steps


async def test_what_cannot_be_worked_out_is_said_where_the_steps_would_be(monkeypatch: pytest.MonkeyPatch) -> None:
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        _, view = await maths(pilot, app)

        def too_much(*args: object, **options: object) -> None:
            raise MemoryError

        monkeypatch.setattr("core.model.parts.steps_of", too_much)
        await pilot.press("o")
        await until(pilot, lambda: not view.steps.steps)
        assert "not enough memory" in view.steps.empty_text and view.take_away() is None
        monkeypatch.undo()
        await pilot.press("o")
        await until(pilot, lambda: view.steps.steps)
        assert view.part == "loss"
