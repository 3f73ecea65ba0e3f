"""``llm-lab lens MODEL TEXT``: what each layer would already answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from core.errors import InputError
from lab.cli import inside
from lab.cli.inside import Files, Subject, number, option
from lab.cli.report import print_json
from lab.cli.writing import write

if TYPE_CHECKING:
    from core.model.lens import LensRow


def lens(
    model: inside.ModelName,
    text: inside.Text,
    /,
    *,
    position: inside.Position = -1,
    top: Annotated[int, option("Tokens a layer names. Default: 5.")] = 5,
    token: Annotated[int | None, option("The id whose rank each layer tells. Default: the model's answer.")] = None,
    off: inside.Off = None,
    device: inside.Device = "auto",
    as_json: inside.AsJson = False,
    csv: inside.AsCsv = None,
    png: inside.AsPng = None,
    svg: inside.AsSvg = None,
) -> int:
    """Says layer by layer what the model would answer after a token if it ended there: the logit lens.

    The final norm and the head are put on what stands between two layers; the last row is the model's own answer. An
    approximation: no layer but the last was trained to be read so.
    """
    files = Files(csv, png, svg, as_json)
    if top < 1:
        raise InputError(f"--top must be at least 1, got {top}", "leave it out for 5")
    seen = inside.subject(model, text, device)
    place = seen.place(position)
    from core.model.lens import lens as run  # after the model: that comes with torch, and it is told how to wait first

    rows = run(seen.run(off), place, top, token=token)
    after = f"after {place} {seen.labels[place]}"
    _take(files, rows, seen, f"{model} · {after}")
    if as_json:
        print_json({**seen.to_dict(), "position": place, "rows": [_row(row, seen) for row in rows]})
    elif not files.any:
        _print(rows, seen, after)
    return 0


def _take(files: Files, rows: list[LensRow], seen: Subject, title: str) -> None:
    from core.model.pictures.figures import lens_figure
    from core.model.pictures.tables import lens_table

    tokenizer = seen.loaded.tokenizer
    files.write(lambda: lens_table(rows, tokenizer), lambda: lens_figure(rows, tokenizer, title))


def _named(token: int, seen: Subject) -> str:
    from core.model.pictures.labels import token_labels

    return token_labels(seen.loaded.tokenizer, [token])[0]


def _row(row: LensRow, seen: Subject) -> dict[str, Any]:
    top = [{**found.to_dict(), "text": _named(found.token, seen)} for found in row.top]
    answer = {} if row.answer is None else {"answer_text": _named(row.answer, seen)}
    return {**row.to_dict(), **answer, "top": top}


def _print(rows: list[LensRow], seen: Subject, after: str) -> None:
    from core.model.pictures.figures import layer_name
    from lab.cli.runs import print_table

    answer = rows[-1].answer
    said = "no number" if answer is None else _named(answer, seen)
    write(f"{after}: rank and probability of {said}, and what else each layer would say\n")
    k = max((len(row.top) for row in rows), default=0)
    header = ("", "bits", "rank", "p", *(str(i + 1) for i in range(k)))
    print_table(header, [_cells(row, len(rows) - 1, k, seen, layer_name) for row in rows])


def _cells(row: LensRow, layers: int, k: int, seen: Subject, layer_name: Any) -> tuple[str, ...]:
    told = [f"{found.probability:.3f} {_named(found.token, seen)}" for found in row.top]
    rank = "–" if row.rank is None else f"{row.rank:,}"
    name = layer_name(row.layer, layers)
    return (name, number(row.entropy, 2), rank, number(row.probability), *told, *[""] * (k - len(told)))
