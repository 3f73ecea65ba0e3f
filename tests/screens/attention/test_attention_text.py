"""The text of the attention screen: typed, chosen, shared; and what can be wrong with it or with the model."""

import threading

import numpy as np
import pytest
from attention_pilots import (
    REPEATED,
    attention,
    card,
    rewrite,
    run_of_the_demo,
    same,
    sentence,
    subtitle,
    traced,
    until,
    whole,
)

import core
from screens.attention.prompt import TEXTS
from screens.attention.reader import Reader
from screens.widgets.error_card import ErrorCard

SIZE = (120, 36)


def doors(screen):
    """The keys of the card that is shown."""
    return [door.key for door in screen.query_one(ErrorCard).problem.doors]


def count_text(screen):
    """What stands at the right of the prompt."""
    return str(screen.query_one("#a-prompt-count").content)


async def test_what_is_typed_is_traced_while_one_types_and_becomes_the_shared_prompt():
    app = attention()
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        await pilot.press("e")
        await until(pilot, lambda: screen.body.prompt.editing and screen.typing)
        await pilot.press(*"a class")
        await until(pilot, lambda: screen.seen is not None and screen.seen.text == "a class" and whole(screen))
        assert app.workbench.prompt != "a class", "others hear of it when it is done"
        assert screen.typing, "the picture changes and the field keeps the keys"
        await pilot.press("enter")
        await until(pilot, lambda: not screen.body.prompt.editing)
        assert app.workbench.prompt == "a class" and screen.body.pane == "centre"
        expected = core.load_model("demo").tokenizer.encode("a class")
        assert list(screen.seen.ids) == expected and screen.place.row == len(expected) - 1


async def test_letters_type_while_the_field_is_open_and_escape_leaves_it():
    app = attention()
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        await pilot.press("e")
        await until(pilot, lambda: screen.typing)
        await pilot.press("a", "m", "d", "1")
        assert screen.body.prompt.typed == "amd1" and not screen.off and screen.measure == "entropy"
        await pilot.press("escape")
        await until(pilot, lambda: not screen.body.prompt.editing)
        await traced(pilot)
        assert screen.seen.text == "amd1"


async def test_a_late_answer_is_dropped(monkeypatch):
    held, go = threading.Event(), threading.Event()
    real = Reader.see

    def slow(self, question):
        if question.text == "slow":
            held.set()
            assert go.wait(30)
        return real(self, question)

    monkeypatch.setattr(Reader, "see", slow)
    app = attention()
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        screen.show_text("slow")
        await until(pilot, held.is_set)
        await pilot.press("right", "m")
        assert screen.measure == "previous", "keys answer while a text is traced"
        screen.show_text("quick and new")
        go.set()
        await traced(pilot)
        assert screen.seen.text == "quick and new"
        assert b"".join(screen.body.strip.pieces) == b"quick and new"


async def test_a_text_from_the_list_shows_what_it_is_for():
    app = attention()
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        await pilot.press("E")
        await until(pilot, lambda: app.screen is not screen)
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.screen is screen)
        await traced(pilot)
        assert screen.seen.text == TEXTS[1][0] == app.workbench.prompt
        assert screen.place.row == screen.seen.tokens - 1, "the cursor is on the last token of a new text"


async def test_the_prompt_is_shared_both_ways():
    app = attention()
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        app.workbench.set(prompt="An import statement")
        await traced(pilot)
        assert screen.seen.text == "An import statement" == screen.body.prompt.prompt


async def test_an_empty_text_is_a_card_with_doors_and_typing_takes_it_away():
    app = attention(prompt="")
    async with app.run_test(size=SIZE) as pilot:
        screen = app.screen
        shown = await card(pilot)
        assert "no text" in shown.problem.what and doors(screen) == ["e", "E"]
        assert screen.seen is None and not screen.body.looks.rows and screen.take_away() is None
        await pilot.press("v", "n", "a", "d", "m", "t", "s", "f", "comma", "S", "L", "B", "A", "x", "c", "y")
        assert app.screen is screen and len(screen.query(ErrorCard)) == 1, "no key asks more of nothing than it can say"
        shown.focus()
        await pilot.press("e")
        await until(pilot, lambda: screen.typing)
        await pilot.press(*"for")
        await until(pilot, lambda: screen.seen is not None and screen.seen.text == "for")
        await until(pilot, lambda: not screen.query(ErrorCard))
        assert sentence(screen) == "", "what could not be done is no longer said"


async def test_one_token_says_that_it_can_only_look_at_itself():
    app = attention("The")
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        assert screen.body.pattern.drawn.tolist() == [[1.0]]
        assert "sees itself alone" in subtitle(screen, "#a-centre")
        await pilot.press("right", "up")
        screen.say_here()
        assert "one token can only look at itself" in sentence(screen)
        assert "all heads on" in subtitle(screen, "#a-next-pane"), "there is no loss of one token"


async def test_a_text_longer_than_the_context_is_cut_at_the_front_and_says_how_much():
    app = attention("The for statement is used to iterate over the elements. " * 40)
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        loaded = core.load_model("demo")
        ids = loaded.tokenizer.encode(screen.text)
        assert len(ids) > 256 and list(screen.seen.ids) == ids[-256:]
        assert f"{len(ids)} tokens, context 256: the first {len(ids) - 256} are cut" in count_text(screen)
        pattern = core.trace(loaded.model, ids[-256:]).pattern(screen.place.layer, screen.place.head)
        assert same(screen.body.pattern.drawn, pattern.numpy())


async def test_a_model_that_is_not_here_is_a_card_and_the_demo_helps():
    app = attention(a="gone@5")
    async with app.run_test(size=SIZE) as pilot:
        screen = app.screen
        shown = await card(pilot)
        assert "gone" in shown.problem.what and doors(screen)[0] == "w" and "u" in doors(screen)
        await pilot.press("u")
        await traced(pilot)
        assert screen.seen.spec == "demo" and not screen.query(ErrorCard)


async def test_a_published_model_that_is_not_here_can_be_fetched():
    app = attention(a="gpt2")
    async with app.run_test(size=SIZE) as pilot:
        shown = await card(pilot)
        assert shown.problem.doors[0].key == "d" and "download" in shown.problem.doors[0].action


async def test_a_pinned_tokenizer_that_is_not_the_models_is_refused_with_a_way_out():
    app = attention()
    app.workbench.set(tokenizer="bytes")
    async with app.run_test(size=SIZE) as pilot:
        screen = app.screen
        shown = await card(pilot)
        assert "bytes is pinned" in shown.problem.what and doors(screen)[0] == "d"
        shown.focus()
        await pilot.press("d")
        await traced(pilot)
        assert app.workbench.tokenizer is None and screen.seen is not None


async def test_not_a_number_in_the_weights_is_shown_as_such():
    run = run_of_the_demo()

    def spoil(tensors):
        tensors["h.2.attn.c_attn.weight"][:] = np.nan

    rewrite(next((run / "snapshots").glob("*4200*")), spoil)
    app = attention(REPEATED, a="mine@4200")
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        assert not screen.query(ErrorCard)
        assert "8 heads without a number" in subtitle(screen, "#a-grid-pane")
        screen.moved(screen.place.at(layer=2, head=1))
        await pilot.pause()
        assert np.isnan(screen.body.pattern.drawn).any() and "not a number" in sentence(screen)
        lines = ["".join(s.text for s in screen.body.pattern.map.render_line(y)) for y in range(12)]
        assert any("×" in line or "nan" in line for line in lines)
        assert not screen.next.rows and "not a number" in str(screen.body.next._row_of(0))
        for view in ("lens", "maths", "pattern"):
            screen.show_view(view)
            await until(pilot, lambda: all(w.is_finished for w in app.workers))
        await pilot.press("a", "n", "d", "t", "s", "f")
        await until(pilot, lambda: all(w.is_finished for w in app.workers))
        assert not screen.query(ErrorCard)
        screen.moved(screen.place.at(layer=0, head=0))
        assert np.isfinite(screen.body.pattern.drawn).all() or screen.body.pattern.how


@pytest.mark.parametrize("newer", [True, False], ids=["a newer step", "other weights"])
async def test_a_run_that_writes_while_it_is_looked_at_is_traced_anew(newer):
    run = run_of_the_demo()
    last = next((run / "snapshots").glob("*4200*"))
    app = attention(a="mine")
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        before, seen = screen.body.pattern.drawn.copy(), screen.seen
        if newer:
            target = last.with_name("step-009999.safetensors")
            target.write_bytes(last.read_bytes())
            rewrite(target, lambda tensors: tensors["wpe.weight"].__imul__(0))
        else:
            rewrite(last, lambda tensors: tensors["wpe.weight"].__imul__(0))
        screen._beat()
        await until(pilot, lambda: screen.seen is not seen)
        await traced(pilot)
        assert "other weights now" in sentence(screen) and not screen.query(ErrorCard)
        assert not same(screen.body.pattern.drawn, before)
        assert screen.body.pattern.map.scale == (0.0, 1.0)


async def test_weights_changed_in_memory_are_refused_in_words_and_read_again():
    app = attention()
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        import torch

        with torch.no_grad():
            weight = next(screen.seen.loaded.model.parameters())
            weight.copy_(weight * 1.0)
        screen._layers.clear()
        screen._asked.clear()
        screen.paint_place()
        shown = await card(pilot)
        assert "weights have changed" in shown.problem.what and "r" in doors(screen)
        shown.focus()
        await pilot.press("r")
        await traced(pilot)
        assert not screen.query(ErrorCard)
