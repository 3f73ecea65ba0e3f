"""``llm-lab attention MODEL TEXT``: where heads look, as a picture in text, a table, CSV, JSON, PNG or SVG."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from core.errors import InputError
from lab.cli import inside
from lab.cli.attention_steps import print_steps
from lab.cli.inside import Files, Subject, option
from lab.cli.report import print_json
from lab.cli.writing import write

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from core.model.pictures.maps import HeadMap
    from core.model.trace import Trace

Place = tuple[int, int | None]
"""A layer and a head, or all heads of the layer as one."""

MOST = 400
"""Small maps that one figure holds."""
_LOOKED_AT = 3


def attention(
    model: inside.ModelName,
    text: inside.Text,
    /,
    *,
    layer: Annotated[int | None, option("Of one layer, from 0. Default: all.")] = None,
    head: Annotated[int | None, option("Of one head, from 0. Default: all.")] = None,
    together: Annotated[
        str | None, option("Heads as one: mean, max, or rollout, which follows attention through the layers.")
    ] = None,
    what: Annotated[str, option("pattern, scores (scaled and masked) or raw_scores (q·k). Default: pattern.")] = (
        "pattern"
    ),
    position: inside.Position = -1,
    row: Annotated[int | None, option("The same as --position, by the word of the steps.")] = None,
    steps: Annotated[
        bool, option("Work the head at --position out, step by step with the numbers.", switch=True)
    ] = False,
    part: Annotated[
        str | None, option("With --steps: head, block, loss, or a form that a course begins with: simple, weights, ...")
    ] = None,
    column: Annotated[int | None, option("With --steps: the token whose dot product is written out.")] = None,
    off: inside.Off = None,
    device: inside.Device = "auto",
    as_json: inside.AsMapsJson = False,
    csv: inside.AsCsv = None,
    png: inside.AsPng = None,
    svg: inside.AsSvg = None,
) -> int:
    """Shows where each token looks, or works it out.

    One head, or several together, is a picture: a row for each token. Of several heads, each has a line that says what
    the token at --position looks at most. With --json a head is one object on a line of its own: for each token the
    weights of those that it may see. With --steps it is not where they look but how that comes about: each step of the
    arithmetic with its numbers.
    """
    files = Files(csv, png, svg, as_json)
    worked = steps or part is not None
    _must_go_together(together, head, what, worked)
    if row is not None and position != -1:
        raise InputError("--row and --position are the same, got both", "leave one out")
    if column is not None and not worked:
        raise InputError("--column is of the steps of a head", "add --steps")
    seen = inside.subject(model, text, device)
    places = _places(seen, layer, head, together)
    at = seen.place(position) if row is None else seen.place(row, "--row")
    run = seen.run(off)
    if worked:
        return print_steps(seen, run, (part or "head", layer, head, at, column), files, as_json)

    def maps() -> Iterator[HeadMap]:
        return _maps(seen, run, places, together, what)

    files.write(lambda: _table(maps()), lambda: _figure(maps(), len(places), seen.loaded.config.n_heads))
    if as_json:
        for one in maps():
            print_json(one.to_dict())
    elif len(places) == 1 and not files.any:
        _print_picture(next(maps()))
    elif not files.any:
        _print_lines(maps(), seen, at)
    return 0


def _must_go_together(together: str | None, head: int | None, what: str, worked: bool) -> None:
    """Refuses options of which one says what another has no part in.

    Raises:
        InputError: the title names two of them.
    """
    if together is not None and (head is not None or what != "pattern"):
        other = "--head" if head is not None else f"--what {what}"
        raise InputError(f"--together is of the patterns of all heads, got {other} too", "leave one out")
    if worked and (together is not None or what != "pattern"):
        other = "--together" if together is not None else f"--what {what}"
        raise InputError(f"--steps are those of one place, got {other} too", "leave one out")


def _places(seen: Subject, layer: int | None, head: int | None, together: str | None) -> list[Place]:
    """What is shown.

    Raises:
        InputError: a layer or a head that the model has not.
    """
    from core.model.patching import index

    config = seen.loaded.config
    layers = range(config.n_layers) if layer is None else [index(layer, config.n_layers, "layer", back=False)]
    if together is not None:  # rollout goes through all layers before
        return [(at, None) for at in (layers[-1:] if together == "rollout" else layers)]
    heads = range(config.n_heads) if head is None else [index(head, config.n_heads, "head", back=False)]
    return [(at, h) for at in layers for h in heads]


def _maps(seen: Subject, run: Trace, places: list[Place], together: str | None, what: str) -> Iterator[HeadMap]:
    from core.model.pictures.maps import combined_map, head_maps

    tokenizer, name = seen.loaded.tokenizer, seen.loaded.spec
    if together is None:
        return head_maps(run, tokenizer, name, [(at, h) for at, h in places if h is not None], what)
    return (combined_map(run, tokenizer, name, at, together) for at, _ in places)


def _table(maps: Iterator[HeadMap]) -> object:
    from core.model.pictures.tables import map_table

    return map_table(maps)


def _figure(maps: Iterator[HeadMap], count: int, heads: int) -> Figure:
    from core.model.pictures.figures import map_figure, maps_figure

    if count > MOST:
        raise InputError(f"{count} maps do not fit into one figure, {MOST} do", "choose a layer: --layer 0")
    if count == 1:
        return map_figure(next(maps))
    return maps_figure(maps, count, heads if count > heads else min(count, 4))


def _print_picture(one: HeadMap) -> None:
    from core.model.pictures.blocks import text_picture

    width = shutil.get_terminal_size((120, 24)).columns
    ascii_only = (sys.stdout.encoding or "").lower().replace("-", "") not in ("utf8", "utf16", "utf32")
    for line in text_picture(one, width, ascii_only=ascii_only):
        write(line + "\n")


def _print_lines(maps: Iterator[HeadMap], seen: Subject, at: int) -> None:
    """A line for each map: what one token looks at most, and how spread its look is."""
    from lab.cli.runs import print_table

    rows = [_line(one, at) for one in maps]
    write(f"{at} {seen.labels[at]} looks at\n")
    print_table(("", "bits", *(str(i + 1) for i in range(_LOOKED_AT))), rows)


def _line(one: HeadMap, at: int) -> tuple[str, ...]:
    row = one.values[at, : at + 1]
    name = one.title.partition(" · ")[0] if one.how == "head" else one.title
    if not row.isfinite().all():
        return (name, "nan", *[""] * _LOOKED_AT)
    spread = one.what == "pattern" and one.how != "max"  # only what makes 1 in all has an entropy
    bits = max(0.0, -float(row.xlogy(row).sum()) / math.log(2)) if spread else None
    best = row.topk(min(_LOOKED_AT, len(row)))
    told = [f"{v:.2f} {i} {one.tokens[i]}" for v, i in zip(best.values.tolist(), best.indices.tolist(), strict=True)]
    return (name, inside.number(bits, 2), *told, *[""] * (_LOOKED_AT - len(told)))
