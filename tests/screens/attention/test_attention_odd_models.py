"""Models of odd sizes on the screen: one head of full width, and a width that the heads cannot share."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from attention_pilots import attention, card, same, sentence, title, traced, until
from safetensors.torch import save_file
from tiny_models import LETTERS

import core
from core.config import GPTConfig
from core.model.gpt import GPT
from core.tokenizers import get_tokenizer
from core.weights.own import config_dict
from screens.widgets.error_card import ErrorCard

SIZE = (120, 36)


@pytest.fixture
def one_head(isolated: Path) -> Path:
    """A folder with a model of one layer and one head."""
    folder = isolated / "one"
    folder.mkdir()
    model = GPT(GPTConfig(39, 8, 6, 1, 1), torch.Generator().manual_seed(0))
    save_file(dict(model.state_dict()), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config_dict(model.config)))
    get_tokenizer("char", LETTERS).save(folder)
    return folder


async def test_a_model_of_one_head(one_head: Path) -> None:
    app = attention("the cat", a=str(one_head))
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        assert "1×1 heads" in title(screen, "#a-grid-pane")
        pattern = core.trace(core.load_model(str(one_head)).model, list(screen.seen.ids)).pattern(0, 0).numpy()
        assert same(screen.body.pattern.drawn, pattern)
        await pilot.press("p", "u", "n")
        assert (screen.place.layer, screen.place.head) == (0, 0), "the next head is the same again"
        for key in ("a", "A", "L", "B", "t", "d"):
            await pilot.press(key)
            await until(pilot, lambda: all(w.is_finished for w in app.workers))
        assert not screen.query(ErrorCard)


async def test_a_width_that_the_heads_cannot_share(one_head: Path) -> None:
    config = json.loads((one_head / "config.json").read_text())
    config["model"]["n_heads"] = 4
    (one_head / "config.json").write_text(json.dumps(config))
    app = attention("the cat", a=str(one_head))
    async with app.run_test(size=SIZE) as pilot:
        shown = await card(pilot)
        assert "emb_dim" in shown.problem.what and "n_heads" in shown.problem.what
        assert shown.problem.doors, "there is a way on"
        assert shown.problem.what in sentence(app.screen)
        assert app.screen.seen is None
