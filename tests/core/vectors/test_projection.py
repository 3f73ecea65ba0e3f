"""Words in the plane: components, axes that pairs name, the plane of an expression, and t-SNE."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA
from vector_files import numbers

from core.errors import InputError
from core.vectors.plane import plane
from core.vectors.plane_picture import write_plane
from core.vectors.progress import CancelledError
from core.vectors.projection import pca
from core.vectors.store import UnknownWordError, Vectors
from core.vectors.tsne import project_steps

WORDS = [f"w{n}" for n in range(60)]


@pytest.fixture
def vectors() -> Vectors:
    return Vectors(WORDS, numbers(60, 12))


# --- principal components


@pytest.mark.parametrize("shape", [(2, 5), (5, 2), (60, 12), (300, 250), (250, 400), (900, 300)])
@pytest.mark.parametrize("axes", [(0, 1), (1, 0)])
def test_components_are_those_of_the_full_decomposition(shape: tuple[int, int], axes: tuple[int, int]) -> None:
    table = numbers(*shape) * np.linspace(3, 0.2, shape[1], dtype=np.float32)
    xy, share = pca(table, axes)
    full = PCA(svd_solver="full").fit(table)
    assert share == pytest.approx(full.explained_variance_ratio_[list(axes)], rel=1e-4, abs=1e-6)
    theirs = full.transform(table)[:, list(axes)]
    for ours, peer in zip(xy.T, theirs.T, strict=True):
        assert min(np.abs(ours - peer).max(), np.abs(ours + peer).max()) < 2e-3 * np.abs(theirs).max()


def test_later_components_and_the_same_picture_again() -> None:
    table = numbers(400, 260)
    xy, share = pca(table, (5, 2))
    ratio = PCA(svd_solver="full").fit(table).explained_variance_ratio_
    assert share == pytest.approx((ratio[5], ratio[2]), rel=1e-6)
    assert np.array_equal(xy, pca(table, (5, 2))[0])
    assert np.abs(xy - pca(table, (5, 2), seed=9)[0]).max() < 1e-4, "the start decides nothing"


def test_words_that_lie_in_one_place() -> None:
    xy, share = pca(np.ones((4, 3), np.float32))
    assert not xy.any() and share == (0.0, 0.0)


@pytest.mark.parametrize("axes", [(0, 0), (0, 12), (-1, 0)])
def test_components_that_there_are_not(vectors: Vectors, axes: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="components"):
        vectors.project(WORDS, axes=axes)


def test_a_map_names_its_words_axes_and_shares(vectors: Vectors) -> None:
    found = vectors.project(["w3", "w1", "w3", "w2"], axes=(1, 0))
    assert found.words == ("w3", "w1", "w2") and found.names == ("component 2", "component 1")
    assert found.share is not None and sum(found.share) == pytest.approx(1.0)  # three points lie in a plane
    points = found.to_dict()["points"]
    assert points[0] == {"word": "w3", "x": found.xy[0, 0], "y": found.xy[0, 1]}
    with pytest.raises(UnknownWordError):
        vectors.project(["w1", "nobody"])


# --- axes that pairs of words name


def test_words_along_pairs() -> None:
    words = {"left": [-1, 0, 0.2], "right": [1, 0, 0.2], "low": [0, -1, 0.1], "high": [0, 1, 0.1], "x": [0.5, 0.5, 1]}
    vectors = Vectors(words, np.array(list(words.values()), np.float32))
    found = vectors.project(["left", "right", "high", "x"], "axes", pairs=[("left", "right"), ("low", "high")])
    unit = vectors.unit("x")
    assert found.names == ("left to right", "low to high") and found.method == "axes"
    assert found.xy[3] == pytest.approx([unit[0], unit[1]])
    assert found.xy[0, 0] == pytest.approx(-found.xy[1, 0]) and found.xy[2, 0] == pytest.approx(0)
    assert found.share is not None and 0 < found.share[1] < found.share[0] < 1


@pytest.mark.parametrize(
    "pairs", [None, [], [("w1", "w2")], [("w1", "w2"), ("w3", "w3")], [("w1", "w2"), ("w3", "nobody")]]
)
def test_pairs_that_make_no_axes(vectors: Vectors, pairs: list[tuple[str, str]] | None) -> None:
    with pytest.raises(InputError) as caught:
        vectors.project(WORDS, "axes", pairs=pairs)
    assert caught.value.hint


# --- the plane of an expression


def test_the_parallelogram_lies_in_the_plane() -> None:
    vectors = Vectors(WORDS, numbers(60, 12))
    far = vectors.evaluate("w1 - w2 + w3", 57).neighbours[-1].word
    found = plane(vectors, "w1 - w2 + w3", answers=2, others=(far, "w1"))
    assert [point.role for point in found.points] == ["input"] * 3 + ["sum", "answer", "answer", "other"]
    assert [point.weight for point in found.points[:3]] == [1, -1, 1] and found.points[3].name == "w1 - w2 + w3"
    king, man, woman, total = (np.array([point.x, point.y]) for point in found.points[:4])
    assert total == pytest.approx(king - man + woman, abs=1e-6), "its fourth corner"
    assert found.edges == ((1, 0), (2, 3), (1, 2), (0, 3))
    assert [point.outside for point in found.points[:4]] == pytest.approx([0] * 4, abs=1e-6)
    assert found.points[4].outside > 0 and 0 < found.share < 1 and found.points[0].x > 0


def test_lengths_in_the_plane_and_above_it_are_those_of_space() -> None:
    vectors = Vectors(WORDS, numbers(60, 12))
    found = vectors.plane("w1 + w2 - w3", answers=3)
    for a in found.points[:3]:
        for b in (*found.points[:3], *found.points[4:]):
            flat = np.hypot(a.x - b.x, a.y - b.y)
            whole = np.linalg.norm(vectors.unit(a.name) - vectors.unit(b.name))
            assert np.hypot(flat, b.outside) == pytest.approx(whole, abs=1e-6)


@pytest.mark.parametrize("text", ["w1 + w2", "w1 - w2", "w1 + w2 + w3 + w4 - 2*w5", "w1 : w2 :: w3"])
def test_other_expressions_have_a_plane_too(vectors: Vectors, text: str) -> None:
    found = plane(vectors, text)
    assert all(np.isfinite([point.x, point.y, point.outside]).all() for point in found.points)
    assert found.to_dict()["share"] == found.share > 0
    assert all(a < len(found.points) and b < len(found.points) for a, b in found.edges)


def test_one_word_spans_no_plane(vectors: Vectors) -> None:
    with pytest.raises(InputError, match="span a plane"):
        plane(vectors, "2*w1")


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_the_plane_as_a_picture(tmp_path: Path, kind: str) -> None:
    vectors = Vectors(["$x^2$", "東京", "_", "w"], numbers(4, 5))
    path = write_plane(vectors.plane('"$x^2$" - "東京" + _'), tmp_path / f"plane.{kind}", title="$ synthetic")
    begin = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[kind]
    content = path.read_bytes()
    assert content.startswith(begin) and len(content) > 2000
    again = write_plane(vectors.plane('"$x^2$" - "東京" + _'), tmp_path / f"again.{kind}", title="$ synthetic")
    assert again.read_bytes() == content
    with pytest.raises(InputError):
        write_plane(vectors.plane("_ - w"), tmp_path / "plane.txt")


# --- t-SNE


def test_tsne_is_scikit_learns_with_progress(vectors: Vectors) -> None:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    steps = list(project_steps(vectors, WORDS, seed=3, iterations=300))
    assert steps[0].phase == "starting" and steps[-1].phase == "done"
    descent = [step for step in steps if step.phase == "descent"]
    assert [step.iteration for step in descent] == sorted(step.iteration for step in descent) and len(descent) >= 5
    assert all(step.loss is not None and step.loss > 0 for step in descent)
    found = steps[-1].projection
    assert found is not None and found.words == tuple(WORDS) and found.share is None and found.method == "tsne"
    with threadpool_limits(1):
        theirs = TSNE(2, perplexity=59 / 3, max_iter=300, init="pca", random_state=3).fit_transform(vectors.matrix_all)
    assert found.xy == pytest.approx(theirs, abs=1e-3)
    assert steps[-1].to_dict()["projection"]["method"] == "tsne" and "projection" not in steps[0].to_dict()


def test_tsne_is_given_up(vectors: Vectors) -> None:
    import psutil

    cancel = threading.Event()
    with pytest.raises(CancelledError):
        for step in project_steps(vectors, WORDS, iterations=100_000_000, cancel=cancel):
            if step.phase == "descent":
                cancel.set()
    assert not [child for child in psutil.Process().children() if "tsne_child" in " ".join(child.cmdline())]
    steps = project_steps(vectors, WORDS, iterations=100_000_000)
    next(steps)
    next(steps)
    steps.close()
    assert not [child for child in psutil.Process().children() if "tsne_child" in " ".join(child.cmdline())]


def test_tsne_needs_some_words(vectors: Vectors) -> None:
    for words, more in ((WORDS[:3], {}), (WORDS, {"iterations": 249}), (WORDS, {"perplexity": 0.0})):
        with pytest.raises(InputError) as caught:
            next(project_steps(vectors, words, **more))
        assert caught.value.hint
