"""``llm-lab compare A B``: which tensors moved between two models of one shape, and how far."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf, isfinite, isinf, isnan
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from lab.cli.control import AsJson
from lab.cli.report import print_json

if TYPE_CHECKING:
    from core.weights.compare import TensorChange

FROM_ZERO, NO_RATIO, UNBOUNDED = "from 0", "–", "unbounded"
"""What stands for a figure that is infinite or none; a line below the table says why."""

First = Annotated[str, Parameter(name="A", help="A model, as of llm-lab weights; of a run, NAME@STEP.")]
Second = Annotated[str, Parameter(name="B", help="Another of the same shape.")]


def compare(
    a: First,
    b: Second,
    /,
    *,
    sort: Annotated[bool, Parameter(negative="", help="What moved most comes first.")] = False,
    as_json: AsJson = False,
) -> int:
    """Shows how far each tensor of B lies from that of A."""
    from core.weights.compare import compare as changes

    found = list(changes(a, b))
    ordered = sorted(found, key=_nearest_last) if sort else found
    moved = sum(not change.same for change in found)
    if as_json:
        print_json(
            {"a": a, "b": b, "tensors": [change.to_dict() for change in ordered], "moved": moved, "of": len(found)}
        )
        return 0
    _print(ordered)
    print(f"\n{moved} of {len(found)} tensors differ between {a} and {b}")
    return 0


def _nearest_last(change: TensorChange) -> float:
    return -inf if isnan(change.relative) else -change.relative


def _print(changes: Iterable[TensorChange]) -> None:
    from lab.cli.runs import print_table

    header = ("tensor", "parameters", "relative", "cosine", "mean |Δ|", "max |Δ|")
    rows: list[tuple[str, ...]] = [
        (
            change.name,
            f"{change.parameters:,}",
            "same" if change.same else _ratio(change.relative),
            _ratio(change.cosine),
            _size(change.mean_abs),
            _size(change.max_abs),
        )
        for change in changes
    ]
    print_table(header, rows)
    notes = {FROM_ZERO: "all zeros in A, so that its change is no multiple of anything",
             NO_RATIO: "one of the two is all zeros, or holds values that are no numbers",
             UNBOUNDED: "one of the two holds an infinite value, or one that is no number"}  # fmt: skip
    said = {cell for row in rows for cell in row[2:]}
    for sign, meaning in notes.items():
        if sign in said:
            print(f"{sign}: {meaning}")


def _ratio(value: float) -> str:
    if isnan(value):
        return NO_RATIO
    return FROM_ZERO if isinf(value) else f"{value:.4f}"


def _size(value: float) -> str:
    return f"{value:.3g}" if isfinite(value) else UNBOUNDED
