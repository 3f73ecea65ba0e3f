"""The same words in two spaces."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.vectors.comparison import compare_spaces, name_in
from core.vectors.store import Vectors

WORDS = [f"word{i}" for i in range(9)]


def space(matrix, words=WORDS) -> Vectors:
    return Vectors(words, np.asarray(matrix, np.float32), spec="made", label="made")


def random(seed: int, width: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(len(WORDS), width)).astype(np.float32)


@given(st.integers(0, 10_000))
def test_a_space_turned_is_the_same_space(seed):
    rows = random(seed)
    turn, _ = np.linalg.qr(np.random.default_rng(seed + 1).normal(size=(6, 6)))
    found = compare_spaces(space(rows), space(rows @ turn), WORDS)
    assert found.correlation == pytest.approx(1.0, abs=1e-6)
    assert np.allclose(found.cosines_a, found.cosines_b, atol=1e-5)
    assert np.allclose(found.xy_a, found.xy_b, atol=1e-2 * np.abs(found.xy_a).max())
    assert all(abs(a - b) < 1e-5 for _, _, a, b in found.changes())


def test_the_correlation_is_numpys_and_changes_are_sorted():
    a, b = space(random(0)), space(random(1, width=11))
    found = compare_spaces(a, b, WORDS)
    upper = np.triu_indices(9, 1)
    assert found.correlation == pytest.approx(np.corrcoef(a.matrix(WORDS)[upper], b.matrix(WORDS)[upper])[0, 1])
    changes = found.changes()
    assert len(changes) == found.pairs == 36
    sizes = [abs(x - y) for _, _, x, y in changes]
    assert sizes == sorted(sizes, reverse=True)
    one, other, before, after = changes[0]
    assert (before, after) == (a.matrix([one, other])[0, 1], b.matrix([one, other])[0, 1])
    assert found.to_dict()["pairs"][0]["a"] == one


def test_words_are_found_under_the_names_of_each_space():
    tokens = space(random(2), ["·word0", "Word1", "·Word2", "word3", *(f"x{i}" for i in range(5))])
    assert [name_in(tokens, word) for word in ("word0", "·word0", "word1", "word2", "word9", "")] == [
        "·word0", "·word0", "Word1", "·Word2", None, None,
    ]  # fmt: skip
    found = compare_spaces(space(random(0)), tokens, WORDS)
    assert found.names_b == ("·word0", "Word1", "·Word2", "word3") and found.words == tuple(WORDS[:4])
    assert found.missing == tuple(WORDS[4:])


def test_too_few_words_in_common_are_refused():
    with pytest.raises(InputError, match="two words that both have were expected, got 1 of 9"):
        compare_spaces(space(random(0)), space(random(1)[:2], ["word3", "other"]), WORDS)


def test_two_words_have_no_correlation():
    found = compare_spaces(space(random(0)), space(random(1)), WORDS[:2])
    assert found.correlation is None and found.pairs == 1 and found.to_dict()["correlation"] is None
