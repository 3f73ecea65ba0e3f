"""Every answer against gensim's own ``KeyedVectors``: the same words in the same order, the same values."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import given
from hypothesis import strategies as st
from vector_files import numbers

from core.vectors.sources import load_vectors
from core.vectors.store import Vectors

N, D = 3000, 24
WORDS = [f"w{n}" for n in range(N)]


def made() -> tuple[Vectors, KeyedVectors]:
    matrix = numbers(N, D) * np.random.default_rng(1).uniform(0.1, 9, (N, 1)).astype(np.float32)
    keyed = KeyedVectors(D)
    keyed.add_vectors(WORDS, matrix)
    return Vectors(WORDS, matrix), keyed


OURS, THEIRS = made()
some = st.integers(0, N - 1).map(lambda n: f"w{n}")


def same(ours: list[tuple[str, float, int]], theirs: list[tuple[str, float]]) -> None:
    values = [value for _, value, _ in ours]
    assert values == pytest.approx([value for _, value in theirs], abs=2e-6)
    gaps = [abs(a - b) for a, b in pairwise(values)]
    if min([*gaps, 1.0]) > 1e-6:  # else which comes first is a matter of rounding
        assert [word for word, _, _ in ours] == [word for word, _ in theirs]


@given(some, st.integers(1, 60))
def test_neighbours_are_most_similar(word: str, n: int) -> None:
    same(list(OURS.neighbours(word, n)), THEIRS.most_similar(word, topn=n))
    vector = THEIRS[word] * 3
    same(list(OURS.neighbours(vector, n)), THEIRS.similar_by_vector(vector, topn=n))


@pytest.mark.filterwarnings("ignore:.*init_sims:DeprecationWarning")  # gensim's own call of it
@given(st.lists(some, min_size=1, max_size=4, unique=True), st.lists(some, max_size=3, unique=True))
def test_analogies_are_most_similar_and_cosmul(positive: list[str], negative: list[str]) -> None:
    negative = [word for word in negative if word not in positive]
    same(OURS.analogy(positive, negative, 8), THEIRS.most_similar(positive, negative, topn=8))
    ours = OURS.analogy(positive, negative, 8, method="cosmul")
    theirs = THEIRS.most_similar_cosmul(positive, negative, topn=8)
    assert [each.word for each in ours] == [word for word, _ in theirs]
    assert [each.value for each in ours] == pytest.approx([value for _, value in theirs], rel=1e-5)


@given(some, some, some, st.floats(0.1, 4).map(lambda x: round(x, 2)))
def test_expressions_are_weighted_sums(a: str, b: str, c: str, weight: float) -> None:
    if len({a, b, c}) < 3:
        return
    ours = OURS.evaluate(f"{weight}*{a} - {b} + {c}", 8).neighbours
    same(list(ours), THEIRS.most_similar([(a, weight), (b, -1.0), (c, 1.0)], topn=8))


@given(some, some)
def test_two_words(a: str, b: str) -> None:
    assert OURS.similarity(a, b) == pytest.approx(float(THEIRS.similarity(a, b)), abs=2e-6)
    assert OURS.distance(a, b) == pytest.approx(float(THEIRS.distance(a, b)), abs=2e-6)
    if a != b:  # gensim's own first rank of a word beside itself is an accident of rounding
        assert OURS.rank(a, b) == THEIRS.rank(a, b)


@given(st.lists(some, min_size=3, max_size=8, unique=True))
def test_the_odd_one_out_and_the_order_of_the_rest(words: list[str]) -> None:
    found = OURS.odd_one_out(words)
    assert found.word == THEIRS.doesnt_match(words)
    theirs = THEIRS.rank_by_centrality(words)
    assert [word for word, _ in found.cosines] == [word for _, word in theirs]
    assert [c for _, c in found.cosines] == pytest.approx([float(c) for c, _ in theirs], abs=2e-6)


def test_keyed_answers_as_gensim_with_the_same_memory() -> None:
    keyed = OURS.keyed
    assert isinstance(keyed, KeyedVectors) and keyed.vectors is OURS.matrix_all
    assert keyed.most_similar("w5", topn=5) == THEIRS.most_similar("w5", topn=5)
    assert keyed.doesnt_match(["w1", "w2", "w3"]) == THEIRS.doesnt_match(["w1", "w2", "w3"])
    assert "w5" in keyed and len(keyed) == N and keyed.index_to_key[5] == "w5"


@pytest.mark.parametrize(("binary", "header"), [(True, True), (False, True), (False, False)])
def test_files_that_gensim_writes(tmp_path: Path, binary: bool, header: bool) -> None:
    path = tmp_path / "theirs"
    THEIRS.save_word2vec_format(str(path), binary=binary, write_header=header)
    ours = load_vectors(str(path))
    assert list(ours.words) == WORDS and np.array_equal(ours.matrix_all, THEIRS.vectors)


@pytest.mark.parametrize("binary", [True, False])
def test_gensim_reads_what_we_read(tmp_path: Path, binary: bool) -> None:
    from core.vectors.word2vec_files import save

    path = tmp_path / "ours"
    save(OURS, path, binary=binary)
    theirs = KeyedVectors.load_word2vec_format(str(path), binary=binary)
    assert theirs.index_to_key == WORDS and np.array_equal(theirs.vectors, OURS.matrix_all)
