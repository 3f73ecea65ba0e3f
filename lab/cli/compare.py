"""``llm-lab compare A B``: which tensors moved between two models of one shape, and how far."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf, isnan
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from lab.cli.control import AsJson
from lab.cli.report import print_json

if TYPE_CHECKING:
    from core.weights.compare import TensorChange

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
            "same" if change.same else f"{change.relative:.4f}",
            f"{change.cosine:.4f}",
            f"{change.mean_abs:.3g}",
            f"{change.max_abs:.3g}",
        )
        for change in changes
    ]
    print_table(header, rows)
