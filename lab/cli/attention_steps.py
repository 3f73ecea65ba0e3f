"""``llm-lab attention MODEL TEXT --steps``: the arithmetic step by step, with the actual numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from core.errors import InputError, nearest
from lab.cli.report import print_json
from lab.cli.writing import write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from core.model.trace import Trace
    from core.model.worked import Step
    from lab.cli.inside import Files, Subject


def work_out(
    seen: Subject, run: Trace, part: str, layer: int | None, head: int | None, row: int, column: int | None = None
) -> list[Step]:
    """The steps of one part.

    Raises:
        InputError: there is no such part, layer, head or column, or one that is needed was not named.
    """
    from core.model.parts import OF_A_HEAD, PARTS, steps_of
    from core.model.pictures.labels import token_labels

    if part not in PARTS:
        raise InputError(f"--part knows no {part!r}{nearest(part, PARTS)}", "there are: " + ", ".join(PARTS))
    of_a_layer = part in OF_A_HEAD or part in ("block", "stacked")
    if (layer is None and of_a_layer) or (head is None and part in OF_A_HEAD):
        needed = "--layer and --head are" if part in OF_A_HEAD else "--layer is"
        raise InputError(f"the steps of {part!r} are of one place: {needed} needed", "for example --layer 0 --head 0")
    if column is not None and part != "head":
        raise InputError(f"--column is of the steps of a head, got it for {part!r}", "leave it out, or: --part head")

    def word(token: int) -> str:
        return token_labels(seen.loaded.tokenizer, [token])[0]

    return steps_of(run, part, layer or 0, head or 0, row, column=column, tokens=seen.labels, word=word)


def print_steps(
    seen: Subject,
    run: Trace,
    where: tuple[str, int | None, int | None, int, int | None],
    files: Files,
    as_json: bool,
) -> int:
    """Prints the steps of a part: as text, or as one JSON object; or writes a table with a row for each number.

    Args:
        seen: the model and the text.
        run: the pass.
        where: part, layer, head, row and column.
        files: where to write; steps have no picture.
        as_json: whether JSON is printed.

    Raises:
        InputError: a place that is not there, or a picture was asked for.
    """
    part, layer, head, row, column = where
    if files.png is not None or files.svg is not None:
        raise InputError(
            "steps are numbers, there is no picture of them", "leave --png and --svg out; --csv writes them"
        )
    steps = work_out(seen, run, part, layer, head, row, column)
    files.write(lambda: _table(steps), _no_figure)
    if as_json:
        place = {"part": part, "layer": layer, "head": head, "row": row}
        print_json({**seen.to_dict(), **place, "steps": [step.to_dict() for step in steps]})
    elif not files.any:
        for number, step in enumerate(steps, 1):
            write(f"{number} {step.title}: {step.why}\n")
            for line in step.lines:
                write(f"    {line}\n")
            if step.check is not None:
                write(f"  {'✓' if step.check.ok else '✗'} {step.check.text}\n")
    return 0


def _table(steps: list[Step]) -> tuple[tuple[str, ...], Iterator[tuple[Any, ...]]]:
    rows = (
        (number, step.title, one.name, index, value)
        for number, step in enumerate(steps, 1)
        for one in step.numbers
        for index, value in enumerate(one.values)
    )
    return ("number", "step", "name", "index", "value"), rows


def _no_figure() -> Figure:
    raise AssertionError("refused before")
