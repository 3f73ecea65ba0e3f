"""Lessons L3 and L4: every place is filled with the numbers of the screen, and what is to be tried works."""

from __future__ import annotations

import math

import pytest
from centre_pilots import lab, maths, screen_of, until, worked

import core
from screens.attention.lens_view import LensView
from screens.attention.lessons import SMALL
from screens.attention.prompt import TWICE
from screens.attention.view import figure
from screens.widgets.lesson import MISSING, Lesson, fill, places_of, template_of


async def ready(pilot, app):
    await until(pilot, lambda: screen_of(app).seen is not None)
    screen = screen_of(app)
    await until(pilot, lambda: screen.grid_values() is not None)
    await pilot.pause()
    return screen


@pytest.mark.parametrize(("lesson", "view"), [("L3", "pattern"), ("L4", "lens")])
async def test_every_place_of_the_template_is_filled(lesson: str, view: str) -> None:
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await ready(pilot, app)
        screen.show_view(view)
        found = screen.lesson()
        assert found.lesson_id == lesson and len(found.tries) == 2
        assert places_of(template_of(lesson)) <= set(found.values)
        text = fill(template_of(lesson), found.values)
        assert MISSING not in text and "{" not in text
        await pilot.press("question_mark")
        await until(pilot, lambda: screen.query(Lesson))
        assert screen.query_one(Lesson).view.lesson_id == lesson


async def test_the_row_is_that_of_the_map() -> None:
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await ready(pilot, app)
        screen.moved(screen.place.at(layer=2, head=1, row=6, column=2))
        values, tokens = screen.lesson().values, screen.seen.tokens
        run = core.trace(core.load_model("demo", device="cpu").model, screen.seen.ids)
        pattern = run.pattern(2, 1)[6]
        assert values["weight"] == figure(float(pattern[2])) and values["row_sum"] == "1.000"
        assert values["dot"] == f"{float(run.raw_scores(2, 1)[6, 2]):.3f}"
        assert values["score"] == f"{float(run.raw_scores(2, 1)[6, 2]) / math.sqrt(run.config.head_dim):.3f}"
        top = int(pattern.argmax())
        assert f"{figure(float(pattern[top]))} · value of ‘{screen.seen.labels[top]}’ #{top}" in values["row_top"]
        assert values["masked"] == str(sum(range(tokens))) and values["cells"] == str(tokens**2)
        x, mid, out = run.residual(2)[6], run.residual_mid(2)[6], run.residual(3)[6]
        assert values["attn_length"] == f"{float((mid - x).norm()):.2f}"
        assert values["mlp_length"] == f"{float((out - mid).norm()):.2f}"
        assert len(values["lens_rows"].splitlines()) == run.config.n_layers + 1


async def test_the_lens_of_the_lesson_is_the_lens_of_the_view() -> None:
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await ready(pilot, app)
        screen.show_view("lens")
        lens = screen.query_one(LensView)
        await until(pilot, lambda: lens.read is not None and lens.read.position == screen.place.row)
        values = screen.lesson().values
        last = lens.read.rows[-1]
        assert values["answer"] == lens.read.word(last.answer)
        assert values["lens_rows"].splitlines()[-1].split()[1:3] == [f"{last.entropy:.2f}", "#1"]


async def test_a_head_that_is_off_is_told_with_what_it_did_to_the_loss() -> None:
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await ready(pilot, app)
        assert "a switches" in screen.lesson().values["effect"]
        at = (screen.place.layer, screen.place.head)
        await screen.run_action("try_ablation")
        await until(pilot, lambda: screen.seen is not None and screen.seen.off == {at})
        model = core.load_model("demo", device="cpu").model
        before, after = core.trace(model, screen.seen.ids), core.trace(model, screen.seen.ids, ablate=[at])
        assert f"goes from {before.loss():.3f} to {after.loss():.3f} nats" in screen.lesson().values["effect"]


async def test_what_is_to_be_tried_is_done() -> None:
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await ready(pilot, app)
        tries = dict(screen.lesson().tries)
        await screen.run_action(next(a for label, a in tries.items() if "said twice" in label))
        await until(pilot, lambda: screen.seen is not None and screen.seen.text == TWICE)
        assert screen.measure == "induction"
        await until(pilot, lambda: screen.order() and screen.order()[0] == (screen.place.layer, screen.place.head))
        await until(pilot, lambda: not screen._find_column and not screen._fresh)
        values, ids, at = screen.grid_values(), screen.seen.ids, screen.place
        second = sorted(values.ravel())[-2]
        assert values[at.layer, at.head] > 1.25 * second, "the text tells this head from the others"
        assert ids[at.column - 1] == ids[at.row] and at.column < at.row, "it looks at what followed the first time"
        await screen.run_action(next(a for label, a in tries.items() if "step by step" in label))
        assert screen.body.view == "maths"
        screen.lesson_wanted = "L4"
        await screen.run_action(next(a for label, a in screen.lesson().tries if "block" in label))
        _, view = await maths(pilot, app)
        await worked(pilot, screen)
        assert view.part == "block" and view.steps.steps[-1].title == "shortcut"
        screen.lesson_wanted = ""
        assert screen.lesson().lesson_id == "L4", "the block is L4's"


async def test_a_large_text_is_worked_out_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("screens.attention.lessons.SMALL", 0)
    assert SMALL > 0
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await ready(pilot, app)
        assert "dot" not in screen.lesson().values
        await until(pilot, lambda: "dot" in screen.lesson().values)
        assert screen.lesson().values["row_sum"] == "1.000"
