"""The page of words: sums, neighbours, matrix, map, their one cursor, the set, and what cannot be asked."""

import csv
import io
import json
import shlex

import numpy as np
import pytest
from embed_pilots import CORNERS, asks, ready, refused, sentence, until, vector_file

import core
from lab.__main__ import main
from screens.embeddings.keys import sum_of_slots
from screens.embeddings.query_box import last_word
from screens.embeddings.reader import with_words
from screens.widgets.choose import Choose
from screens.widgets.error_card import ErrorCard
from screens.widgets.take_away import csv_text


async def test_lists_and_matrix_say_what_core_says(lab):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot, "demo")
        assert screen.body.answers.scores[0].word == "queen"
        assert "queen" in sentence(screen) and f"rank {screen.asked.rank_with_inputs} with them" in sentence(screen)
        shown = str(screen.query_one("#e-source").render())
        assert "synthetic" in shown and "d real ones" in shown  # true and offline
        said = str(screen.query_one("#e-inputs").render())
        assert "inputs left out; with them: king" in said and f"queen #{screen.asked.rank_with_inputs}" in said
        matrix = screen.body.matrix.values
        assert np.array_equal(matrix, matrix.T) and (np.diag(matrix) == 1).all()
        screen.show_view("matrix")
        request, set_of_words = screen.take_away(), screen.words
        vectors = core.load_vectors("demo")
        answer = vectors.evaluate("king - man + woman", 40)
        assert [(s.word, s.value) for s in screen.body.answers.scores] == [(n.word, n.value) for n in answer.neighbours]
        near = vectors.neighbours("king", 40)
        assert [(s.word, s.value) for s in screen.body.near.scores] == [(n.word, n.value) for n in near]
        await pilot.press("m")
        await until(pilot, lambda: screen.asked.how.measure == "dot")
        near = vectors.neighbours("king", 40, measure="dot")
        assert [(s.word, s.value) for s in screen.body.near.scores] == [(n.word, n.value) for n in near]
        await pilot.press("i")
        await until(pilot, lambda: not screen.asked.how.exclude_inputs)
        kept = vectors.evaluate("king - man + woman", 40, exclude_inputs=False)
        assert [s.word for s in screen.body.answers.scores] == [n.word for n in kept.neighbours]
        assert screen.body.answers.scores[1].marked and "left in" in str(screen.query_one("#e-inputs").render())
    header, *rows = list(csv.reader(io.StringIO(csv_text(*request.table))))
    assert header[1:] == [row[0] for row in rows] == list(set_of_words)
    read = np.array([[float(x) for x in row[1:]] for row in rows])
    assert np.array_equal(read, vectors.matrix(header[1:]))  # every digit


async def test_the_sum_is_drawn_as_the_parallelogram_that_it_is(lab, tmp_path):
    path = vector_file(tmp_path / "corners.txt", CORNERS)
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        screen.open_source(str(path))
        await ready(pilot, str(path))
        figure = screen.body.plane.figure
        at = dict(zip(figure.labels, figure.xy, strict=True))
        assert figure.labels[:4] == ["king", "man", "woman", "= sum"] and figure.labels[4] == "queen"
        assert at["king"] - at["man"] == pytest.approx(at["= sum"] - at["woman"])
        assert len(figure.edges) == 4 and screen.asked.plane.share > 0.5


async def test_the_share_in_the_title_is_that_of_the_command(lab, capsys):
    app = lab()
    seen = []
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        screen.show_view("map")
        for names in (("component 1", "component 2"), ("component 3", "component 4")):
            await until(pilot, lambda names=names: screen.drawn.projection.names == names)
            seen.append((screen.take_away().command, str(screen.body.frame_of("map").border_title)))
            await pilot.press("p")
    assert "axes 1–2" in seen[0][1] and "axes 3–4" in seen[1][1]
    for command, title in seen:
        capsys.readouterr()
        assert main(shlex.split(command)[1:]) == 0
        said = json.loads(capsys.readouterr().out)
        assert f"keep {100 * sum(said['share']):.0f} % of the spread" in title


async def test_lists_map_and_matrix_have_one_cursor(lab):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        body = screen.body
        screen.show_view("map")
        assert body.map.go_to_word("woman", tell=True)
        await until(pilot, lambda: body.near.word == "woman")
        assert body.matrix.place[0] // 2 == screen.words.index("woman") // 2
        await until(pilot, lambda: "king ↔ woman · cosine" in sentence(screen) and "lengths" in sentence(screen))
        found = core.load_vectors("demo").compare("king", "woman")
        assert f"cosine {found.cosine:.3f} · rank {found.ranks[0]} of" in sentence(screen)
        screen.show_view("near")
        await pilot.press("home", "down")
        assert screen.word == body.near.word == body.near.scores[1].word
        assert body.near.go_to_word("queen")
        await until(pilot, lambda: body.map.label == "queen" and body.answers.word == "queen")
        screen.show_view("matrix")
        await pilot.press("home", "down", "down", "down")
        await until(pilot, lambda: body.map.label == screen.drawn.words[body.matrix.place[0]])


async def test_a_word_that_is_taken_becomes_the_query_and_the_sum_stays(lab):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        first = screen.body.near.word
        await pilot.press("enter")
        await until(pilot, lambda: screen.asked.text == first)
        assert screen.body.near.scores[0].word == core.load_vectors("demo").neighbours(first, 1)[0].word
        assert "king − man + woman" in str(screen.body.frame_of("analogy").border_title)
        await pilot.press("comma")
        await until(pilot, lambda: screen.asked.text == "king - man + woman")
        await pilot.press("full_stop")
        await until(pilot, lambda: screen.asked.text == first)
        screen.show_view("map")
        screen.body.map.go_to_word("paris")
        await pilot.press("enter")
        await until(pilot, lambda: screen.asked.text == "paris")
        screen.show_view("matrix")
        screen.body.matrix.go_to(0, 0)
        await pilot.press("enter", "enter")
        await until(pilot, lambda: screen.asked.text == screen.drawn.words[screen.body.matrix.place[0]])


async def test_history_and_completion_in_the_field(lab):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        await asks(pilot, "paris : france :: tokyo")
        assert screen.body.answers.scores[0].word == "japan"
        await pilot.press("e", "up")
        assert screen.body.box.value == "king - man + woman"
        await pilot.press("down")
        assert screen.body.box.value == "paris : france :: tokyo"
        screen.body.box.value = ""
        await pilot.press(*"king + queen - prin")
        await until(pilot, lambda: screen.body.box._suggestion)
        assert "princess" in sentence(screen)
        await pilot.press("right")
        assert screen.body.box.value in ("king + queen - prince", "king + queen - princess")
        await pilot.press("escape")
        assert screen.body.box.value == "paris : france :: tokyo" and not screen.typing


async def test_what_is_typed_takes_the_place_of_the_old_query_and_an_arrow_keeps_it(lab):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        box = screen.body.box
        await pilot.press("e")
        assert box.selected_text == box.value == "king - man + woman"
        await pilot.press(*"paris", "enter")
        await until(pilot, lambda: screen.asked.text == "paris")
        await pilot.press("e", "right", *" + king")
        assert box.value == "paris + king"
        await pilot.press("escape")
        assert box.value == "paris"


async def test_a_completion_that_nobody_took_is_not_asked(lab):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        longer = next(word for word in screen.vectors.words if len(word) > 4 and word[:-1] in screen.vectors)
        begun = longer[:-1]
        await pilot.press("f", *begun)
        first = screen.body.slots[0]
        await until(pilot, lambda: first._suggestion)
        assert first.value == begun and first._suggestion.startswith(begun) and first._suggestion != begun
        await pilot.press("enter")
        await until(pilot, lambda: begun in screen.asked.text.split())
        assert screen.asked.text == f"king - {begun} + woman"


async def test_four_places_of_which_any_may_be_empty(lab):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        await pilot.press("f")
        assert [box.value for box in screen.body.slots] == ["man", "king", "woman", ""]
        for empty, expected in (("d", "queen"), ("c", "woman"), ("b", "king"), ("a", "man")):
            await pilot.press("f")
            words = dict(zip("abcd", ("man", "king", "woman", "queen"), strict=True)) | {empty: ""}
            for box, word in zip(screen.body.slots, words.values(), strict=True):
                box.value = word
            await pilot.press("enter")
            text, _ = sum_of_slots(words)
            await until(pilot, lambda text=text: screen.asked.text == text)
            assert expected in [s.word for s in screen.body.answers.scores[:2]]
        await pilot.press("f")
        screen.body.slots[3].value = screen.body.slots[0].value = ""
        await pilot.press("enter")
        assert "fill three of the four" in sentence(screen)
        await pilot.press("escape")
        assert not screen.typing


async def test_an_unknown_word_is_a_card_with_spellings_to_pick(lab):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        card = await refused(pilot, "kimg - man + woman")
        assert "'kimg' is not among" in card.problem.what and "king" in [d.label for d in card.problem.doors]
        assert card.has_focus and screen.asked.text == "king - man + woman"  # what was there stays
        door = next(d for d in card.problem.doors if d.label == "king")
        await pilot.press(door.key)
        await until(pilot, lambda: not screen.query(ErrorCard) and screen.body.box.value == "king - man + woman")
        card = await refused(pilot, "qwzx")
        assert "'qwzx' is not among" in card.problem.what and screen.body.near.scores
        await pilot.press("escape")
        await until(pilot, lambda: not screen.query(ErrorCard))


async def test_what_cannot_be_read_shows_the_place(lab):
    app = lab()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = app.screen
        await ready(pilot)
        for text, at, said in (
            ("king - (man", 7, "not closed"),
            ("king - ", 6, "a word was expected"),
            ("king * man", 7, "not by a word"),
            ("king - king", 0, "zero"),
        ):
            card = await refused(pilot, text)
            await until(pilot, lambda card=card, said=said: said in card.problem.what)
            title = card.problem.what
            if "^" in title:
                *_, line, caret = title.splitlines()
                assert caret.index("^") - line.index(text.strip()[0]) == min(at, len(text))
                await until(pilot, lambda: screen.body.box.has_focus)
                assert screen.body.box.cursor_position == min(at, len(text.strip()))
        await asks(pilot, "queen")
        assert not screen.query(ErrorCard)


async def test_words_come_to_the_set_and_leave_it(lab):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        count = len(screen.words)
        added = next(s.word for s in screen.body.near.scores if s.word not in screen.words)
        assert screen.body.near.go_to_word(added)
        await until(pilot, lambda: screen.word == added)
        await pilot.press("a")
        await until(pilot, lambda: len(screen.drawn.words) == count + 1)
        assert added in screen.words and added in screen.drawn.projection.words
        await pilot.press("x")
        await until(pilot, lambda: len(screen.drawn.words) == count)
        assert f"dropped {added}" in sentence(screen)
        screen.add_words(["Moscow", "mosco", "king"])
        assert screen.words[-1] == "moscow" and "‘mosco’ is unknown" in sentence(screen)
        await until(pilot, lambda: "‘mosco’ is unknown (moscow" in sentence(screen))
        screen.word = ""
        await pilot.press("x")
        assert "put the cursor on a word" in sentence(screen)
        screen.word = "king"
        await pilot.press("a")
        await until(pilot, lambda: app.screen is not screen)
        await pilot.press(*"oslo", "enter")
        await until(pilot, lambda: app.screen is screen and "oslo" in screen.words)
        screen.words = ()
        screen.draw_now()
        await until(pilot, lambda: screen.drawn.words == ())
        assert "a adds" in screen.body.matrix.empty_text and screen.drawn.projection is not None  # the query's words


async def test_thousands_of_words_are_dots_and_found_by_name(lab):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        await pilot.press("S")
        await until(pilot, lambda: isinstance(app.screen, Choose))
        await pilot.press("down", "down", "down", "enter")
        await until(pilot, lambda: screen.drawn.scope == "first 1000")
        assert screen.body.map.figure.dotted and "1,000" in screen.body.map.note()
        await pilot.press("slash", *"moscow")
        await until(pilot, lambda: screen.body.map.label == "moscow" and screen.word == "moscow")
        await pilot.press("escape")
        assert screen.body.map.has_focus and "moscow" in [
            screen.body.map.figure.labels[i] for i in screen.body.map.labelled
        ]
        await pilot.press("slash", *"zzzz")
        await until(pilot, lambda: "no word on the map has ‘zzzz’" in sentence(screen))
        await pilot.press("escape", "plus", "plus")
        window = screen.body.map.window
        await pilot.press("shift+left")
        assert screen.body.map.window != window
        await pilot.press("escape")
        assert "0 shows all" not in screen.body.map.note()
        screen.show_scope("near 100")
        await until(pilot, lambda: screen.drawn.scope == "near 100")
        assert 100 <= len(screen.drawn.projection.words) <= 104


async def test_tsne_is_a_job_that_ends_or_is_given_up(lab):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        await pilot.press("t")
        assert app.jobs.running and app.jobs.running[0].name.startswith("t-SNE")
        await pilot.press("t")
        await until(pilot, lambda: screen._tsne is None)
        assert app.jobs.jobs[0].state == "cancelled" and screen.drawn.projection.method == "pca"
        await pilot.press("t")
        await until(pilot, lambda: screen.drawn.projection.method == "tsne")
        assert "t-SNE" in str(screen.body.frame_of("map").border_title)
        await until(pilot, lambda: app.jobs.jobs[1].state == "finished")
        screen.show_view("map")
        assert "--method tsne" in screen.take_away().command
        await pilot.press("t")
        await until(pilot, lambda: screen.drawn.projection.method == "pca")


async def test_a_map_along_two_pairs(lab):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        await pilot.press("A")
        await until(pilot, lambda: app.screen is not screen)
        app.screen.query_one("Input").value = "man woman"
        await pilot.press("enter")
        assert "four words, were expected, got 2" in str(app.screen.query_one("#reason").render())
        app.screen.query_one("Input").value = "man woman, france paris"
        await pilot.press("enter")
        await until(pilot, lambda: screen.drawn.projection.method == "axes")
        assert "man to woman by france to paris" in str(screen.body.frame_of("map").border_title)
        place = dict(zip(screen.drawn.projection.words, screen.drawn.projection.xy, strict=True))
        assert place["queen"][0] > place["king"][0]
        screen.draw_along((("man", "qqqq"), ("france", "paris")))
        await until(pilot, lambda: screen.query(ErrorCard))
        assert "'qqqq'" in screen.query_one(ErrorCard).problem.what


async def test_all_views_are_reached_by_keys_at_any_size(lab):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        for size in ((80, 24), (100, 26), (70, 20), (60, 16)):
            await pilot.resize_terminal(*size)
            await until(pilot, lambda size=size: screen.size == size)
            seen = []
            for _ in range(4):
                view = screen.body.view
                widget = screen.body.focus_of(view)
                await until(pilot, lambda w=widget: w.region.height >= 3 and w.region.width >= 20)
                seen.append(view)
                await pilot.press("tab")
            assert seen == ["near", "analogy", "map", "matrix"] and screen.body.view == "near"
            await until(pilot, lambda: "1/4" in str(screen.body.near.border_title))


async def test_the_mouse_does_what_keys_do(lab):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        await pilot.click("#e-near", offset=(4, 2))
        assert screen.body.near.cursor == 1 and screen.word == screen.body.near.word
        labelled = sorted(screen.body.map.labelled)
        painter = screen.body.map._painted()
        index = next(i for i in labelled if i != screen.body.map.cursor)
        label = painter.placed[index]
        await pilot.click("#e-map", offset=(label.column + 1, label.row), times=2)
        await until(pilot, lambda: screen.asked.text == screen.body.map.figure.labels[index])
        await pilot.click("#e-source", offset=(2, 0))
        await until(pilot, lambda: isinstance(app.screen, Choose))


async def test_a_late_answer_is_thrown_away(lab):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        from screens.embeddings.messages import Answered, Loaded, Pictured
        from screens.embeddings.reader import How, ask

        late = ask(screen.vectors, "cat", How())
        before = screen.answers
        screen.post_message(Answered(screen._ask_number - 1, "cat", late))
        screen.post_message(Pictured(screen._draw_number - 1, screen.drawn))
        screen.post_message(Loaded(screen.loads - 1, "x", None))
        await pilot.pause()
        await pilot.pause()
        assert screen.answers == before and screen.asked.text == "king - man + woman"


def test_the_word_that_is_typed_and_words_in_place_of_another():
    assert last_word('king - "new yo') == ("yo", 12)
    vectors = core.load_vectors("demo")
    assert with_words("2*king - xx", "xx", ("man", "boy"), vectors) == "2*king - 0.5*man - 0.5*boy"
