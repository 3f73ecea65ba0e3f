"""Sizes with their sliders, what moved, fetching and removing, what is taken away, the lesson."""

import io
import os
import shlex
import subprocess
import sys
import threading
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from small import SHAPE, huggingface, numbers, run_with
from weight_pilots import looked_at, opened, sentence, until, whole

from core.config import GPTConfig
from core.data import pull as pulls
from core.folders import runs_dir
from core.weights.compare import compare
from core.weights.sizes import size_of
from screens.weights.compare import by_layer, figure_of
from screens.weights.size_rows import CHOICES, ROWS, slid
from screens.widgets.confirm import Confirm
from screens.widgets.error_card import ErrorCard
from screens.widgets.lesson import MISSING, fill, places_of, template_of

ROOT = Path(__file__).parents[3]


def ran(python: str) -> str:
    """What a snippet prints."""
    out = io.StringIO()
    with redirect_stdout(out):
        exec(compile(python, "snippet", "exec"), {})
    return out.getvalue()


# --- sizes


async def test_sliders_say_what_my_model_would_weigh(lab, model):
    app = lab(model)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        await pilot.press("c")
        pane = screen.body.sizes
        assert pane.mine.config == screen.opened.tensors.config
        assert [report.parameters for report in pane.reports[:4]] == [
            124_439_808, 354_823_168, 774_030_080, 1_557_611_200,
        ]  # fmt: skip
        await pilot.press("right", "down", "down", "right", "right", "down", "right")
        mine = pane.mine.config
        assert (mine.n_layers, mine.emb_dim, mine.context_length) == (3, 64, 32) and mine.emb_dim % mine.n_heads == 0
        assert pane.mine.parameters == mine.parameters()
        row = next(i for i, r in enumerate(ROWS) if r.name == "attention")
        pane.table.cursor = row
        await pilot.pause()
        said = str(screen.query_one("#w-size-said").render())
        assert pane.mine.part("attention").formula in said
        await pilot.press("left")
        assert pane.column == 3 and "1558M · attention 491,827,200" in sentence(screen)
        await pilot.press("r")
        assert pane.mine.config == screen.opened.tensors.config
        for row in range(len(ROWS)):
            assert pane._row(row).plain.startswith(ROWS[row].name)


@pytest.mark.parametrize("field", [*CHOICES, "tie_weights", "qkv_bias"])
def test_a_slider_never_makes_a_shape_that_cannot_be(field):
    config = GPTConfig(50257, 1024, 768, 12, 12)
    for by in (1, 1, 8, -3, -20, 50, 50, 50, -1):
        config = slid(config, field, by)
        assert size_of(config).parameters == config.parameters()


# --- what moved


async def test_what_moved_between_two_steps_is_what_core_says(lab, run):
    app = lab("grown@300")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        await pilot.press("c", "c")
        pane = screen.body.changes
        await until(pilot, lambda: pane.changes)
        assert pane.pair == ("grown@200", "grown@300")
        assert [c.to_dict() for c in pane.changes] == [c.to_dict() for c in compare("grown@200", "grown@300")]
        table, rows, columns = by_layer(pane.changes, "relative")
        assert np.array_equal(pane.map.values, table) and rows == ["h.0", "h.1"] and len(columns) == 12
        first = max(pane.changes, key=lambda c: c.relative)
        assert first.name in pane._row(0).plain and first.name in sentence(screen)
        await pilot.press("comma")
        await until(pilot, lambda: pane.pair == ("grown@100", "grown@300") and pane.changes)
        await pilot.press("m")
        assert pane.measure == "max_abs"
        await pilot.press("tab", "right")
        assert pane.map.has_focus and "h.0.ln_1.bias" in sentence(screen)
        await pilot.press("enter", "enter")
        await until(pilot, lambda: screen.body.page == "tensors" and whole(screen))
        assert screen.looked.name == "h.0.ln_1.bias"


async def test_two_models_on_the_workbench_are_compared_and_two_shapes_refused(lab, model, tmp_path):
    other = huggingface(tmp_path / "other", numbers(SHAPE, seed=1))
    app = lab(model, str(other))
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        screen.show_page("compare")
        pane = screen.body.changes
        await until(pilot, lambda: pane.changes)
        assert pane.pair == (str(model), str(other))
        assert max(figure_of(c, "angle") for c in pane.changes) == pytest.approx(90, abs=25)
        screen.workbench.set(b=str(model))
        await until(pilot, lambda: pane.changes and all(c.same for c in pane.changes))
        assert "the same" in sentence(screen)
        screen.workbench.set(b="demo")
        await until(pilot, lambda: screen.query(ErrorCard))
        assert "these differ: " in screen.query_one(ErrorCard).problem.what


async def test_a_model_alone_says_what_could_be_compared(lab, model):
    app = lab(model)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        await pilot.press("C")
        assert "slot B" in screen.body.changes.map.empty_text
        await pilot.press("m", "enter", "tab", "enter", "escape")
        assert screen.body.page == "tensors"


# --- fetching and removing


class Pull:
    """Stands for the fetching; a test says when bytes come."""

    def __init__(self):
        self.kept, self.runs, self.go = 0, 0, threading.Event()

    def __call__(self, name, *, source=None, cancelled=None):
        self.runs += 1
        while self.kept < 100:
            yield pulls.PullProgress(name, "model.safetensors", 1, 1, self.kept, 100, 5.0, 9.0, "fetching")
            if cancelled.wait(0.01):
                return
            if self.go.is_set():
                self.kept += 10
            elif self.kept < 40:
                self.kept = 40
        yield pulls.PullProgress(name, "", 1, 1, 100, 100, 5.0, 0.0, "done")


async def test_a_download_shows_progress_is_paused_and_goes_on(lab, monkeypatch):
    fake = Pull()
    monkeypatch.setattr(pulls, "pull", fake)
    app = lab("gpt2-medium")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        await pilot.press("d")
        await until(pilot, lambda: (job := screen.pulling("gpt2-medium")) and job.fraction == 0.4)
        screen.show_published()
        line = screen._published_row(1).plain
        assert "40 %" in line and "d pauses" in line
        await pilot.press("d")
        await until(pilot, lambda: screen.pulling("gpt2-medium") is None)
        assert "paused" in sentence(screen)
        fake.go.set()
        await pilot.press("d")
        await until(pilot, lambda: fake.kept == 100 and screen.pulling("gpt2-medium") is None)
        assert fake.runs == 2 and [job.state for job in app.jobs.jobs] == ["cancelled", "finished"]


async def test_a_download_that_fails_is_a_card_whose_first_door_tries_again(lab, monkeypatch):
    from core.errors import DownloadError

    def broken(name, *, source=None, cancelled=None):
        raise DownloadError("huggingface.co cannot be reached", "12 MB are kept; try again")
        yield

    monkeypatch.setattr(pulls, "pull", broken)
    app = lab("gpt2-large")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        await pilot.press("d")
        await until(pilot, lambda: "was not fetched" in sentence(screen))
        card = screen.query_one("#w-values ErrorCard", ErrorCard)
        assert "cannot be reached" in card.problem.what and card.problem.doors[0].action == "download"
        await until(pilot, lambda: card.region.height >= 4)


async def test_a_slip_of_the_finger_fetches_nothing(lab, monkeypatch):
    fake = Pull()
    monkeypatch.setattr(pulls, "pull", fake)
    app = lab()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        await pilot.press("d")
        assert screen.body.published.has_focus and "choose" in sentence(screen) and fake.runs == 0
        await pilot.press("down", "down", "d")
        await until(pilot, lambda: fake.runs == 1)
        assert screen.pulling("gpt2-large")
        await pilot.press("d")


async def test_removing_asks_and_frees(lab, isolated):
    folder = huggingface(isolated / "cache" / "models" / "gpt2")
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        await pilot.press("tab", "tab")
        assert screen.body.published.has_focus
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("escape")
        assert (folder / "model.safetensors").exists()
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: "is removed" in sentence(screen))
        assert not (folder / "model.safetensors").exists()


async def test_enter_in_the_table_shows_a_size_that_is_not_here_and_leaves_the_workbench_alone(lab):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        await pilot.press("tab", "tab", "down", "enter")
        await opened(pilot, screen, "gpt2-medium")
        assert app.workbench.a == "demo" and len(screen.opened.tensors) == 292


# --- taking away


async def test_python_and_command_say_what_the_screen_shows(lab, run):
    app = lab("grown@200")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        await looked_at(pilot, screen, "h.1.attn.c_attn.bias[k]")
        tensor = screen.take_away()
        screen.show_page("sizes")
        await pilot.press("right")
        sizes = screen.take_away()
        screen.show_page("compare")
        await until(pilot, lambda: screen.body.changes.changes)
        moved = screen.take_away()
    stats, counts, _ = ran(tensor.python).splitlines()
    figures = tensor.data["tensor"]["stats"]
    assert [float(x) for x in stats.split()] == [figures[n] for n in ("mean", "std", "min", "max")]
    assert counts == f"{sum(tensor.data['histogram']['counts'])} {tensor.data['histogram']['counts']}"
    assert len(tensor.table[1]) == 28 and len(tensor.table[0]) == len(tensor.table[1][0])
    first = ran(sizes.python).splitlines()[0].split()
    assert [int(x) for x in first] == [sizes.data["mine"][n] for n in ("parameters", "tensors", "block_parameters")]
    said = [line.split() for line in ran(moved.python).splitlines()]
    assert [(n, float(r)) for n, r, *_ in said] == [(c["name"], c["relative"]) for c in moved.data["changes"]]
    program, *words = shlex.split(moved.command)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "lab", *words], env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert program == "llm-lab" and done.returncode == 0 and "h.1.attn.c_attn.bias" in done.stdout, done.stderr


async def test_pictures_for_print_are_drawn_of_each_page(lab, run, tmp_path):
    app = lab("grown@200")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        for view in ("histogram", "heat map", "rows"):
            screen.show_view(view)
            await until(pilot, lambda: whole(screen))
            screen.take_away().figure(tmp_path / f"{view}.png")
        screen.show_page("sizes")
        screen.take_away().figure(tmp_path / "sizes.png")
        screen.show_page("compare")
        await until(pilot, lambda: screen.body.changes.changes)
        screen.take_away().figure(tmp_path / "moved.png")
    assert len([p for p in tmp_path.glob("*.png") if p.stat().st_size > 5_000]) == 5


# --- lesson, palette


async def test_every_place_of_the_lesson_is_filled_and_its_tries_happen(lab, model):
    app = lab(model)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        view, template = screen.lesson(), template_of("L7")
        assert places_of(template) and places_of(template) <= view.values.keys()
        assert MISSING not in fill(template, view.values)
        assert view.values["block"] == f"{12 * 24**2 + 13 * 24:,}"
        for _, action in view.tries:
            await screen.run_action(action)
        assert screen.body.tensor_tree.key == "h.0.attn.c_attn.weight[q]"
        await app.open_lesson("L8")
        assert screen.lesson().lesson_id == "L8"


async def test_the_palette_has_every_key_and_every_tensor(lab, model):
    app = lab(model)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        commands = {title: run for title, _, run in screen.commands()}
        assert sum(title.startswith("Tensor h.") for title in commands) == 24
        commands["Tensor h.1.mlp.c_proj.weight"]()
        assert screen.body.tensor_tree.key == "h.1.mlp.c_proj.weight"
        commands["Page: sizes, what would my model weigh"]()
        assert screen.body.page == "sizes"


async def test_any_key_in_any_pane_leaves_the_app_alive(lab, run):
    """Nonsense from a cat on the keyboard; whatever happens, no card tells of a bug."""
    app = lab("grown")
    keys = [*"vcmnfasLrVC", "tab", "shift+tab", "up", "down", "left", "right", "enter", "plus", "minus"]
    keys += ["number_sign", "home", "end", "pageup"]
    async with app.run_test(size=(80, 24)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        for i in range(34):
            await pilot.press(keys[(i * 7 + i // 5) % len(keys)])
            while app.screen is not screen:
                await pilot.press("escape")
        cards = [card.problem.what for card in screen.query(ErrorCard)]
        assert not [what for what in cards if "something went wrong" in what]


async def test_a_run_without_weights_says_when_they_come(lab, isolated):
    runs_dir().mkdir(parents=True, exist_ok=True)
    path = run_with(runs_dir() / "young", {1: numbers()})
    for file in path.glob("snapshots/*"):
        file.unlink()
    app = lab("young")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.screen.query(ErrorCard))
        assert "has kept no weights yet" in app.screen.query_one(ErrorCard).problem.what
