"""Odd input and odd orders of keys: nothing stands under a wrong name, nothing steers the terminal, no key is lost."""

import numpy as np
import pytest
from embed_pilots import CORNERS, asks, ready, refused, sentence, settled, until, vector_file
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style

import core
from screens.embeddings.dialogs import Plan, reason_against
from screens.embeddings.reader import How, ask, draw, map_words
from screens.embeddings.view import inputs_text
from screens.widgets.error_card import ErrorCard
from screens.widgets.ramps import Look
from screens.widgets.word_map_labels import plain, signs_of
from screens.widgets.word_map_layout import Window
from screens.widgets.word_map_paint import MapFigure, MapPainter

ODD = ("\x1b[31mred", "bell\x07", "\u202eabc", "👨‍👩‍👧", "日本語", "שלום", "[red]x[/]")


def opens(screen, path, rows):
    """Opens a file of such vectors."""
    screen.open_source(str(vector_file(path, rows)))


def painted(screen) -> str:
    """All that the screen shows, as it is sent."""
    return "".join(segment.text for strip in screen._compositor.render_strips() for segment in strip)


async def test_no_answer_stands_under_the_name_of_other_vectors(lab, tmp_path):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        # man and woman lie on one line with king: the first question comes to zero here
        opens(screen, tmp_path / "zero.txt", {"king": (1, 0), "man": (2, 0), "woman": (0, 0), "boy": (0, 1)})
        await until(pilot, lambda: screen.spec.endswith("zero.txt") and settled(screen))
        assert screen.asked.text == "king" and screen.words == ("king", "man", "boy")
        assert {n.word for n in screen.asked.near} == {"man", "boy"} and screen.summed is None
        assert set(screen.drawn.words) == {"king", "man", "boy"}
        screen.scope = "first 300"  # a row of zeros has no place on a map
        screen.draw_now()
        await until(pilot, lambda: settled(screen) and screen.drawn.scope == "first 300")
        assert "woman" not in screen.drawn.projection.words
        # all words have directions, but the sum has none
        screen.scope = "set"
        await asks(pilot, "king - boy")
        opens(screen, tmp_path / "same.txt", {"king": (1, 0), "boy": (1, 0), "man": (0, 1)})
        await until(pilot, lambda: screen.spec.endswith("same.txt") and screen.query(ErrorCard))
        assert screen.asked is None and screen.summed is None and not screen.body.answers.scores
        assert not screen.body.near.scores and "king" not in str(screen.body.frame_of("analogy").border_title)
        await until(pilot, lambda: screen.drawn is not None and set(screen.drawn.words) == {"king", "boy", "man"})
        assert screen.take_away() is None
        opens(screen, tmp_path / "none.txt", {"king": (0, 0), "boy": (0, 0)})
        await until(pilot, lambda: screen.spec.endswith("none.txt") and screen.drawn and screen.drawn.words == ())
        assert "no word of these vectors has a direction" in sentence(screen) and screen.drawn.projection is None
        opens(screen, tmp_path / "one.txt", {"king": (1.0,), "boy": (-1.0,), "man": (2.0,)})
        await until(pilot, lambda: screen.spec.endswith("one.txt") and settled(screen))
        assert not screen.query(ErrorCard) and "one number a word" in screen.body.map.empty_text
        assert np.array_equal(screen.drawn.matrix, screen.vectors.matrix(screen.drawn.words))
        opens(screen, tmp_path / "alone.txt", {"king": (1, 0)})
        await until(pilot, lambda: screen.spec.endswith("alone.txt") and settled(screen))
        assert sentence(screen) == "king: no other word has a direction"
        assert "1 word × 2" in str(screen.query_one("#e-source").render())


async def test_words_of_a_file_cannot_steer_the_terminal(lab, tmp_path):
    rng = np.random.default_rng(0)
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        opens(screen, tmp_path / "odd.txt", {word: rng.normal(size=3).tolist() for word in ("king", *ODD)})
        await until(pilot, lambda: screen.spec.endswith("odd.txt") and settled(screen))
        screen.show_scope("first 300")
        await until(pilot, lambda: screen.drawn.scope == "first 300" and settled(screen))
        red, *others = screen.vectors.words[1:]  # core writes control characters out, but not what turns a line
        screen.take_word(red)
        await until(pilot, lambda: screen.asked.word == red and settled(screen))
        screen.add_words([red, *others])
        await until(pilot, lambda: len(screen.drawn.words) == len(ODD) + 1 and settled(screen))
        await refused(pilot, f'"{ODD[0]}"')
        await pilot.pause()
        shown = painted(screen)
        assert "[31mred" in shown and "�abc" in shown and not set(shown) & set("\x1b\x07\u202e")
        await pilot.press("escape")
        await pilot.press("e", "home")
        assert "\x1b" not in painted(screen)
        await pilot.press("escape")
        screen.show_view("matrix")
        assert screen.take_away().command
        opens(screen, tmp_path / "dashes.txt", {"king": (1, 0), "--json": (0, 1), "man": (1, 1)})
        await until(pilot, lambda: screen.spec.endswith("dashes.txt") and settled(screen))
        screen.add_words(["--json"])
        await until(pilot, lambda: "--json" in screen.drawn.words and settled(screen))
        assert not screen.take_away().command and "--json" in screen.take_away().python  # it would be an option


@given(st.text(max_size=40))
def test_a_word_is_written_in_as_many_cells_as_it_takes(word):
    shown = plain(word)
    assert len(shown) == len(word) and not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in shown)
    signs = list(signs_of(shown))
    assert "".join(sign for sign, _ in signs) == shown
    figure = MapFigure(np.array([[0.5, 0.5]]), (word,))
    painter = MapPainter(figure, Window(0, 1, 0, 1), (30, 3), 0, Look(), Style(), focus=True)
    assert all(strip.cell_length == 30 == sum(cell_len(s.text) for s in strip) for strip in painter.strips)


def test_what_3cosmul_solves_is_ranked_by_it():
    vectors = core.load_vectors("demo")
    asked = ask(vectors, "2*king - man", How(cosmul=True))
    assert not asked.by_product and asked.found == asked.answer.neighbours  # it knows whole words only
    for text in ("king - man + woman", "paris - france + king", "walked - walk + swim"):
        asked = ask(vectors, text, How(cosmul=True))
        plus, minus = asked.expression.positive, asked.expression.negative
        among = vectors.analogy(plus, minus, 60, method="cosmul", exclude_inputs=False)
        assert asked.rank_with_inputs == next(n.rank for n in among if n.word == asked.found[0].word)
        first = next(n for n in among if n.word in (*plus, *minus))
        assert f"with them: {first.word} {first.value:.3f} #{first.rank}" in inputs_text(asked)


def test_components_that_the_words_no_longer_have_give_way():
    vectors = core.load_vectors("demo")
    assert draw(vectors, ("king",), ("king", "man", "boy"), (2, 3)).axes == (0, 1)
    assert draw(vectors, ("king",), ("king", "man", "boy", "cat"), (2, 3)).axes == (2, 3)
    assert map_words(vectors, "first 300", (), None) == list(vectors.words[:300])


async def test_keys_find_their_pane_from_everywhere(lab):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        body = screen.body
        await pilot.press("P")
        await until(pilot, lambda: screen.places.cosines is not None)
        await asks(pilot, "paris")  # the answer is not on this page
        assert body.page == "words" and body.near.has_focus and screen.asked.word == "paris"
        for key in ("e", "f"):
            await pilot.press("z", key)
            await until(pilot, lambda: screen.maximized is None and screen.typing)
            await pilot.press("escape")
        for view, word in (("near", body.near.word), ("map", body.map.label), ("matrix", screen.drawn.words[0])):
            body.matrix.go_to(0, 0)
            screen.show_view(view)
            assert sentence(screen).endswith(f"the cursor is on {word}")
        await pilot.press("z", "slash", *"que")
        await until(pilot, lambda: body.find.has_focus and body.find.value == "que" and screen.maximized is None)
        assert body.find.region.height == 1
        await pilot.press("escape", "z")
        assert screen.maximized is not None
        screen.ask_now("qwzx")
        await until(pilot, lambda: screen.query(ErrorCard))
        await until(pilot, lambda: screen.query_one(ErrorCard).region.height > 2 and screen.maximized is None)
        assert body.box.value == "qwzx"
        await pilot.press("escape")
        await until(pilot, lambda: not screen.query(ErrorCard))
        assert body.box.value == "paris" and sentence(screen).startswith("nearest to paris")
        await asks(pilot, "king - man + woman")
        whole = body.plane.window
        body.plane.focus()
        await pilot.press("plus")
        assert body.plane.window != whole
        await pilot.press("escape")
        assert body.plane.window == whole
        screen.how = How(unit=False)
        await asks(pilot, "king - man + boy")
        assert not screen.take_away().command and "unit=False" in screen.take_away().python  # it has no such option


async def test_what_cannot_be_shown_leaves_the_name_of_what_is(lab, tmp_path):
    corners = vector_file(tmp_path / "corners.txt", CORNERS)
    strange = vector_file(tmp_path / "strange.txt", {"zwei": (1.0, 0.0), "drei": (0.0, 1.0)})
    app = lab()
    async with app.run_test(size=(100, 30)) as pilot:
        screen = app.screen
        await ready(pilot)
        await pilot.press("P")
        places = screen.places
        await until(pilot, lambda: places.cosines is not None)
        screen.show_positions("gpt2:wpe")
        await until(pilot, lambda: screen.query(ErrorCard))
        assert places.spec == "demo:wpe" and "demo:wpe · cosine" in str(places.map.border_title)
        assert "demo:wpe" in screen.take_away().python
        screen.workbench.set(a="demo@700")
        await until(pilot, lambda: places.shown == "demo@700:wpe")
        spaces = screen.spaces
        screen.compare_with(str(corners))
        await until(pilot, lambda: spaces.found is not None)
        found = spaces.found
        screen.compare_with(str(strange))
        await until(pilot, lambda: spaces.specs[1] == str(corners) and screen.query(ErrorCard))
        request = screen.take_away()
        assert spaces.found is found and repr(str(corners)) in request.python and request.data["b"] == str(corners)


async def test_vectors_that_lie_in_no_file_are_not_opened_by_their_name(lab, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    questions = tmp_path / "questions.txt"
    questions.write_text(": royal\nking man queen woman\n")
    (tmp_path / "text.txt").write_text("the king rules . the queen rules . a man and a woman sleep . " * 40)
    app = lab()
    async with app.run_test(size=(100, 30)) as pilot:
        screen = app.screen
        await ready(pilot)
        screen.learn(Plan(str(tmp_path / "text.txt"), epochs=1, vector_size=4))
        await until(pilot, lambda: screen.trainer.learning.state == "done")
        screen.use_learnt()
        await until(pilot, lambda: screen.vectors.width == 4 and settled(screen))
        screen.score(str(questions))
        await until(pilot, lambda: screen.scorer.state == "done")
        request = screen.take_away()
        assert "train_steps" in request.python and "load_vectors" not in request.python and not request.command
        screen.show_page("train")
        await pilot.press("W")
        await until(pilot, lambda: screen.trainer.learning.saved is not None)
        screen.show_page("evaluate")
        assert repr(str(screen.trainer.learning.saved)) in screen.take_away().python


@pytest.mark.parametrize(
    "path", ["~nobody-of-that-name/x", "a" * 300, "/dev/full/x", "\x00"], ids=["home", "long", "no folder", "nul"]
)
def test_no_path_is_more_than_a_line(path):
    reason = reason_against(path)
    assert reason and len(reason) < 130
