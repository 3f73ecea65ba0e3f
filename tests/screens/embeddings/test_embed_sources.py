"""Where vectors come from: files good and bad, a model's tokens, published ones, what is asked before it is read."""

import threading

import numpy as np
import pytest
from embed_pilots import CORNERS, asks, ready, refused, sentence, until, vector_file

from core.data import pull as pulls
from core.folders import cache_dir
from core.vectors.groups import first_words, group_of
from screens.embeddings import sources
from screens.embeddings.dialogs import OpenVectors, reason_against
from screens.widgets.choose import Choose
from screens.widgets.confirm import Confirm
from screens.widgets.error_card import ErrorCard


def source(screen) -> str:
    """What the query's row says is open."""
    return str(screen.query_one("#e-source").render())


async def test_a_file_opens_by_its_path_and_keeps_the_question(lab, tmp_path):
    path = vector_file(tmp_path / "corners.vec", CORNERS)
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.screen, OpenVectors))
        app.screen.query_one("Input").value = str(tmp_path / "nowhere.bin")
        await pilot.press("enter")
        assert "there is no" in str(app.screen.query_one("#reason").render())
        app.screen.query_one("Input").value = str(path)
        await pilot.press("enter")
        await ready(pilot, str(path))
        assert screen.body.answers.scores[0].word == "queen" and "synthetic" not in source(screen)
        assert "5 words × 3" in source(screen)
        assert set(screen.words) <= set(CORNERS) and len(screen.words) >= 4
        await pilot.press("u")
        await ready(pilot, "demo")
        assert "synthetic" in source(screen)


async def test_word_vectors_and_a_model_of_one_name_are_told_apart(lab):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot, "demo")
        assert source(screen).startswith("word vectors demo · synthetic · 1,753 words × 64 · d real ones")
        app.workbench.set(a="gpt2")
        await until(pilot, lambda: "s: the model's own tokens" in source(screen))
        assert source(screen).startswith("word vectors demo · synthetic · ")
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: source(screen).startswith("word vectors demo · synthetic ▾"))
        await pilot.resize_terminal(42, 14)
        await until(pilot, lambda: source(screen).startswith("demo · synthetic ▾"))


def test_what_cannot_be_a_file_of_vectors_is_said_at_once(tmp_path):
    (tmp_path / "empty.bin").touch()
    assert "is empty" in reason_against(str(tmp_path / "empty.bin"))
    assert "is a folder" in reason_against(str(tmp_path))
    assert "type the path" in reason_against("  ")


@pytest.mark.parametrize(
    "content",
    [b"", b"\x80\x04gensim", b"9 3\nking 1 2 3\n", b"1 3\nking 1 nan 3\n", b"king 1 2\nqueen 1 x\n", b"\x00" * 50],
)
async def test_a_bad_file_is_a_card_and_what_was_open_stays(lab, tmp_path, content):
    path = tmp_path / "bad.bin"
    path.write_bytes(content)
    app = lab()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = app.screen
        await ready(pilot)
        screen.open_source(str(path))
        await until(pilot, lambda: screen.query(ErrorCard) or screen.spec == str(path))
        card = screen.query_one(ErrorCard)
        assert card.problem.why and "something went wrong" not in card.problem.what
        assert [door.key for door in card.problem.doors[:3]] == ["s", "o", "u"]
        assert screen.spec == "demo" and "demo" in source(screen) and screen.body.near.scores
        await pilot.press("u")
        await until(pilot, lambda: not screen.query(ErrorCard))


async def test_a_row_of_zeros_is_told_and_comes_to_no_set(lab, tmp_path):
    path = vector_file(tmp_path / "zero.txt", CORNERS | {"nothing": (0.0, 0.0, 0.0)})
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        screen.open_source(str(path))
        await ready(pilot, str(path))
        assert "nothing" not in [s.word for s in screen.body.near.scores]
        card = await refused(pilot, "nothing")
        assert "zeros" in card.problem.what
        await pilot.press("escape")
        screen.add_words(["nothing"])
        assert "nothing is a row of zeros" in sentence(screen) and "nothing" not in screen.words


async def test_words_of_any_script_and_with_signs_are_asked(lab, tmp_path):
    rng = np.random.default_rng(0)
    names = ["王", "女王", "well-known", "c++", "Ærø", "x" * 60, "new_york", "e\u0301te"]
    path = vector_file(tmp_path / "any.txt", {name: rng.normal(size=8) for name in names})
    app = lab()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = app.screen
        await ready(pilot)
        screen.open_source(str(path))
        await ready(pilot, str(path))
        for name in names:
            screen.take_word(name)
            await until(pilot, lambda name=name: screen.asked.word == name)
        await asks(pilot, "王 - well-known + c++")
        assert screen.asked.expression.positive == ("王", "c++")


async def test_tokens_of_a_model_and_a_word_that_is_several(lab):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        screen.action_try_tokens()
        await ready(pilot, "demo:wte")
        assert "token embeddings of demo · 384 tokens" in source(screen) and screen.asked.word in screen.vectors
        assert any(word.startswith("·") for word in screen.words)
        card = await refused(pilot, "unbelievable")
        labels = [door.label for door in card.problem.doors]
        pieces = screen.vectors.pieces("unbelievable")
        assert f"{len(pieces)} tokens" in card.problem.why and labels[0] == f"the mean of its {len(pieces)} tokens"
        assert pieces[0] in labels
        await pilot.press("m")
        await until(pilot, lambda: screen.asked.answer is not None)
        assert [t.word for t in screen.asked.expression.terms] == list(dict.fromkeys(pieces))
        assert sum(t.weight for t in screen.asked.expression.terms) == pytest.approx(1.0)
        card = await refused(pilot, "unbelievable")
        door = next(door for door in card.problem.doors if door.label == pieces[0])
        await pilot.press(door.key)
        await until(pilot, lambda: screen.asked.word == pieces[0] and screen.asked.answer is None)
        screen.body.box.focus()
        assert all(name in screen.vectors for name in screen.complete("re"))


async def test_another_checkpoint_of_the_workbench_is_followed(lab):
    from core.shelf import kept_steps
    from core.training.runs import open_run

    first = kept_steps(open_run("demo"))[0]
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        screen.open_source("demo:wte")
        await ready(pilot, "demo:wte")
        words = screen.words
        app.use(a=f"demo@{first}")
        await ready(pilot, f"demo@{first}:wte")
        assert screen.words == words


class Pull:
    """Stands for the fetching of published vectors; a test says when they have come."""

    def __init__(self, rows):
        self.rows, self.runs, self.go = rows, 0, threading.Event()

    def __call__(self, name, *, source=None, cancelled=None):
        self.runs += 1
        while not self.go.is_set():
            yield pulls.PullProgress(name, f"{name}.gz", 1, 1, 40, 100, 5.0, 9.0, "fetching")
            if cancelled.wait(0.01):
                return
        folder = cache_dir() / "vectors" / name
        folder.mkdir(parents=True, exist_ok=True)
        vector_file(folder / f"{name}.gz", self.rows)
        yield pulls.PullProgress(name, "", 1, 1, 100, 100, 5.0, 0.0, "done")


async def test_one_key_fetches_real_ones_pauses_and_opens_them(lab, monkeypatch):
    fake = Pull(CORNERS)
    monkeypatch.setattr(pulls, "pull", fake)
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        await pilot.press("d")
        await until(pilot, lambda: fake.runs == 1)
        assert "69.2 MB" in sentence(screen)
        await pilot.press("d")
        assert "paused" in sentence(screen)
        await until(pilot, lambda: not app.jobs.running)
        fake.go.set()
        await pilot.press("d")
        await ready(pilot, sources.REAL)
        assert "5 words × 3" in source(screen) and "synthetic" not in source(screen)
        await pilot.press("u")
        await ready(pilot, "demo")
        await pilot.press("d")  # it is here now
        await ready(pilot, sources.REAL)
        assert fake.runs == 2


async def test_a_fetch_that_fails_is_a_card_that_tries_again(lab, monkeypatch):
    from core.errors import DownloadError

    def broken(name, *, source=None, cancelled=None):
        raise DownloadError("the server cannot be reached", "12 MB are kept; try again")
        yield

    monkeypatch.setattr(pulls, "pull", broken)
    app = lab()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = app.screen
        await ready(pilot)
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, Choose))
        assert "· synthetic" in app.screen._choices[0].label
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: screen.query(ErrorCard))
        card = screen.query_one(ErrorCard)
        assert "cannot be reached" in card.problem.what
        assert card.problem.doors[0].action == "fetch('glove-wiki-gigaword-100')"


async def test_a_large_file_is_asked_about_and_its_reading_is_a_job(lab, tmp_path, monkeypatch):
    path = vector_file(tmp_path / "large.txt", CORNERS)
    monkeypatch.setattr(sources, "LARGE", 10)
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        screen.open_source(str(path))
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("escape")
        assert screen.spec == "demo"
        screen.open_source(str(path))
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("tab", "enter")
        await ready(pilot, str(path))
        assert [(job.name, job.state) for job in app.jobs.jobs] == [("read large.txt", "finished")]


async def test_reading_that_is_cancelled_leaves_what_was_open(lab, tmp_path, monkeypatch):
    from core.vectors import sources as core_sources
    from core.vectors.progress import CancelledError, LoadProgress

    path = vector_file(tmp_path / "slow.txt", CORNERS)

    def slowly(spec, cancel=None):
        for far in range(1, 10_000):
            yield LoadProgress("reading", far, 10_000, far)
            if cancel.wait(0.01):
                raise CancelledError("given up", "ask again")

    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot)
        monkeypatch.setattr(core_sources, "load_steps", slowly)
        screen.open_source(str(path))
        await until(pilot, lambda: "%" in source(screen) and "J cancels" in source(screen))
        app.jobs.running[0].cancel()
        await until(pilot, lambda: "was cancelled; what was open stays" in sentence(screen))
        assert screen.spec == "demo" and "demo" in source(screen)


def test_words_to_begin_with_and_their_groups():
    table = ["the", "of", "·if", "·else", "zz", "naïve", "a1", *(f"word{i}" for i in range(9))]
    found = first_words(lambda word: None, table)
    assert found == ("the", "·else", "naïve")
    assert first_words(lambda word: None, ["1", "2"]) == ("1", "2")
    assert group_of("·King") == group_of("queen") != group_of("paris")


async def test_centring_takes_the_mean_from_each_and_gives_it_back(lab):
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await ready(pilot, "demo")
        plain, expected = screen.vectors, screen.vectors.centred()
        await pilot.press("n")
        await ready(pilot, "demo:centred")
        assert "centred" in source(screen) and "synthetic" in source(screen)
        assert [row.word for row in screen.body.near.scores[:9]] == [n.word for n in expected.neighbours("king", 9)]
        before, now = f"cosine {plain.mean_cosine:.3f} before", "now · n turns it back"
        assert before in sentence(screen) and now in sentence(screen)
        taken = screen.take_away()
        assert "load_vectors('demo:centred')" in taken.python and "demo:centred" in taken.command
        assert "put it back" not in screen.lesson().values["near_list"]
        assert "puts it back" in screen.lesson().values["centred"]
        await pilot.press("n")
        await ready(pilot, "demo")
        assert screen.vectors is plain and "centred" not in source(screen)
        screen.open_source("demo:wte:centred")
        await ready(pilot, "demo:wte:centred")
        app.workbench.set(a="demo@700")
        await ready(pilot, "demo@700:wte:centred")
        await asks(pilot, screen.asked.text)
        assert "turns it back" not in sentence(screen)
