"""The cursor on the prompt; answers beside each other that change places, are cut, stopped, or cannot be written."""

import json
import math

import numpy as np
from console_pilots import SHORT, answered, console, given, ids, quiet, sentence, step, until
from safetensors.numpy import save_file

from core.config import GPTConfig
from core.tokenizers import get_tokenizer
from core.weights.keymap import tensor_names
from screens.generation.comparing import Rival
from screens.generation.view import Line, values_of
from screens.widgets.error_card import ErrorCard


async def test_a_token_of_the_prompt_shows_its_chances_and_cannot_be_taken_otherwise():
    app = console(prompt="The for statement is used to")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await answered(pilot, screen)
        before = len(screen.answers)
        await pilot.press("home", "right", "right")
        await until(pilot, lambda: screen.body.bars.rows)
        await until(pilot, lambda: quiet(screen))
        assert screen.in_prompt and "token 2 of the prompt" in sentence(screen)
        assert "had demo written it" in str(screen.body.detail.border_title)
        await pilot.press("a", "end", "up", "enter")
        assert len(screen.answers) == before and not screen.streams
        assert "e edits it" in sentence(screen)
        await pilot.press("t", "up")
        assert "1 answer" in str(screen.body.query_one("#strip-pane").border_title)


async def test_the_answer_beside_that_is_chosen_changes_places_and_goes_when_the_other_is_cut():
    app = console()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await answered(pilot, screen)
        one = screen.shown
        screen.compare_models("demo", screen.current().sampling.override(temperature=1.5))
        await until(pilot, lambda: screen.beside is not None and quiet(screen))
        other = screen.beside
        screen.show_branch(other)
        assert (screen.shown, screen.beside) == (other, one)
        screen.action_cut()
        assert (screen.shown, screen.beside) == (one, None)
        assert not screen.body.query_one("#other-pane").display


async def test_escape_before_the_rivals_turn_stops_both():
    app = console(SHORT.override(max_new_tokens=5000))
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await until(pilot, lambda: screen.current() is not None and len(ids(screen)) > 3)
        screen.rival = Rival("demo", SHORT)
        screen.rival_too()
        await pilot.press("escape")
        await until(pilot, lambda: quiet(screen))
        assert screen.beside is None and len(screen.answers) == 2, "the prompt and the one answer that was stopped"


async def test_a_rival_answers_the_prompt_of_the_shown_answer_and_none_that_cannot_be_read():
    app = console()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await answered(pilot, screen)
        root = screen.answers.root_of(screen.shown).id
        screen.body.prompt.show("☃ nobody has sent this yet")
        screen.compare_models("demo", screen.current().sampling)
        await until(pilot, lambda: screen.beside is not None and quiet(screen))
        assert screen.answers.root_of(screen.beside).id == root and ids(screen, screen.beside) == ids(screen)
        count = len(screen.answers)
        screen.workbench.set(a="gone@5")
        screen.action_generate()
        screen.rival_too()
        assert screen._turns and screen.streams
        await until(pilot, lambda: screen.query(ErrorCard) and quiet(screen))
        assert len(screen.answers) == count, "the rival does not answer where the first could not"


def test_a_prompt_in_one_piece_leaves_every_step_in_its_place():
    """As a tree from another tokenizer is shown before its model is open."""
    line = Line((5, 6, 7), (b"abc",), (step(0, b" x", 0.25), step(1, b" y", 0.5)))
    assert line.step(0) is None and line.step(1) is line.steps[0] and line.step(3) is None
    values = values_of(line, "probability", 100)
    assert len(values) == len(line.pieces) and math.isnan(values[0]) and math.isclose(values[2], 0.5)


async def test_a_scored_text_is_scored_anew_by_another_model_and_left_by_what_acts_on_answers():
    app = console()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await answered(pilot, screen)
        await pilot.press("v")
        await until(pilot, lambda: screen.scored and quiet(screen))
        text, before = screen.scored_text, [t.logprob for t in screen.scored]
        await pilot.press("less_than_sign")
        await until(pilot, lambda: screen.scored_by == screen.workbench.a != "demo" and screen.scored and quiet(screen))
        assert screen.scored_text == text == screen.prompt_text and [t.logprob for t in screen.scored] != before
        assert screen.workbench.a in str(screen.body.query_one("#strip-pane").border_title)
        count = len(screen.answers)
        await pilot.press("b")
        assert not screen.scoring_shown and len(screen.answers) == count and screen.prompt_text == "The for"
        await pilot.press("v")
        await until(pilot, lambda: screen.scored and quiet(screen))
        await pilot.press("n")
        await until(pilot, lambda: len(screen.answers) == count + 1 and quiet(screen))
        assert not screen.scoring_shown and screen.current().model == screen.workbench.a
        assert screen.body.strip.length == given(screen) + len(ids(screen))


def byte_model(folder):
    """A small model in Hugging Face's layout that reads and writes bytes."""
    tokenizer, random = get_tokenizer("byte"), np.random.default_rng(0)
    config = GPTConfig(tokenizer.vocab_size, 64, 16, 2, 2)
    folder.mkdir()
    found = {}
    for name in tensor_names(config):
        values = random.normal(scale=0.1, size=name.shape).astype(np.float32)
        found[name.huggingface] = np.ascontiguousarray(values.T if name.transposed_in_openai else values)
    save_file(found, folder / "model.safetensors")
    shape = {"model_type": "gpt2", "vocab_size": config.vocab_size, "n_positions": 64, "n_embd": 16, "n_head": 2}
    (folder / "config.json").write_text(json.dumps({**shape, "n_layer": 2, "activation_function": "gelu_new"}))
    tokenizer.save(folder)
    return str(folder)


async def test_models_with_other_tokens_stand_side_by_side_aligned_by_characters(tmp_path):
    app = console(prompt="The for statement", b=byte_model(tmp_path / "bytes"))
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await answered(pilot, screen)
        await pilot.press("c", "enter")
        await until(pilot, lambda: screen.beside is not None and quiet(screen))
        assert not screen.same_tokens and screen.first_difference() is None and not screen.body.strip.marks
        assert "aligned by characters" in str(screen.body.query_one("#other-pane").border_subtitle)
        one, other = screen.lines()
        assert len(other.prompt_pieces) == len("The for statement") > len(one.prompt_pieces)
        await pilot.press("home", *["right"] * (given(screen) + 4))
        before = sum(len(step.bytes) for step in one.steps[:4])
        assert screen.body.other.cursor == len(other.prompt_pieces) + min(before, len(other.steps) - 1)
        assert "divergence" not in str(screen.body.detail.border_title)
