"""Analogies and pairs: the same scores as gensim's, and what becomes of lines that cannot be read."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.vectors.evaluation import TOTAL, Miss, SectionScore, evaluate_analogies, evaluate_pairs
from core.vectors.question_files import (
    AnalogySet,
    PairSet,
    _analogies,
    _pairs,
    bundled,
    read_questions,
)
from core.vectors.sources import load_vectors
from core.vectors.store import Vectors
from core.vectors.training import Word2VecConfig, train

SETTINGS = [
    {},
    {"restrict_vocab": 400},
    {"case_insensitive": False},
    {"dummy4unknown": True},
    {"restrict_vocab": 900, "case_insensitive": False, "dummy4unknown": True},
]


@pytest.fixture(scope="module")
def python_docs() -> Vectors:
    """Trained on a real text, in which words come in two cases."""
    return train("python-docs", Word2VecConfig(vector_size=24, min_count=1, epochs=2, lowercase=False))


@pytest.fixture
def demo() -> Vectors:
    return load_vectors("demo")


def sections_of(vectors: Vectors, questions: Any, **settings: Any) -> list[SectionScore]:
    return [score for score in evaluate_analogies(vectors, questions, **settings) if score.finished]


def agrees_with_gensim(vectors: Vectors, path: Path, **settings: Any) -> int:
    """Every question alike, section by section; returns how many were asked."""
    accuracy, theirs = vectors.keyed.evaluate_word_analogies(str(path), **settings)
    *ours, total = sections_of(vectors, str(path), **settings)
    form = str.upper if settings.get("case_insensitive", True) else str
    assert [score.section for score in ours] == [section["section"] for section in theirs[:-1]]
    for score, section in zip(ours, theirs[:-1], strict=True):
        wrong = sorted(tuple(map(form, miss.question)) for miss in score.misses)
        assert wrong == sorted(section["incorrect"])
        assert score.right == len(section["correct"])
        assert score.asked == len(section["correct"]) + len(section["incorrect"])
    assert total.section == TOTAL and (total.accuracy or 0.0) == pytest.approx(accuracy)
    return total.asked


@pytest.mark.parametrize("settings", SETTINGS)
def test_the_google_set_scores_as_gensim_scores_it(demo: Vectors, settings: dict[str, Any]) -> None:
    assert agrees_with_gensim(demo, bundled("google"), **settings) > 10


@pytest.mark.parametrize("settings", SETTINGS)
def test_questions_about_a_real_text_score_as_gensim_scores_them(
    python_docs: Vectors, tmp_path: Path, settings: dict[str, Any]
) -> None:
    """Capitals and small letters mixed, words of a question again among the answers, rows beyond the limit."""
    rng = np.random.default_rng(5)
    some = rng.choice(list(python_docs.words[:1200]), (400, 4))
    again = [(a, b, a, d) for a, b, _, d in some[:60]]  # a word twice, and another asked for that is in the question
    again += [(a, b, c, b) for a, b, c, _ in some[:60]]
    lines = [": first", *(" ".join(row) for row in some), ": second", *(" ".join(row) for row in again)]
    path = tmp_path / "questions.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert agrees_with_gensim(python_docs, path, **settings) > 10


@pytest.mark.parametrize("settings", SETTINGS)
def test_wordsim_correlates_as_gensim_says(demo: Vectors, settings: dict[str, Any]) -> None:
    pearson, spearman, unknown = demo.keyed.evaluate_word_pairs(str(bundled("wordsim353")), **settings)
    ours = evaluate_pairs(demo, **settings)
    assert (ours.pearson, ours.pearson_p) == pytest.approx(tuple(pearson), rel=1e-4)
    assert (ours.spearman, ours.spearman_p) == pytest.approx(tuple(spearman), rel=1e-4)
    if not settings.get("dummy4unknown"):
        assert ours.unknown_share * 100 == pytest.approx(unknown)
        assert ours.pairs + ours.unknown == 353
    assert ours.to_dict()["pairs"] == ours.pairs


def test_both_sets_are_read_where_gensim_keeps_them() -> None:
    google, wordsim = read_questions("google"), read_questions("wordsim353")
    assert isinstance(google, AnalogySet) and (len(google), len(google.sections)) == (19_544, 14)
    assert isinstance(wordsim, PairSet) and len(wordsim) == 353
    assert not google.malformed and not wordsim.malformed
    assert "site-packages" not in str(google) and bundled("google").parent.name == "test_data"


def test_progress_comes_in_steps_and_the_total_last(demo: Vectors) -> None:
    scores = list(evaluate_analogies(demo, "relations"))
    assert [score.done for score in scores] == sorted(score.done for score in scores)
    assert any(not score.finished for score in scores)
    *sections, total = [score for score in scores if score.finished]
    assert total.section == TOTAL and total.done == 1.0
    assert total.right == sum(score.right for score in sections)
    assert total.questions == sum(score.questions for score in sections) == 6940
    for score in sections:
        assert score.asked - score.right == len(score.misses)
    assert sections[0].to_dict()["accuracy"] == sections[0].accuracy


def test_a_stop_ends_it_after_the_batch_at_hand(demo: Vectors) -> None:
    cancel = threading.Event()
    seen = []
    for score in evaluate_analogies(demo, "relations", cancel=cancel):
        seen.append(score)
        cancel.set()
    assert len(seen) == 1 and seen[0].section != TOTAL


def of(table: dict[str, list[float]]) -> Vectors:
    return Vectors(list(table), np.array(list(table.values()), dtype=np.float32), label="by hand")


def test_an_answer_by_hand_and_the_words_of_the_question_in_other_letters(tmp_path: Path) -> None:
    """b - a + c lies nearest to C, which is c in other letters, and then to d."""
    vectors = of({"a": [1, 0, 0], "b": [1, 1, 0], "c": [0, 0, 3], "C": [0, 2, 3], "d": [0, 1, 1], "e": [-1, 0, 0]})
    path = tmp_path / "q.txt"
    path.write_text(": s\na b c d\na b c e\n", encoding="utf-8")
    section, total = sections_of(vectors, str(path))
    assert (section.right, section.misses) == (1, (Miss(("a", "b", "c", "e"), "D"),))
    assert agrees_with_gensim(vectors, path) == 2
    minding, _ = sections_of(vectors, str(path), case_insensitive=False)
    assert {miss.got for miss in minding.misses} == {"C"} and minding.right == 0
    assert total.accuracy == 0.5


def test_rows_without_a_direction_are_no_answers(tmp_path: Path) -> None:
    vectors = of({"a": [1, 0], "b": [1, 1], "c": [2, 0.1], "d": [2, 2], "z": [0, 0], "n": [np.nan, 1]})
    path = tmp_path / "q.txt"
    path.write_text(": s\na b c d\n", encoding="utf-8")
    section, _ = sections_of(vectors, str(path))
    assert section.right == 1
    zero = tmp_path / "p.tsv"
    zero.write_text("a\tb\t3\na\td\t3.5\nz\ta\t1\n", encoding="utf-8")
    score = evaluate_pairs(vectors, str(zero))
    assert (score.pairs, score.unknown) == (2, 1)


def test_malformed_lines_are_counted_and_named(tmp_path: Path) -> None:
    analogies = tmp_path / "a.txt"
    analogies.write_text("king man queen woman\n: one\n\nking man queen\na b c d e\nmale king female queen\n", "utf-8")
    found = read_questions(str(analogies))
    assert isinstance(found, AnalogySet) and len(found) == 2
    assert [title for title, _ in found.sections] == ["(no section)", "one"]
    assert [str(line) for line in found.malformed] == [
        "line 4: expected four words, found 3, got 'king man queen'",
        "line 5: expected four words, found 5, got 'a b c d e'",
    ]
    pairs = tmp_path / "p.csv"
    pairs.write_text(
        "Word 1,Word 2,Human (mean)\nking,queen,8.5\n# note\nking;man;x\nking\tcabbage\t0.2\nhot cold\n", "utf-8"
    )
    found_pairs = read_questions(str(pairs))
    assert isinstance(found_pairs, PairSet) and found_pairs.pairs == (("king", "queen", 8.5), ("king", "cabbage", 0.2))
    assert [line.number for line in found_pairs.malformed] == [1, 4, 6]
    assert "expected a number in the third place" in str(found_pairs.malformed[1])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "neither"),
        (b": only a section\n", "neither"),
        (b"nothing here\n", "neither; line 1: expected two words and a number, found 2 parts"),
        (b": s\na b c caf\xe9\n", "expected UTF-8"),
        (b"king\tqueen\tnan\n", "expected a number in the third place"),
    ],
)
def test_what_is_no_set_of_questions_is_said(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "file.txt"
    path.write_bytes(data)
    with pytest.raises(InputError, match=said.replace("(", r"\(")):
        read_questions(str(path))


def test_names_that_mean_nothing_folders_and_the_wrong_kind(demo: Vectors, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'gogle' is no set of questions \(did you mean google\?\)"):
        read_questions("gogle")
    with pytest.raises(InputError, match="cannot be read as a file"):
        read_questions(str(tmp_path))
    with pytest.raises(InputError, match="cannot be read as a file"):
        read_questions("a\0b")
    with pytest.raises(InputError, match="expected analogies, wordsim353 holds pairs"):
        evaluate_analogies(demo, "wordsim353")
    with pytest.raises(InputError, match="expected pairs, google holds analogies"):
        evaluate_pairs(demo, "google")
    with pytest.raises(InputError, match="restrict_vocab must be at least 1"):
        evaluate_analogies(demo, "google", restrict_vocab=0)
    with pytest.raises(InputError, match="of 353 in wordsim353 there are 0"):
        evaluate_pairs(demo, restrict_vocab=2)


def test_sections_of_which_nothing_is_known_have_no_accuracy() -> None:
    vectors = of({"x": [1.0, 0.0], "y": [0.0, 1.0]})
    scores = sections_of(vectors, "google")
    assert all(score.accuracy is None and score.unknown == score.questions for score in scores)
    counted = sections_of(vectors, "google", dummy4unknown=True)
    assert all(score.accuracy == 0.0 and len(score.misses) == score.questions for score in counted[:-1])


@given(
    st.lists(
        st.text(
            st.characters(blacklist_categories=["Cs"], blacklist_characters="\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"),
            max_size=30,
        ),
        max_size=8,
    )
)
def test_every_line_is_a_question_a_heading_empty_or_named(lines: list[str]) -> None:
    analogies, pairs = _analogies("x", lines), _pairs("x", lines)
    headings = sum(line.startswith(":") for line in lines)
    blank = sum(not line.startswith(":") and not line.split() for line in lines)
    assert len(analogies) + len(analogies.malformed) + headings + blank == len(lines)
    passed_over = sum(not line.strip() or line.startswith("#") for line in lines)
    assert len(pairs) + len(pairs.malformed) + passed_over == len(lines)
    assert all("\n" not in str(bad) for bad in (*analogies.malformed, *pairs.malformed))
