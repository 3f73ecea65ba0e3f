"""What vectors answer: neighbours, sums, ranks, maps of words, spelling; and what they refuse."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from vector_files import numbers

from core.errors import InputError
from core.vectors import search, sweep
from core.vectors.expression import ExpressionError
from core.vectors.store import UnknownWordError, Vectors
from core.vectors.words import WordTable

PLANE = {
    "king": [1.0, 0.9, 0.1],
    "queen": [1.0, -0.9, 0.1],
    "man": [0.1, 1.0, 0.0],
    "woman": [0.1, -1.0, 0.0],
    "Paris": [0.0, 0.1, 1.0],
    "New_York": [0.1, 0.0, 1.0],
    "nothing": [0.0, 0.0, 0.0],
}


@pytest.fixture
def vectors() -> Vectors:
    return Vectors(PLANE, np.array(list(PLANE.values()), np.float32), spec="plane", label="a plane")


# --- neighbours


def test_neighbours_by_each_measure(vectors: Vectors) -> None:
    for measure, better in (("cosine", -1), ("dot", -1), ("euclid", 1)):
        found = vectors.neighbours("king", 6, measure=measure)  # type: ignore[arg-type]
        assert "king" not in [each.word for each in found]
        assert [each.rank for each in found] == list(range(1, len(found) + 1))
        values = [each.value for each in found]
        assert values == sorted(values, reverse=better < 0)
        x = vectors.vector("king").astype(np.float64)
        for each in found:
            y = vectors.vector(each.word).astype(np.float64)
            expected = {
                "cosine": lambda x, y: x @ y / np.linalg.norm(x) / np.linalg.norm(y),
                "dot": lambda x, y: x @ y,
                "euclid": lambda x, y: np.linalg.norm(x - y),
            }[measure](x, y)
            assert each.value == pytest.approx(expected, abs=1e-6)
    assert "nothing" not in [each.word for each in vectors.neighbours("king", 6)]
    assert "nothing" in [each.word for each in vectors.neighbours("king", 6, measure="dot")]


def test_words_that_are_excluded_and_vectors_as_queries(vectors: Vectors) -> None:
    assert [each.word for each in vectors.neighbours(np.array([0.5, 1, 0]), 2)] == ["man", "king"]
    assert [each.word for each in vectors.neighbours(np.array([0.5, 1, 0]), 2, exclude=["man"])] == ["king", "Paris"]
    assert "man" not in [each.word for each in vectors.neighbours("king", 10, exclude=["man"])]
    assert vectors.neighbours(vectors.vector("king"), 1)[0].word == "king"


@given(arrays(np.float32, (40, 3), elements=st.sampled_from([-1.0, 0.0, 1.0])), st.integers(1, 45))
def test_equal_scores_stand_in_the_order_of_their_rows(matrix: sweep.Floats, n: int) -> None:
    norms = search.row_norms(matrix)
    vector = np.array([1, 0, 0], np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "_FIRST", 7)
        rows, scores = search.best_rows(matrix, norms, search.by_cosine(vector), n)
    cosines = {row: float(np.float32(matrix[row] @ vector) / norms[row]) for row in range(40) if norms[row]}
    expected = sorted(cosines, key=lambda row: (-cosines[row], row))[:n]
    assert rows.tolist() == expected
    assert scores.tolist() == pytest.approx([cosines[row] for row in expected])


@pytest.mark.parametrize("away", [0.0, 100.0, 3000.0])
def test_distances_are_right_where_rows_lie_far_from_the_origin(away: float) -> None:
    """The expanded square has no digits left there; those of the differences count."""
    matrix = np.round(numbers(3000, 8), 3) + np.float32(away)
    vectors = Vectors([f"w{n}" for n in range(3000)], matrix)
    for row in range(0, 3000, 500):
        apart = np.linalg.norm(matrix.astype(np.float64) - matrix[row], axis=1)
        apart[row] = np.inf
        expected = np.argsort(apart, kind="stable")[:8]
        found = vectors.neighbours(f"w{row}", 8, measure="euclid")
        assert [each.word for each in found] == [f"w{n}" for n in expected]
        assert [each.value for each in found] == pytest.approx(apart[expected].tolist(), rel=1e-6)


def test_distances_to_rows_whose_squares_are_beyond_float32() -> None:
    matrix = numbers(100, 8)
    matrix[60:] *= np.float32(1e25)
    found = Vectors([f"w{n}" for n in range(100)], matrix).neighbours("w0", 90, measure="euclid")
    apart = np.linalg.norm(matrix.astype(np.float64) - matrix[0], axis=1)
    apart[0] = np.inf
    assert [each.word for each in found] == [f"w{n}" for n in np.argsort(apart)[:90]]
    assert [each.value for each in found] == pytest.approx(np.sort(apart)[:90].tolist(), rel=1e-6)


def test_what_fails_in_a_helper_fails_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def looker() -> Any:
        def look(begin: int, products: sweep.Floats) -> int:
            if begin + products.shape[1] > 490:
                raise MemoryError("in whichever thread")
            return begin

        return look

    monkeypatch.setattr(sweep, "PIECE", 50)
    monkeypatch.setattr(sweep, "thread_count", lambda size: 3)
    matrix = numbers(500, 20)
    for _ in range(20):
        with pytest.raises(MemoryError, match="in whichever thread"):
            sweep.sweep(matrix, matrix[:1], looker)


@pytest.mark.parametrize("piece", [1, 50, 1 << 18])
def test_several_vectors_are_multiplied_a_piece_at_a_time(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = numbers(2000, 10)
    vectors = Vectors([f"w{n}" for n in range(2000)], matrix)
    monkeypatch.setattr(sweep, "PIECE", piece)
    monkeypatch.setattr(sweep, "thread_count", lambda size: 3)
    unit = matrix.astype(np.float64) / np.linalg.norm(matrix.astype(np.float64), axis=1, keepdims=True)
    near = (1 + unit @ unit[[1, 1500, 700]].T) / 2
    product = near[:, 0] * near[:, 1] / (near[:, 2] + 1e-6)
    product[[1, 1500, 700]] = -np.inf
    found = vectors.analogy(["w1", "w1500"], ["w700"], 5, method="cosmul")
    expected = np.argsort(-product)[:5]
    assert [each.word for each in found] == [f"w{n}" for n in expected]
    assert [each.value for each in found] == pytest.approx(product[expected].tolist(), rel=1e-5)


def test_several_threads_find_what_one_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = numbers(5000, 20)
    matrix[::7] = matrix[3]  # ties across the threads
    norms, score = search.row_norms(matrix), search.by_cosine(matrix[3] / np.linalg.norm(matrix[3]))
    monkeypatch.setattr(sweep, "PIECE", 500)
    monkeypatch.setattr(sweep, "thread_count", lambda size: 1)
    alone = search.best_rows(matrix, norms, score, 900)
    monkeypatch.setattr(sweep, "thread_count", lambda size: 3)
    for _ in range(50):  # in whatever order they come
        together = search.best_rows(matrix, norms, score, 900)
        assert np.array_equal(alone[0], together[0]) and np.array_equal(alone[1], together[1])
    assert alone[0][:714].tolist() == sorted({3, *range(0, 5000, 7)})[:714]


def test_a_helper_that_is_late_is_not_waited_for_and_spoils_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = numbers(500, 20)
    norms, score = search.row_norms(matrix), search.by_cosine(matrix[3] / np.linalg.norm(matrix[3]))
    alone = search.best_rows(matrix, norms, score, 9)
    late, held, free = ThreadPoolExecutor(1), threading.Event(), threading.Event()
    again: list[range] = []
    real, real_again = np.einsum, sweep._again

    def slow(*args: Any, **kwargs: Any) -> Any:
        if threading.current_thread() is threading.main_thread():
            assert held.wait(60)  # until the helper has taken a block
        else:
            held.set()
            assert free.wait(60)
        return real(*args, **kwargs)

    def done_again(matrix: Any, vectors: Any, block: range, *more: Any) -> Any:
        again.append(block)
        return real_again(matrix, vectors, block, *more)

    monkeypatch.setattr(sweep, "PIECE", 500)
    monkeypatch.setattr(sweep, "thread_count", lambda size: 2)
    monkeypatch.setattr(sweep, "_helpers", lambda: late)
    monkeypatch.setattr(np, "einsum", slow)
    monkeypatch.setattr(sweep, "_again", done_again)
    try:
        together = search.best_rows(matrix, norms, score, 9)
    finally:
        free.set()
        late.shutdown()
    assert np.array_equal(alone[0], together[0]) and np.array_equal(alone[1], together[1])
    assert len(again) == 1 and len(again[0]) > 25, "more than a piece, done by this thread"


def test_a_helper_that_ends_meanwhile_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix, asked = numbers(500, 20), iter([None, None, "the helper's"])
    monkeypatch.setattr(sweep, "PIECE", 500)
    looks: list[int] = []
    found = sweep._again(
        matrix, matrix[:1], range(100, 300), lambda begin, _: looks.append(begin) or "", lambda: next(asked)
    )
    assert found == ["the helper's"] and looks == [100, 125]


@given(st.integers(0, 3000), st.integers(1, 40), st.integers(1, 4))
def test_every_row_is_in_one_block(count: int, width: int, threads: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep, "PIECE", 100)
        blocks = sweep._blocks(count, width, threads)
    assert [row for block in blocks for row in block] == list(range(count))
    sizes = [len(block) for block in blocks]
    assert sizes == sorted(sizes, reverse=True) and len(blocks) <= (1 if threads == 1 else 40 + count * width / 100)


def test_the_length_of_rows_that_float32_cannot_square() -> None:
    matrix = np.array([[1e-30, 0], [3e25, 4e25], [0, 0], [3, 4]], np.float32)
    assert search.row_norms(matrix).tolist() == pytest.approx([1e-30, 5e25, 0, 5])


# --- sums


def test_analogy_and_the_same_as_an_expression(vectors: Vectors) -> None:
    found = vectors.analogy(["king", "woman"], ["man"], 3)
    answer = vectors.evaluate("king - man + woman", 3)
    assert found[0].word == "queen" and list(answer.neighbours) == found
    assert vectors.analogy(["king", "woman"], ["man"], 3, method="cosmul")[0].word == "queen"
    assert vectors.evaluate("man : king :: woman", 3).neighbours == answer.neighbours
    assert [(t.word, t.weight) for t in answer.terms] == [("king", 1), ("man", -1), ("woman", 1)]
    unit = {word: np.array(v) / np.linalg.norm(v) for word, v in PLANE.items() if any(v)}
    assert answer.vector == pytest.approx(unit["king"] - unit["man"] + unit["woman"], abs=1e-6)


def test_inputs_are_left_out_or_not(vectors: Vectors) -> None:
    answer = vectors.evaluate("king + man", 3)
    assert {"king", "man"}.isdisjoint(each.word for each in answer.neighbours)
    assert [each.word for each in answer.with_inputs][:2] == ["king", "man"]
    inside = vectors.evaluate("king + man", 3, exclude_inputs=False)
    assert inside.neighbours == answer.with_inputs
    assert vectors.analogy(["king", "man"], [], 3, exclude_inputs=False) == list(answer.with_inputs)
    assert answer.to_dict()["with_inputs"][0]["word"] == "king"


def test_factors_and_own_lengths(vectors: Vectors) -> None:
    doubled = vectors.evaluate("2*king - man")
    assert doubled.vector == pytest.approx(2 * vectors.unit("king") - vectors.unit("man"), abs=1e-6)
    own = vectors.evaluate("king - man", unit=False)
    assert own.vector == pytest.approx([0.9, -0.1, 0.1], abs=1e-6)


@pytest.mark.parametrize("text", ["king - king", "2*(king - man) + 2*man - 2*king", "0*king"])
def test_a_sum_that_is_zero_is_said(vectors: Vectors, text: str) -> None:
    with pytest.raises(ExpressionError, match="zero"):
        vectors.evaluate(text)


# --- two words and more


def test_similarity_distance_rank_and_compare(vectors: Vectors) -> None:
    cosine = vectors.similarity("king", "queen")
    assert vectors.distance("king", "queen") == 1 - cosine
    order = [each.word for each in vectors.neighbours("king", 10)]
    for place, word in enumerate(order, 1):
        assert vectors.rank("king", word) == place
    both = vectors.compare("king", "queen")
    assert both.cosine == cosine and both.ranks == (vectors.rank("king", "queen"), vectors.rank("queen", "king"))
    assert both.dot == pytest.approx(1 - 0.81 + 0.01, abs=1e-6) and both.distance == pytest.approx(1.8, abs=1e-6)


def test_equal_words_share_a_rank() -> None:
    same = Vectors(["a", "b", "c", "d"], np.array([[1, 0], [1, 1], [1, 1], [0, 1]], np.float32))
    assert [same.rank("a", word) for word in "bcd"] == [1, 1, 3]
    assert same.rank("b", "c") == 1


def test_matrix_is_symmetric_with_ones(vectors: Vectors) -> None:
    words = ["king", "queen", "man", "Paris"]
    table = vectors.matrix(words)
    assert np.array_equal(table, table.T) and np.array_equal(np.diag(table), np.ones(4))
    assert table[0, 1] == pytest.approx(vectors.similarity("king", "queen"), abs=1e-12)


def test_odd_one_out(vectors: Vectors) -> None:
    found = vectors.odd_one_out(["Paris", "man", "New_York"])
    assert found.word == "man" == found.cosines[-1][0]
    assert [c for _, c in found.cosines] == sorted((c for _, c in found.cosines), reverse=True)
    with pytest.raises(InputError, match="three words"):
        vectors.odd_one_out(["king", "queen", "king"])


# --- what has no answer


def test_zeros_have_no_cosine(vectors: Vectors) -> None:
    for ask in (
        lambda: vectors.neighbours("nothing"),
        lambda: vectors.similarity("king", "nothing"),
        lambda: vectors.rank("king", "nothing"),
        lambda: vectors.rank("nothing", "king"),
        lambda: vectors.matrix(["king", "nothing"]),
        lambda: vectors.odd_one_out(["king", "queen", "nothing"]),
        lambda: vectors.evaluate("king - nothing"),
        lambda: vectors.analogy(["nothing"]),
        lambda: vectors.neighbours(np.zeros(3)),
        lambda: vectors.plane("king + nothing"),
    ):
        with pytest.raises(InputError, match="zeros"):
            ask()
    assert vectors.neighbours("nothing", 1, measure="euclid")[0].word


@pytest.mark.parametrize(
    "query",
    [
        np.zeros(4),
        np.zeros((3, 1)),
        np.array([1, np.nan, 0]),
        np.array([1, np.inf, 0]),
        np.array([1, 1e300, 0]),
        np.array([1, 3e38, 0]),
        np.array(["a", "b", "c"]),
        np.array([1, 1j, 0]),
    ],
)
def test_a_vector_that_cannot_be_asked_for(vectors: Vectors, query: np.ndarray) -> None:
    with pytest.raises(InputError):
        vectors.neighbours(query)


def test_settings_that_there_are_not(vectors: Vectors) -> None:
    for ask in (
        lambda: vectors.neighbours("king", 0),
        lambda: vectors.neighbours("king", measure="manhattan"),  # type: ignore[arg-type]
        lambda: vectors.analogy(["king"], method="mul"),
        lambda: vectors.analogy([]),
        lambda: vectors.project(["king"]),
        lambda: vectors.project(["king", "man"], "umap"),  # type: ignore[arg-type]
    ):
        with pytest.raises(InputError) as caught:
            ask()
        assert caught.value.hint


# --- spelling


@pytest.mark.parametrize(
    ("word", "hint"),
    [("kng", "king"), ("qeuen", "queen"), ("paris", "Paris"), ("new york", "New_York"), ("Woman", "woman")],
)
def test_an_unknown_word_is_told_its_likes(vectors: Vectors, word: str, hint: str) -> None:
    with pytest.raises(UnknownWordError) as caught:
        vectors.vector(word)
    assert repr(word) in caught.value.title and hint in caught.value.hint and hint in caught.value.suggestions
    assert caught.value.word == word


def test_an_unknown_word_of_an_expression_has_a_place(vectors: Vectors) -> None:
    for text, at in (("king - mann + woman", 7), ('king + "kng"', 7), ("qwzx", 0)):
        with pytest.raises(UnknownWordError) as caught:
            vectors.evaluate(text)
        assert caught.value.at == at
    with pytest.raises(UnknownWordError) as caught:
        vectors.vector("kng")
    assert caught.value.at is None


def test_a_word_like_none(vectors: Vectors) -> None:
    for word in ("qwzxqwzx", "", "x" * 5000, "\ud800", "日本"):
        with pytest.raises(UnknownWordError) as caught:
            vectors.vector(word)
        assert caught.value.hint and not caught.value.suggestions


def plain_distance(a: bytes, b: bytes) -> int:
    """Optimal string alignment, as in a textbook."""
    d = [[max(i, j) if not i or not j else 0 for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            d[i][j] = min(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]))
            if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                d[i][j] = min(d[i][j], d[i - 2][j - 2] + 1)
    return d[-1][-1]


@given(
    st.text("abc", min_size=1, max_size=7), st.sets(st.text("abcé", min_size=1, max_size=7), min_size=1, max_size=30)
)
def test_suggestions_are_all_that_are_near_and_the_nearest_first(word: str, words: set[str]) -> None:
    known = sorted(words - {word})
    if not known:
        return
    found = Vectors(known, numbers(len(known), 2)).suggest(word, 100)
    most = 1 if len(word) <= 3 else 2
    near = {other: plain_distance(word.encode(), other.encode()) for other in known}
    assert {w for w in found if near[w] <= most} == {w for w, d in near.items() if d <= most}
    assert [near[w] for w in found] == sorted(near[w] for w in found)


def test_completion_takes_the_first_rows_and_other_capitals() -> None:
    words = ["Paris", "part", "pa", "party", "PARK", "x"]
    vectors = Vectors(words, numbers(6, 2))
    assert vectors.complete("pa", 2) == ["part", "pa"]
    assert vectors.complete("pa", 9) == ["part", "pa", "party", "Paris", "PARK"]
    assert vectors.complete("PAR", 9) == ["PARK", "part", "party", "Paris"]
    tokens = Vectors(["·king", "kind", "·kin"], numbers(3, 2))
    assert tokens.complete("kin") == ["kind", "·king", "·kin"]
    assert vectors.complete("", 3) == words[:3] and vectors.complete("zzz") == []


# --- the words themselves


@given(
    st.lists(
        st.text(st.characters(exclude_characters="\n"), max_size=6),
        unique_by=lambda w: w.encode("utf-8", "backslashreplace"),
        max_size=40,
    )
)
def test_a_table_of_words_is_the_list_it_was_made_of(words: list[str]) -> None:
    table = WordTable.of(words)
    plain = [word.encode("utf-8", "backslashreplace").decode() for word in words]
    assert list(table) == plain == table[:] == [table[n] for n in range(len(table))]
    for row, word in enumerate(words):
        assert table.row(word) == row and table.index(word) == row and word in table
    assert table.row("not there \n") is None
    for prefix in ("", "a", "é", "0"):
        assert sorted(table.beginning(prefix).tolist()) == [
            n for n, word in enumerate(plain) if word.startswith(prefix)
        ]
    assert table[::-1] == plain[::-1]


def test_a_table_of_words_is_a_sequence() -> None:
    table = WordTable.of(["a", "b"])
    assert table[-1] == "b" and 3 not in table
    with pytest.raises(IndexError):
        table[2]
    with pytest.raises(ValueError, match="zz"):
        table.index("zz")


def test_the_two_ways_to_gensim_share_the_matrix(vectors: Vectors) -> None:
    keyed = vectors.keyed
    assert keyed.vectors is vectors.matrix_all and keyed.norms is vectors.norms
    again = Vectors.of_keyed(keyed, label="again")
    assert again.keyed is keyed and again.matrix_all is vectors.matrix_all and list(again.words) == list(PLANE)
