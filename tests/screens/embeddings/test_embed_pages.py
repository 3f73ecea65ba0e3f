"""The other pages (two spaces, positions, training, scores), what leaves the screen, its lesson, its palette."""

import io
import json
import shlex
from contextlib import redirect_stdout

import numpy as np
from embed_pilots import CORNERS, ready, sentence, until, vector_file

import core
from core.shelf import kept_steps
from core.training.runs import open_run
from core.vectors.comparison import compare_spaces
from core.vectors.evaluation import evaluate_analogies, evaluate_pairs
from lab.__main__ import main
from lab.palette import entries
from lab.palette_search import score
from screens.embeddings.dialogs import Plan, PlanVectors, plan_of
from screens.embeddings.offers import PAIRS
from screens.widgets.choose import Choose
from screens.widgets.error_card import ErrorCard
from screens.widgets.key_panel import key_lines
from screens.widgets.lesson import MISSING, Lesson, fill, places_of, template_of

TEXT = "the king rules the land . the queen rules the land . a cat sleeps . a dog sleeps . " * 60


def ran(python: str) -> list[str]:
    """What a snippet prints."""
    out = io.StringIO()
    with redirect_stdout(out):
        exec(compile(python, "snippet", "exec"), {})
    return out.getvalue().splitlines()


def commanded(command: str) -> object:
    """What a command prints, as JSON."""
    program, *words = shlex.split(command)
    assert program == "llm-lab"
    out = io.StringIO()
    with redirect_stdout(out):
        assert main(words) == 0
    return json.loads(out.getvalue())


# --- two spaces


async def test_the_same_words_at_two_checkpoints(lab):
    steps = kept_steps(open_run("demo"))
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        screen.open_source("demo:wte")
        await ready(pilot, "demo:wte")
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, Choose))
        assert app.screen._choices[0].value == f"demo@{steps[0]}:wte"
        await pilot.press("enter")
        pane = screen.spaces
        await until(pilot, lambda: pane.found is not None)
        a, b = core.load_vectors("demo:wte"), core.load_vectors(f"demo@{steps[0]}:wte")
        found = compare_spaces(a, b, pane.found.words)
        assert pane.found.correlation == found.correlation
        assert f"correlation {found.correlation:.3f}" in str(screen.query_one("#c-said").render())
        near = [n.word for n in b.neighbours(screen.asked.word, 20)]
        assert [s.word for s in pane.lists[1].scores] == near
        await pilot.press("full_stop")
        await until(pilot, lambda: pane.specs[1] == f"demo@{steps[1]}:wte" and pane.found is not None)
        await until(pilot, lambda: pane.lists[0].has_focus)
        await pilot.press("tab", "tab")
        await until(pilot, lambda: pane.maps[0].has_focus)
        await pilot.press("end")
        await until(pilot, lambda: "differs most with" in sentence(screen))
        assert pane.maps[1].cursor == pane.maps[0].cursor
        await pilot.press("enter")
        await until(pilot, lambda: pane.word == pane.maps[0].label)
        request = screen.take_away()
        await pilot.press("escape")
        assert screen.body.page == "words"
    assert float(ran(request.python)[0]) == request.data["correlation"]


async def test_two_spaces_without_common_words_say_so(lab, tmp_path):
    path = vector_file(tmp_path / "other.txt", {"zwei": (1.0, 0.0), "drei": (0.0, 1.0)})
    app = lab()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = app.screen
        await ready(pilot)
        screen.compare_with(str(path))
        await until(pilot, lambda: screen.query(ErrorCard))
        card = screen.query_one(ErrorCard)
        assert "two words that both have" in card.problem.what and card.problem.doors[0].key == "c"
        assert screen.take_away() is None
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, Choose))


# --- positions


async def test_positions_are_those_of_the_model(lab):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        await pilot.press("P")
        pane = screen.places
        await until(pilot, lambda: pane.cosines is not None)
        table = core.load_vectors("demo:wpe")
        cosines = table.matrix(table.words)
        assert np.array_equal(pane.cosines, cosines) and f"{len(cosines)} positions" in str(pane.map.border_title)
        await pilot.press("down", "right")
        row, column, _ = pane.map.place
        assert f"positions {row} and {column} · cosine" in sentence(screen)
        assert pane.curve.figure.lines[0].y == tuple(map(float, cosines[row]))
        request = screen.take_away()
        screen.show_positions("gpt2:wpe")
        await until(pilot, lambda: screen.query(ErrorCard))
        assert "gpt2" in screen.query_one(ErrorCard).problem.what
    shape, _, values = ran(request.python)[0].partition(") ")
    assert shape == f"({len(cosines)}, {len(cosines)}" and json.loads(values) == cosines[row].tolist()


# --- training


async def test_word_vectors_form_before_ones_eyes_and_can_be_asked(lab, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text(TEXT, encoding="utf-8")
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        await pilot.press("b")
        await until(pilot, lambda: isinstance(app.screen, PlanVectors))
        dialog = app.screen
        dialog.query_one("#plan-corpus").value = str(tmp_path / "text.txt")
        dialog.query_one("#plan-epochs").value = "none"
        await pilot.press("enter")
        assert "epochs: a whole number was expected" in str(dialog.query_one("#reason").render())
        dialog.query_one("#plan-epochs").value = "4"
        dialog.query_one("#plan-vector-size").value = "8"
        dialog.query_one("#plan-probes").value = "king, qwzx"
        await pilot.press("enter")
        pane = screen.trainer
        await until(pilot, lambda: pane.learning is not None and pane.learning.state == "done")
        await until(pilot, lambda: "enter asks these vectors" in sentence(screen))
        assert [event.epoch for event in pane.learning.epochs] == [1, 2, 3, 4]
        assert pane._probe_row(0).plain.startswith("king") and "not in the vocabulary" in pane._probe_row(1).plain
        assert pane._epoch_row(3).plain.split()[1] == pane.learning.epochs[3].probes[0][1][0][0]
        assert pane.curve.figure.lines[0].y == tuple(event.loss for event in pane.learning.epochs)
        request = screen.take_away()
        await pilot.press("W")
        await until(pilot, lambda: pane.learning.saved is not None)
        await pilot.press("enter")
        await until(pilot, lambda: screen.vectors.width == 8 and screen.body.page == "words")
        assert "queen" in screen.vectors and not screen.vectors.synthetic
        await ready(pilot)
        screen.show_view("near")
        asked = screen.take_away()
        saved = core.load_vectors(str(pane.learning.saved))
        assert list(saved.words) == list(screen.vectors.words)
    assert ran(asked.python)[0].split()[1] == asked.data["neighbours"][0]["word"]
    said = [line.split(" ", 2) for line in ran(request.python)]
    assert [(int(e), float(loss)) for e, loss, _ in said] == [(e["epoch"], e["loss"]) for e in request.data["epochs"]]


async def test_a_training_that_is_cancelled_keeps_what_there_is(lab):
    app = lab()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = app.screen
        await ready(pilot)
        screen.learn(Plan("teaching", epochs=200, vector_size=16, probes=("king",)))
        pane = screen.trainer
        await until(pilot, lambda: pane.learning.epochs)
        await pilot.press("x")
        await until(pilot, lambda: pane.learning.state == "cancelled")
        await until(pilot, lambda: "what was learnt is kept" in sentence(screen))
        await pilot.press("enter")
        await until(pilot, lambda: screen.vectors.width == 16)
        assert screen.vectors.synthetic and "king" in screen.vectors  # a made-up text is named as one here too
        await ready(pilot)
        screen.show_view("near")
        assert "lie in no file yet" in screen.take_away().python and not screen.take_away().command
        assert "synthetic" in str(screen.query_one("#e-source").render())


async def test_a_text_that_is_not_there_is_a_card(lab):
    app = lab()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = app.screen
        await ready(pilot)
        await pilot.press("x", "W")
        screen.learn(Plan("nowhere.txt"))
        await until(pilot, lambda: screen.query(ErrorCard))
        assert "nowhere.txt" in screen.query_one(ErrorCard).problem.what
        assert screen.trainer.learning.state == "failed" and screen.trainer.vectors() is None


def test_a_plan_says_what_is_wrong_with_it():
    good = {
        "corpus": "c",
        "method": "CBOW",
        "vector_size": "8",
        "window": "2",
        "min_count": "1",
        "epochs": "3",
        "probes": "a, b",
    }
    assert plan_of(good)[0] == Plan("c", "cbow", 8, 2, 1, 3, ("a", "b"))
    for name, value, said in (
        ("corpus", "", "name a corpus"),
        ("method", "glove", "skip-gram or cbow"),
        ("window", "0", "window must be at least 1"),
        ("epochs", "²", "a whole number"),
    ):
        plan, reason = plan_of(good | {name: value})
        assert plan is None and said in reason


# --- scores


async def test_scores_are_those_of_core_section_by_section(lab, tmp_path):
    questions = tmp_path / "questions.txt"
    questions.write_text(": royal\nman king woman queen\nman woman king queen\nking man apple queen\n: none\nx y z w\n")
    path = vector_file(tmp_path / "corners.txt", CORNERS)
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        screen.open_source(str(path))
        await ready(pilot, str(path))
        await pilot.press("E")
        await until(pilot, lambda: isinstance(app.screen, Choose))
        await pilot.press("escape")
        await until(pilot, lambda: screen.scorer.sections.has_focus)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Choose))
        await pilot.press("escape")
        screen.score(str(questions))
        pane = screen.scorer
        await until(pilot, lambda: pane.state == "done")
        vectors = core.load_vectors(str(path))
        expected = {s.section: s for s in evaluate_analogies(vectors, str(questions)) if s.finished}
        assert {name: s.to_dict() for name, s in pane.scores.items()} == {n: s.to_dict() for n, s in expected.items()}
        total = expected["total"]
        assert f"{total.right} of {total.asked} right" in sentence(screen)
        assert pane._miss(0).plain.startswith("king : man :: apple : queen")
        pane.sections.cursor = 1
        await until(pilot, lambda: "none: 0 of 0 right, 1 of 1 with an unknown word" in sentence(screen))
        request = screen.take_away()
    lines = [line.split() for line in ran(request.python)]
    assert [(name, int(r), int(n)) for name, r, n, _ in lines] == [
        (s["section"], s["right"], s["asked"]) for s in request.data["sections"]
    ]


async def test_agreement_with_people_and_questions_that_are_none(lab, tmp_path):
    app = lab()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = app.screen
        await ready(pilot)
        screen.score("wordsim353")
        await until(pilot, lambda: screen.scorer.pairs is not None and screen.scorer.state == "done")
        expected = evaluate_pairs(core.load_vectors("demo"), "wordsim353")
        assert f"Spearman {expected.spearman:.3f}" in screen.scorer._row(0).plain
        request = screen.take_away()
        (tmp_path / "none.txt").write_text("hello\n")
        screen.score(str(tmp_path / "none.txt"))
        await until(pilot, lambda: screen.query(ErrorCard))
        assert screen.scorer.state == "failed"
    assert float(ran(request.python)[0].split()[0]) == expected.spearman


# --- taking away


async def test_python_and_commands_say_what_the_screen_shows(lab):
    app = lab()
    taken = {}
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        for view in ("near", "analogy", "map", "matrix"):
            screen.show_view(view)
            taken[view] = screen.take_away()
        await pilot.press("S")
        await until(pilot, lambda: isinstance(app.screen, Choose))
        at = next(i for i, c in enumerate(app.screen._choices) if c.value == "cosmul")
        await pilot.press(*["down"] * at, "enter")
        await until(pilot, lambda: screen.asked.how.cosmul)
        screen.show_view("analogy")
        taken["cosmul"] = screen.take_away()
        screen.draw_along(PAIRS)
        await until(pilot, lambda: screen.drawn.projection.method == "axes")
        taken["axes"] = screen.take_away()
    near = [line.split() for line in ran(taken["near"].python)]
    assert [(w, float(v)) for _, w, v in near] == [
        (n["word"], n["value"]) for n in taken["near"].data["neighbours"][:10]
    ]
    *rows, with_inputs = ran(taken["analogy"].python)
    assert rows[0].split()[1] == taken["analogy"].data["neighbours"][0]["word"] == "queen"
    assert taken["analogy"].data["with_inputs"][0]["word"] in with_inputs
    assert [r.split()[1] for r in ran(taken["cosmul"].python)] == [
        n["word"] for n in taken["cosmul"].data["found"][:10]
    ]
    share, *points = ran(taken["map"].python)
    assert [p.split()[0] for p in points] == [p["word"] for p in taken["map"].data["points"]]
    assert [float(x) for x in share.strip("()").split(", ")] == taken["map"].data["share"]
    assert json.loads(ran(taken["matrix"].python)[0].partition(") ")[2]) == taken["matrix"].data["cosines"][0]
    assert len(ran(taken["axes"].python)) == 1 + len(taken["axes"].data["points"])
    said = commanded(taken["analogy"].command)
    assert "queen" in json.dumps(said)
    said = commanded(taken["axes"].command)
    assert said["share"] == taken["axes"].data["share"]


async def test_pictures_for_print_are_drawn(lab, tmp_path):
    app = lab()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = app.screen
        await ready(pilot)
        for view in ("near", "analogy", "map", "matrix"):
            screen.show_view(view)
            screen.take_away().figure(tmp_path / f"{view}.png")
        screen.show_positions("demo:wpe")
        await until(pilot, lambda: screen.places.cosines is not None)
        screen.take_away().figure(tmp_path / "positions.png")
    assert len([p for p in tmp_path.glob("*.png") if p.stat().st_size > 5_000]) == 5


# --- lesson, palette, keys


ASKED = {
    "word2vec": "b", "learn": "b", "compare": "c", "other space": "c", "positions": "P", "score": "E", "evaluate": "E",
}  # fmt: skip


async def test_the_palette_finds_the_pages_by_what_they_are_for_and_a_border_has_their_keys(lab):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        for asked, key in ASKED.items():
            assert any(entry.help.startswith(f"{key}: ") for entry in entries(app) if score(asked, entry)), asked
        assert str(screen.body.near.border_subtitle) == "c compare P positions b train E scores"
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: str(screen.body.near.border_subtitle) == "other pages: c P b E")
        await until(pilot, lambda: screen.focused is screen.body.near)  # and not the field, where a key would be typed


async def test_every_place_of_the_lesson_is_filled_and_its_tries_happen(lab):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        view, template = screen.lesson(), template_of("L2")
        assert places_of(template) and places_of(template) <= view.values.keys()
        assert MISSING not in fill(template, view.values)
        vectors = core.load_vectors("demo")
        assert view.values["near_value"] == f"{vectors.similarity('king', view.values['near']):.3f}"
        await pilot.press("question_mark")
        await until(pilot, lambda: screen.query(Lesson))
        await pilot.press("question_mark")
        await screen.run_action(view.tries[0][1])
        await until(pilot, lambda: screen.asked.text.endswith("- man + woman") and screen.asked.text[:4] != "king")
        await screen.run_action(view.tries[1][1])
        await ready(pilot, "demo:wte")
        assert screen.lesson().values["kind"] == "tokens"


async def test_every_key_has_a_tooltip_an_id_and_an_entry(lab):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        ours = [b for _, b, _, _ in screen.active_bindings.values() if (b.id or "").startswith("embed.")]
        assert len(ours) >= 25 and all(b.tooltip for b in ours)
        keys = {key.partition(": ")[0] for _, key, _ in screen.commands()}
        shown = {b.key for b in ours} - {"tab", "shift+tab", "V", "r"}
        names = {"slash": "/", "comma": ",", "full_stop": "."}
        assert {names.get(key, key) for key in shown} <= keys
        assert key_lines(screen)
        commands = {title: run for title, _, run in screen.commands()}
        commands["View: similarity matrix"]()
        await until(pilot, lambda: screen.body.matrix.has_focus)
        commands["Measure: neighbours by euclid"]()
        await until(pilot, lambda: screen.asked.how.measure == "euclid")


async def test_any_key_in_any_pane_leaves_the_app_alive(lab):
    """Nonsense from a cat on the keyboard; whatever happens, no card tells of a bug."""
    app = lab()
    keys = [*"vVmipaxcPEtrSAfeWz", "tab", "shift+tab", "up", "down", "left", "right", "enter", "plus", "minus", "0"]
    keys += ["number_sign", "home", "end", "pageup", "comma", "full_stop", "slash"]
    async with app.run_test(size=(80, 24)) as pilot:
        screen = app.screen
        await ready(pilot)
        for i in range(70):
            await pilot.press(keys[(i * 7 + i // 5) % len(keys)])
            while app.screen is not screen:
                await pilot.press("escape")
                await pilot.pause()
            if screen.typing:
                await pilot.press("escape")
        cards = [card.problem.what for card in screen.query(ErrorCard)]
        assert not [what for what in cards if "something went wrong" in what]


async def test_pages_stand_at_small_sizes(lab):
    app = lab()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = app.screen
        await ready(pilot)
        for size in ((80, 24), (60, 16)):
            await pilot.resize_terminal(*size)
            for page in ("compare", "positions", "train", "evaluate"):
                screen.show_page(page)
                await until(pilot, lambda: screen.focused is not None and screen.focused.region.height >= 3)
                panes = [pane for pane in screen.query(".pane") if pane.is_on_screen]
                assert panes and max(pane.region.right for pane in panes) <= size[0], page
            await pilot.press("escape")
            assert screen.body.page == "words"
