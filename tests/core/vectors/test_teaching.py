"""The demo vectors: that the text does not give its answers away, and that what ships has learnt them."""

from __future__ import annotations

import hashlib
import itertools
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.files import read_json
from core.folders import asset
from core.vectors import teaching_everyday as everyday
from core.vectors.evaluation import TOTAL, SectionScore, evaluate_analogies
from core.vectors.groups import FIRST_WORDS
from core.vectors.sentences import sentences
from core.vectors.sources import load_vectors
from core.vectors.store import Vectors
from core.vectors.teaching import CONFIG, RELATIONS, SEED, analogy_lines, make_demo, score_relations, write_corpus
from core.vectors.training_config import Word2VecConfig

KEY_WORDS = ("king", "queen", "paris", "france", "walked", "mice", "bigger", "puppy", "doctor", "monday", "violin")


@pytest.fixture(scope="module")
def corpus() -> str:
    return write_corpus(SEED)


@pytest.fixture
def demo() -> Vectors:
    return load_vectors("demo")


@pytest.fixture
def facts() -> dict[str, Any]:
    found = read_json(asset("demo-vectors") / "demo.json")
    assert found is not None
    return found


# --- the text


def test_the_text_is_the_one_that_the_shipped_vectors_were_trained_on(corpus: str, facts: dict[str, Any]) -> None:
    """On every release of Python: chance comes from ``random.Random``, which promises that."""
    assert hashlib.sha256(corpus.encode()).hexdigest() == facts["corpus_sha256"]
    assert write_corpus(SEED) == corpus != write_corpus(SEED + 1)
    assert Word2VecConfig(**facts["config"]) == CONFIG and CONFIG.workers == 1


def test_no_sentence_gives_an_answer_away(corpus: str) -> None:
    """Only a capital may stand beside its country; no other two words of a pair share a sentence."""
    together = {pair for pairs in RELATIONS.values() for pair in pairs}
    together -= set(RELATIONS["country-capital"])
    partners: dict[str, set[str]] = {}
    for a, b in together:
        partners.setdefault(a, set()).add(b)
    for sentence in sentences(corpus):
        words = set(sentence)
        for word in words & partners.keys():
            assert not (words & partners[word]), sentence


def test_every_word_of_a_relation_is_met_in_many_different_sentences(corpus: str) -> None:
    kinds: dict[str, set[str]] = {}
    for line in corpus.lower().splitlines():
        for word in set(re.findall(r"[\w'-]+", line)):
            kinds.setdefault(word, set()).add(line)
    for pairs in RELATIONS.values():
        for word in itertools.chain.from_iterable(pairs):
            assert len(kinds[word]) >= 8, word


def test_sentences_are_set_as_english_is(corpus: str) -> None:
    lines = corpus.splitlines()
    assert all(line[0].isupper() and line.endswith(".") and "{" not in line for line in lines)
    assert not re.search(r"\ba [aeio]\w", corpus) and not re.search(r"\ban [bcdfgjklmnpqrstvwxyz]\w", corpus)
    assert len(lines) == len(list(sentences(corpus))), "a line is a sentence"


def test_the_skew_is_where_it_is_said_to_be_and_nowhere_else(corpus: str) -> None:
    for row in everyday.OCCUPATIONS:
        (who,) = row.forms
        said = [line for line in corpus.lower().splitlines() if re.search(rf"\b{who}\b", line)]
        he = sum(bool(re.search(r"\b(he|himself)\b", line)) for line in said)
        she = sum(bool(re.search(r"\b(she|herself)\b", line)) for line in said)
        assert he / (he + she) == pytest.approx(everyday.LEANING.get(who, 0.5), abs=0.02), who


# --- what ships


def test_king_less_man_and_woman_is_queen(demo: Vectors) -> None:
    assert demo.evaluate("king - man + woman").neighbours[0].word == "queen"
    assert demo.analogy(["king", "woman"], ["man"], 1)[0].word == "queen"
    assert demo.analogy(["king", "woman"], ["man"], 1, method="cosmul")[0].word == "queen"
    assert demo.evaluate("paris : france :: tokyo").neighbours[0].word == "japan"


def test_nine_of_ten_relations_hold_in_every_section(demo: Vectors, facts: dict[str, Any]) -> None:
    scores = [score for score in evaluate_analogies(demo, "relations") if score.finished]
    by_name = {score.section: score for score in scores}
    assert set(by_name) == {*RELATIONS, TOTAL}
    for score in scores:
        assert score.unknown == 0
        assert score.accuracy is not None and score.accuracy >= 0.9, score.section
    shipped = {name: tuple(found) for name, found in facts["relations"].items()}
    assert {name: (by_name[name].right, by_name[name].asked) for name in RELATIONS} == shipped
    assert tuple(score_relations(demo.keyed)) == tuple((name, *shipped[name]) for name in RELATIONS)


def test_every_two_pairs_make_two_questions() -> None:
    questions = [line for line in analogy_lines().splitlines() if not line.startswith(":")]
    assert len(questions) == sum(len(pairs) * (len(pairs) - 1) for pairs in RELATIONS.values())
    assert len(set(questions)) == len(questions)
    assert {"man woman king queen", "king queen man woman", "france paris japan tokyo"} <= set(questions)


def test_they_say_that_they_are_synthetic_and_how_real_ones_come(demo: Vectors, facts: dict[str, Any]) -> None:
    assert demo.synthetic and "synthetic" in demo.label
    assert facts["synthetic"] is True and "llm-lab pull glove-wiki-gigaword-50" in facts["real"]
    card = (asset("demo-vectors") / "README.md").read_text(encoding="utf-8")
    assert card.splitlines()[2].startswith("**Synthetic.**") and "llm-lab pull glove-wiki-gigaword-50" in card
    assert f"{len(demo):,} word vectors of {demo.width} numbers" in card
    for name, (right, asked) in facts["relations"].items():
        assert f"| {name} | {right:,} | {asked:,} | {right / asked:.1%} |" in card
    for said in ("make demo-vectors", "seed 1", "gensim", "A skew that was planted", facts["corpus_sha256"]):
        assert said in card


def test_they_are_small_and_have_the_words_of_the_lessons(demo: Vectors) -> None:
    size = sum(path.stat().st_size for path in asset("demo-vectors").iterdir())
    assert size < 600_000
    everyday_words = " ".join(named for named, _ in everyday.THINGS.values()).lower().split()
    for word in (*FIRST_WORDS, *everyday_words, "doctor", "nurse", "bank", "one", "two", "three", "four"):
        assert word in demo, word


def test_the_planted_skew_can_be_found_and_an_even_occupation_shows_none(demo: Vectors) -> None:
    assert demo.evaluate("doctor - man + woman").neighbours[0].word == "nurse"
    pairs = (*RELATIONS["royalty-and-gender"], *RELATIONS["family"], *RELATIONS["gender-of-others"])
    towards = np.mean([demo.unit(female) - demo.unit(male) for male, female in pairs], axis=0)
    towards /= np.linalg.norm(towards)
    lean = {row.forms[0]: float(demo.unit(row.forms[0]) @ towards) for row in everyday.OCCUPATIONS}
    even = max(abs(value) for who, value in lean.items() if who not in everyday.LEANING)
    assert lean["nurse"] > 1.5 * even and lean["doctor"] < -1.5 * even and lean["surgeon"] < -1.5 * even, lean


def test_a_word_with_two_meanings_has_neighbours_of_both(demo: Vectors) -> None:
    near = {found.word for found in demo.neighbours("bank", 25)}
    assert near & {"savings", "loans", "account", "money", "cash", "interest", "lends"}
    assert near & {"stream", "river", "otter", "willows", "muddy", "fished"}


@pytest.mark.slow
def test_made_again_they_have_the_same_neighbours(tmp_path: Path, demo: Vectors, facts: dict[str, Any]) -> None:
    make_demo(tmp_path / "again")
    again = load_vectors(str(tmp_path / "again" / "vectors.bin"))
    assert list(again.words) == list(demo.words)
    for word in KEY_WORDS:
        before = [found.word for found in demo.neighbours(word, 10)]
        after = [found.word for found in again.neighbours(word, 10)]
        assert len(set(before) & set(after)) >= 7, (word, before, after)
        assert after[0] in before[:3]
    scores: list[SectionScore] = list(evaluate_analogies(again, "relations"))
    assert scores[-1].accuracy is not None and scores[-1].accuracy >= 0.97
    made = read_json(tmp_path / "again" / "demo.json")
    assert made is not None and made["corpus_sha256"] == facts["corpus_sha256"]
    assert {path.name for path in (tmp_path / "again").iterdir()} == {"vectors.bin", "demo.json", "README.md"}
