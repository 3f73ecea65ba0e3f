"""Names, shapes and values in the tree; the checks of the screen's design that need no download."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from small import SHAPE, huggingface, numbers
from weight_pilots import looked_at, opened, sentence, until, whole

from core.weights.inspect import tensors
from core.weights.keymap import tensor_names
from screens.weights.panes import WeightsBody
from screens.weights.view import columns_for, count_text, heading, tree_of
from screens.widgets.error_card import ErrorCard

ROOT = Path(__file__).parents[3]
SIZES = {
    "gpt2": (124_439_808, 148),
    "gpt2-medium": (354_823_168, 292),
    "gpt2-large": (774_030_080, 436),
    "gpt2-xl": (1_557_611_200, 580),
}


@pytest.mark.parametrize("spec", ["gpt2", "gpt2-xl"])
async def test_without_any_file_the_tree_is_complete_and_only_values_show_a_card(lab, spec):
    parameters, count = SIZES[spec]
    app = lab(spec)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        title = str(screen.query_one("#w-left").border_title)
        assert f"{count} tensors" in title and count_text(parameters) in title
        card = screen.query_one("#w-values ErrorCard", ErrorCard)
        assert "is not on this machine" in card.problem.what
        assert [door.key for door in card.problem.doors] == ["d", "o", "u"]
        assert "used by" not in sentence(screen) and "makes query, key and value" in sentence(screen)
        await pilot.press("u")
        await until(pilot, lambda: screen.spec == "demo" and screen.opened.spec == "demo")
        await opened(pilot, screen)
        assert not screen.query(ErrorCard)


@pytest.mark.parametrize("spec", SIZES)
def test_the_tree_of_every_size_holds_all_of_it(spec):
    parameters, count = SIZES[spec]
    found = tensors(spec)
    nodes, shown = tree_of(found)
    inside = [child for node in nodes for child in (node.children if node.key.startswith("block") else (node,))]
    assert shown == count == len(inside)
    assert sum(found.find(node.key).parameters for node in inside) == parameters


async def test_the_demo_opens_at_once_offline(lab):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, app.screen)
        assert app.screen.looked.name == "h.0.attn.c_attn.weight"
        assert app.screen.body.histogram.bins > 0 and not app.screen.query(ErrorCard)


async def test_query_key_and_value_are_exact_slices_of_the_file_and_the_command_agrees(lab, model):
    stored = load_file(model / "model.safetensors")["transformer.h.1.attn.c_attn.weight"]  # in x out
    app = lab(model)
    taken = {}
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        for i, part in enumerate("qkv"):
            name = f"h.1.attn.c_attn.weight[{part}]"
            await looked_at(pilot, screen, name)
            width = SHAPE.emb_dim
            assert np.array_equal(screen.looked.values, stored[:, i * width : (i + 1) * width].T)
            taken[part] = screen.stats[name].to_dict()
            command = screen.take_away().command
    words = shlex.split(command)
    done = subprocess.run(
        [sys.executable, "-m", "lab", *words[1:]],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)["tensors"]
    assert [t["name"] for t in said] == ["h.1.attn.c_attn.weight"]
    assert said[0]["parts"] == taken


async def test_every_value_is_in_the_histogram_of_every_tensor(lab, model):
    app = lab(model)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        for name in tensor_names(SHAPE)[:6]:  # the rest differ in nothing but their place
            await looked_at(pilot, screen, name.ours)
            assert screen.looked.histogram.counts.sum() == name.parameters
            assert sum(screen.body.histogram._counts) == name.parameters


async def test_a_cell_of_the_map_and_a_bar_say_what_they_stand_for(lab, model):
    app = lab(model)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        await looked_at(pilot, screen, "wpe.weight")
        await pilot.press("tab", "right")
        assert "values," in sentence(screen) and "%" in sentence(screen)
        await pilot.press("v", "v", "v")
        assert screen.body.view == "values" and screen.body.map.has_focus
        await pilot.press("down", "right", "right")
        value = screen.looked.values[1, 2]
        assert sentence(screen).startswith(f"wpe.weight[1, 2] = {value:.6g}")
        await looked_at(pilot, screen, "h.0.mlp.c_fc.bias")
        await pilot.press("home", "down", "right")
        assert sentence(screen).startswith(f"h.0.mlp.c_fc.bias[33] = {screen.looked.values[0, 33]:.6g}")


async def test_the_filter_takes_any_name_a_shape_or_a_kind(lab, model):
    app = lab(model)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        tree = screen.body.tensor_tree
        before = tree.key
        for words, wanted in (
            (
                "model/h1/mlp",
                {"h.1.mlp.c_fc.weight", "h.1.mlp.c_fc.bias", "h.1.mlp.c_proj.weight", "h.1.mlp.c_proj.bias"},
            ),
            ("transformer.wpe", {"wpe.weight"}),
            ("96x24 layer 0", {"h.0.mlp.c_fc.weight"}),
            ("norm bias", {f"{n}.bias" for n in ("h.0.ln_1", "h.0.ln_2", "h.1.ln_1", "h.1.ln_2", "ln_f")}),
        ):
            await pilot.press("slash")
            screen.body.filter.value = words
            await pilot.pause()
            assert {k for k in tree.keys if not k.startswith("block ") and "[" not in k} == wanted
            assert f"{len(wanted)} of 28" in str(screen.query_one("#w-left").border_title)
            assert tree.key in wanted, "the cursor is on a tensor that was found"
            await pilot.press("escape")
            assert tree.has_focus and screen.query_words == words
            await pilot.press("escape")
            assert screen.query_words == ""
        await pilot.press("slash", *"zzz")
        await pilot.pause()
        assert tree.keys == [] and "no tensor has ‘zzz’" in sentence(screen)
        await pilot.press("enter", "escape")
        await pilot.pause()
        assert len([k for k in tree.keys if not k.startswith("block")]) >= 4
        assert tree.key and before in tree.keys


async def test_f_goes_through_what_a_loader_turns_or_cuts(lab, model):
    app = lab(model)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        seen = []
        for _ in range(10):
            await pilot.press("f")
            seen.append(screen.body.tensor_tree.key)
    wanted = ["attn.c_attn.bias", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight", "attn.c_attn.weight"]
    assert seen == [f"h.0.{n}" for n in wanted[:4]] + [f"h.1.{wanted[4]}"] + [f"h.1.{n}" for n in wanted[:4]] + [
        "h.0.attn.c_attn.weight"
    ]


async def test_the_last_column_says_each_measure_and_names_change(lab, model):
    app = lab(model)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        await until(pilot, lambda: len(screen.stats) >= 28)
        tree = screen.body.tensor_tree
        index = tree.keys.index("h.0.ln_1.weight")
        stats = screen.stats["h.0.ln_1.weight"]
        for measure, said in (("std", f"{stats.std:.3g}"), ("mean", f"{stats.mean:.3g}"), ("min", f"{stats.min:.3g}")):
            assert screen.measure == measure
            assert tree._text(index).plain.split()[-1] == said
            await pilot.press("m")
        assert "h0/ln_1/g" in tree._text(index).plain
        await pilot.press("n")
        assert "h.0.ln_1.weight" in tree._text(index).plain


def test_columns_never_take_the_label_away():
    for width in range(40, 220):
        columns = columns_for(width, "openai", "std")
        left = width - sum(c.width + 1 for c in columns)
        assert left >= 18, (width, left)
        assert len(heading(columns, left)) == width


async def test_stepping_through_checkpoints_keeps_cursor_and_scales(lab, run):
    app = lab("grown@100")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        await looked_at(pilot, screen, "h.1.mlp.c_fc.weight")
        await pilot.press("v")
        edges, scale = screen.looked.histogram.edges.tolist(), screen.body.map.scale
        for key, spec in (("greater_than_sign", "grown@200"), ("full_stop", "grown@300")):
            await pilot.press(key)
            await until(pilot, lambda spec=spec: screen.spec == spec and whole(screen))
            await pilot.pause()
            assert screen.body.tensor_tree.key == "h.1.mlp.c_fc.weight"
            assert screen.looked.histogram.edges.tolist() == edges and screen.body.map.scale == scale
            assert screen.looked.histogram.above > 0 and "beyond the ends" in str(screen.body.histogram.border_subtitle)
            assert "scale of grown@100" in str(screen.body.histogram.border_subtitle)
        await pilot.press("r")
        await until(pilot, lambda: whole(screen) and screen.looked.histogram.edges.tolist() != edges)
        assert screen.looked.histogram.above == 0


async def test_a_new_checkpoint_of_the_shown_run_is_read_by_itself(lab, run):
    from small import snapshot

    app = lab("grown")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        assert screen.opened.tensors.step == 300
        snapshot(run, 400, numbers(SHAPE, seed=0, scale=0.9))
        screen.look_at_disk()
        await until(pilot, lambda: screen.opened.tensors.step == 400 and whole(screen))
        assert 400 in screen.opened.steps


@pytest.mark.parametrize("harm", ["cut", "header", "gone", "config"])
async def test_damaged_files_are_cards_and_the_app_lives_on(lab, tmp_path, harm):
    folder = huggingface(tmp_path / "harmed")
    path = folder / "model.safetensors"
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif harm == "header":
        path.write_bytes(b"\xff" * 64)
    elif harm == "gone":
        path.unlink()
    else:
        (folder / "config.json").write_text("{")
    app = lab(folder)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await until(pilot, lambda: screen.query(ErrorCard))
        card = screen.query_one(ErrorCard)
        await until(pilot, lambda: card.region.height >= 4)
        assert card.problem.what and card.problem.why and "something went wrong" not in card.problem.what
        await pilot.press("u")
        await opened(pilot, screen, "demo")
        assert not screen.query(ErrorCard) and isinstance(screen.body, WeightsBody)


async def test_files_that_go_while_they_are_shown_are_told_of(lab, model):
    app = lab(model)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        (model / "model.safetensors").unlink()
        (model / "config.json").unlink()
        model.rmdir()
        await pilot.press("down")
        screen.look_at_disk()
        await until(pilot, lambda: screen.query(ErrorCard))
        assert "no model is called" in screen.query_one(ErrorCard).problem.what


async def test_not_a_number_is_counted_and_shown(lab, tmp_path):
    odd = numbers()
    odd["wpe.weight"][3, 4] = np.nan
    app = lab(huggingface(tmp_path / "odd", odd))
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await opened(pilot, screen)
        await looked_at(pilot, screen, "wpe.weight")
        assert screen.stats["wpe.weight"].nans == 1
        await pilot.press("v")
        await pilot.pause()
        body = screen.body
        height = body.map.scrollable_content_region.height
        assert any("×" in body.map.render_line(y).text for y in range(height - 1))
