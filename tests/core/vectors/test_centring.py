"""Centring: what is left of vectors less their mean, against numpy and gensim; how alike they all are; by name."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from vector_files import binary, names, numbers, write

from core.errors import InputError, MemoryShortError
from core.vectors import centring, importing
from core.vectors.progress import CancelledError
from core.vectors.search import row_norms
from core.vectors.sources import load_steps, load_vectors
from core.vectors.store import Vectors


def cone(count: int = 200, width: int = 8) -> Vectors:
    """Vectors that all lie about one direction, as a GPT's tokens do."""
    return Vectors(
        [name.decode() for name in names(count)], numbers(count, width) + np.float32(3), spec="cone", label="a cone"
    )


def test_each_word_loses_the_mean_of_all_and_gensim_finds_the_same() -> None:
    vectors = cone()
    found, word = vectors.centred(), vectors.words[5]
    expected = vectors.matrix_all.astype(np.float64) - vectors.matrix_all.astype(np.float64).mean(axis=0)
    assert np.abs(found.matrix_all - expected).max() < 1e-6
    assert list(found.words) == list(vectors.words) and found.plain is vectors and found.centred() is found
    assert found.spec == "cone:centred" and found.label == "a cone, centred" and vectors.spec == "cone"
    ours, theirs = found.neighbours(word, 5), found.keyed.most_similar(word, topn=5)
    assert [each.word for each in ours] == [each for each, _ in theirs]
    assert vectors.neighbours(word, 5, measure="euclid")[0].value == pytest.approx(
        found.neighbours(word, 5, measure="euclid")[0].value, abs=1e-5
    ), "no distance changes"


def test_words_of_a_cone_are_all_alike_until_they_are_centred() -> None:
    vectors = cone()
    before, after = vectors.mean_cosine, vectors.centred().mean_cosine
    assert before is not None and after is not None and before > 0.8 and abs(after) < 0.05
    cosines = vectors.matrix(list(vectors.words))
    assert before == pytest.approx((cosines.sum() - 200) / (200 * 199))


@given(arrays(np.float32, st.tuples(st.integers(0, 12), st.integers(1, 4)), elements=st.integers(-3, 3)))
def test_the_mean_cosine_is_that_of_all_pairs_with_a_direction(matrix: np.ndarray) -> None:
    found = centring.mean_cosine(matrix, row_norms(matrix))
    units = [row / np.linalg.norm(row) for row in matrix.astype(np.float64) if row.any()]
    pairs = [float(a @ b) for i, a in enumerate(units) for b in units[:i]]
    assert found is None if not pairs else found == pytest.approx(float(np.mean(pairs)), abs=1e-9)


def test_a_name_with_centred_behind_it(tmp_path: Path) -> None:
    path = write(tmp_path / "some.bin", binary(names(50), numbers(50, 4) + np.float32(1)))
    found = load_vectors(f"{path}:centred")
    assert found.spec == f"{path}:centred" and found.plain is not None and found.plain.spec == str(path)
    assert np.abs(found.matrix_all.mean(axis=0)).max() < 1e-6
    demo = load_vectors("demo:centred")
    assert demo.synthetic and "synthetic" in demo.label and len(demo) == len(load_vectors("demo"))
    tokens = load_vectors("demo:wte:centred")
    assert tokens.pieces is not None and tokens.plain is not None and tokens.plain.spec == "demo:wte"
    assert "centring" in [step.phase for step in load_steps("demo:centred")]
    for wrong in (":centred", "nothing.bin:centred", "demo:center"):
        with pytest.raises(InputError):
            load_vectors(wrong)


def test_what_does_not_fit_and_what_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    cancel = threading.Event()
    steps = centring.centre_steps(cone(), cancel)
    assert next(steps).phase == "centring"
    cancel.set()
    with pytest.raises(CancelledError):
        list(steps)
    monkeypatch.setattr(importing, "free_memory", lambda: 100)
    with pytest.raises(MemoryShortError, match="a second matrix of 0 MiB"):
        cone().centred()


def test_all_the_same_have_no_direction_left() -> None:
    found = Vectors(["a", "b", "c"], np.ones((3, 2), np.float32)).centred()
    assert found.spec == "" and found.mean_cosine is None
    with pytest.raises(InputError, match="points nowhere"):
        found.neighbours(found.words[0])
