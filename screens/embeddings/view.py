"""What the embeddings screen says, without a widget: titles, sentences, rows, the figures of its maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.vectors.groups import GROUP_NAMES, group_of
from screens.embeddings.scores import Score, number
from screens.widgets.word_map_paint import MapFigure

if TYPE_CHECKING:
    from core.vectors.answers import Closeness
    from core.vectors.expression import Expression
    from core.vectors.plane import Plane
    from core.vectors.store import Vectors
    from screens.embeddings.reader import Asked, Drawn

DEMO = "demo"
VIEWS = ("near", "analogy", "map", "matrix")
PAGES = ("words", "compare", "positions", "train", "evaluate")
VIEW_NAMES = {"near": "neighbours", "analogy": "analogy", "map": "map", "matrix": "similarity matrix"}


def count_text(count: int) -> str:
    """A whole number in groups, as the command line writes it too.

    >>> count_text(400000)
    '400,000'
    """
    return f"{count:,}"


def words_text(count: int, kind: str = "words") -> str:
    """So many words.

    >>> words_text(1), words_text(1753, "tokens")
    ('1 word', '1,753 tokens')
    """
    return f"{count_text(count)} {kind.removesuffix('s') if count == 1 else kind}"


def source_text(vectors: Vectors, room: int) -> str:
    """What the vectors are, as full as there is room; that they are synthetic is never left out."""
    made_up = " · synthetic" if vectors.synthetic else ""
    kind = "tokens" if vectors.pieces is not None else "words"
    size = f"{words_text(len(vectors), kind)} × {vectors.width}"
    name, label = vectors.spec or vectors.label, vectors.label
    if name == DEMO:  # a model has this name too
        name, label = (f"word vectors {DEMO}" if one == DEMO else one for one in (name, label))
    forms = [f"{label}{made_up} · {size}", f"{name}{made_up} · {size}", f"{name}{made_up}"]
    forms += [f"{DEMO}{made_up}"] if vectors.spec == DEMO else []
    if vectors.synthetic and "synthetic" in vectors.label:
        forms[0] = f"{vectors.label} · {size}"
    return next((form for form in forms if len(form) <= room), forms[-1])


def sum_text(expression: Expression) -> str:
    """A sum with a true minus sign."""
    return str(expression).replace(" - ", " − ")


def near_scores(asked: Asked) -> list[Score]:
    """The rows of the neighbours."""
    return [Score(n.word, n.value, n.rank) for n in asked.near]


def sum_scores(asked: Asked) -> list[Score]:
    """The rows of the analogy; words of the sum are marked where they are left in."""
    inputs = {term.word for term in asked.expression.terms}
    return [Score(n.word, n.value, n.rank, marked=n.word in inputs) for n in asked.found]


def inputs_text(asked: Asked) -> str:
    """What came of leaving the inputs out, or of leaving them in."""
    answer = asked.answer
    if answer is None:
        return ""
    inputs = {term.word for term in answer.terms}
    kept = [n for n in asked.with_inputs if n.word in inputs]
    first = f"{kept[0].word} {number(kept[0].value)} #{kept[0].rank}" if kept else ""
    if not answer.exclude_inputs:
        return f"inputs left in: {first or 'none is near'} · i leaves them out"
    if not kept:
        return "inputs left out; they would not be among the first"
    best = f", {asked.found[0].word} #{asked.rank_with_inputs}" if asked.rank_with_inputs else ""
    return f"inputs left out; with them: {first}{best}"


def pair_sentence(found: Closeness, count: int) -> str:
    """Everything about two words in one line."""
    a, b = found.lengths
    return (
        f"{found.a} ↔ {found.b} · cosine {number(found.cosine)} · rank {count_text(found.ranks[0])} of "
        f"{count_text(count - 1)} · lengths {number(a)} and {number(b)}"
    )


def map_titles(drawn: Drawn) -> tuple[str, ...]:
    """What the map shows and what it keeps, the fullest form first."""
    found = drawn.projection
    if found is None:
        return ("map",)
    words = words_text(len(found.words))
    if found.method == "tsne":
        return f"map · t-SNE of {words} · distances between groups mean little", f"t-SNE of {words}", "t-SNE"
    kept = "" if found.share is None else f"{100 * sum(found.share):.0f} %"
    if found.method == "axes":
        across, up = found.names
        both = "" if found.share is None else " · keeps {:.0f} and {:.0f} %".format(*(100 * s for s in found.share))
        return f"map · {across} by {up} of {words}{both}", f"{across} by {up}{both}", f"{across} by {up}"
    axes = "–".join(name.rpartition(" ")[2] for name in found.names)
    return (
        f"map · PCA of {words} · axes {axes} keep {kept} of the spread",
        f"PCA of {words} · axes {axes} keep {kept}",
        f"PCA {axes} keeps {kept}",
    )


def map_figure(drawn: Drawn, asked: Asked | None) -> MapFigure:
    """The points of the map, those of the query marked, its parallelogram drawn where it is one."""
    found = drawn.projection
    if found is None:
        return MapFigure()
    groups = [group_of(word) for word in found.words]
    at = {word: i for i, word in enumerate(found.words)}
    marked: set[int] = set()
    edges: list[tuple[int, int]] = []
    if asked is not None:
        words = [term.word for term in asked.expression.terms if term.weight]
        best = next((n.word for n in asked.found if n.word not in words), "")
        marked = {at[word] for word in (*words, best, asked.word) if word in at}
        if asked.plane is not None:
            names = [best if point.role == "sum" else point.name for point in asked.plane.points]
            edges = [(at[names[a]], at[names[b]]) for a, b in asked.plane.edges if names[a] in at and names[b] in at]
    return MapFigure(np.asarray(found.xy), found.words, groups, frozenset(marked), edges)


def plane_figure(plane: Plane) -> MapFigure:
    """A sum in its plane: the words of one group, the sum and the answer each of another."""
    roles = ("input", "sum", "answer", "other")
    xy = np.array([[point.x, point.y] for point in plane.points])
    labels = ["= sum" if point.role == "sum" else point.name for point in plane.points]
    groups = [roles.index(point.role) for point in plane.points]
    return MapFigure(xy, labels, groups, frozenset(range(len(labels))), plane.edges)


def group_names(words: Sequence[str]) -> list[tuple[int, str]]:
    """The groups that some words are in, each with its number."""
    numbers = sorted({group_of(word) for word in words})
    return [(n, GROUP_NAMES[n]) for n in numbers] if len(numbers) > 1 else []
