"""``llm-lab vectors SPEC analogy|neighbours|similarity|odd-one-out``: what vectors answer at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import InputError
from lab.cli.report import print_json
from lab.cli.vectors_sources import about, say_synthetic
from lab.cli.writing import draws

if TYPE_CHECKING:
    from core.vectors.store import Neighbour, Vectors
    from lab.cli.vectors_flags import Asked

_BAR = 24
"""Cells of a bar for the cosine 1."""
_WITH = 3
"""Words that are shown of the answer that leaves nothing out."""


def analogy(asked: Asked) -> int:
    """``king - man + woman``: the words nearest to a sum."""
    from core.vectors.expression import ExpressionError

    text = " ".join(asked.words)
    if not text.strip():
        raise InputError("analogy needs an expression, and none came", "for one: 'king - man + woman'")
    vectors = asked.load()
    try:
        if asked.given.get("method") == "cosmul":
            return _cosmul(asked, vectors, text)
        shown = asked.count if asked.as_json else max(asked.count, _WITH)
        answer = vectors.evaluate(text, shown, exclude_inputs=not asked.given.get("with_inputs"))
    except ExpressionError as error:  # its own title points with a line below, and here there are two lines
        raise InputError(f"{error.said}, at character {error.at + 1} of {text!r}", error.hint) from None
    if asked.as_json:
        print_json({**about(vectors), "method": "add", **answer.to_dict()})
        return 0
    print(f"{answer.expression} ≈")
    print_neighbours(answer.neighbours[: asked.count])
    if answer.exclude_inputs:
        whole = " · ".join(f"{found.word} {found.value:.3f}" for found in answer.with_inputs[:_WITH])
        print(f"its own words are left out; with them: {whole}")
    say_synthetic(vectors)
    return 0


def _cosmul(asked: Asked, vectors: Vectors, text: str) -> int:
    """The product of cosines, which knows words that are added and words that are taken away, and no weights."""
    from core.vectors.expression import parse

    parsed = parse(text, vectors.words.__contains__)
    if strange := next((term for term in parsed.terms if abs(term.weight) != 1), None):
        raise InputError(
            f"cosmul takes each word once, added or taken away, got {strange.weight:g} times {strange.word}",
            "--method add takes any weights",
        )
    positive = [term.word for term in parsed.terms if term.weight > 0]
    negative = [term.word for term in parsed.terms if term.weight < 0]
    exclude = not asked.given.get("with_inputs")
    found = vectors.analogy(positive, negative, asked.count, method="cosmul", exclude_inputs=exclude)
    if asked.as_json:
        shown = {"expression": text, "positive": positive, "negative": negative, "exclude_inputs": exclude}
        print_json({**about(vectors), "method": "cosmul", **shown, "neighbours": [each.to_dict() for each in found]})
        return 0
    print(f"{parsed} ≈   (3CosMul: the values are no cosines)")
    print_neighbours(found)
    say_synthetic(vectors)
    return 0


def neighbours(asked: Asked) -> int:
    """The words nearest to a word."""
    if len(asked.words) != 1:
        raise InputError(
            f"neighbours needs one word, got {len(asked.words)}", "a sum of words is an analogy: analogy 'king - man'"
        )
    vectors, measure = asked.load(), asked.given.get("measure", "cosine")
    found = vectors.neighbours(asked.words[0], asked.count, measure=measure)
    if asked.as_json:
        answer = {"word": asked.words[0], "measure": measure, "neighbours": [each.to_dict() for each in found]}
        print_json({**about(vectors), **answer})
        return 0
    print_neighbours(found, bars=measure == "cosine")
    say_synthetic(vectors)
    return 0


def print_neighbours(found: Sequence[Neighbour], bars: bool = True) -> None:
    """A line for each: rank, word, a bar, the value."""
    from rich.cells import cell_len, set_cell_size

    width, bars = max((cell_len(each.word) for each in found), default=0), bars and draws()
    for each in found:
        bar = "█" * round(_BAR * min(max(each.value, 0.0), 1.0)) if bars else ""
        drawn = f"{bar:<{_BAR}}  " if bars else ""
        print(f"{each.rank:>3}  {set_cell_size(each.word, width)}  {drawn}{each.value:.4f}")


def similarity(asked: Asked) -> int:
    """Two words: everything that is said of them. More: a table of cosines."""
    words = asked.all_words(2, "similarity king queen")
    if "output" in asked.given:
        return _save_matrix(asked, words)
    vectors = asked.load()
    return _two(asked, vectors, words) if len(words) == 2 else _matrix(asked, vectors, words)


def _two(asked: Asked, vectors: Vectors, words: tuple[str, ...]) -> int:
    found = vectors.compare(*words)
    if asked.as_json:
        print_json({**about(vectors), **found.to_dict()})
        return 0
    a, b = words
    print(f"{a} · {b}: cosine {found.cosine:.4f}, inner product {found.dot:.4f}, distance {found.distance:.4f}")
    print(f"lengths {found.lengths[0]:.4f} and {found.lengths[1]:.4f}")
    print(f"{b} is number {found.ranks[0]:,} of the neighbours of {a}, {a} number {found.ranks[1]:,} of those of {b}")
    say_synthetic(vectors)
    return 0


def _matrix(asked: Asked, vectors: Vectors, words: tuple[str, ...]) -> int:
    from lab.cli.runs import print_table

    cosines = vectors.matrix(words)
    if asked.as_json:
        print_json({**about(vectors), "of": list(words), "cosines": cosines.tolist()})
        return 0
    rows = [(word, *(f"{value:.2f}" for value in row)) for word, row in zip(words, cosines, strict=True)]
    print_table(("", *words), rows)
    say_synthetic(vectors)
    return 0


def _save_matrix(asked: Asked, words: tuple[str, ...]) -> int:
    from core.files import write_bytes_atomic
    from core.pictures import check_path
    from core.vectors.map_files import matrix_csv

    path = Path(asked.given["output"]).expanduser()
    check_path(path, ("csv",))
    vectors = asked.load()
    write_bytes_atomic(path, matrix_csv(words, vectors.matrix(words)).encode("utf-8"), sync=False)
    return wrote(asked, vectors, path, {"of": list(words)}, f"{len(words)} x {len(words)} cosines")


def wrote(asked: Asked, vectors: Vectors, path: Path, facts: dict[str, Any], what: str) -> int:
    """Says what was written and where."""
    if asked.as_json:
        print_json({**about(vectors), **facts, "path": str(path)})
        return 0
    print(f"{path}: {what}")
    say_synthetic(vectors)
    return 0


def odd_one_out(asked: Asked) -> int:
    """The word that lies furthest from the mean of all."""
    words = asked.all_words(3, "odd-one-out breakfast lunch car")
    vectors = asked.load()
    found = vectors.odd_one_out(words)
    if asked.as_json:
        print_json({**about(vectors), **found.to_dict()})
        return 0
    print(found.word)
    for word, cosine in found.cosines:
        print(f"  {word}: cosine {cosine:.4f} with the mean of all")
    say_synthetic(vectors)
    return 0
