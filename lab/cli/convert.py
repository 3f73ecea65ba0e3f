"""``llm-lab convert SRC DST``: a model in another layout."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from lab.cli.control import json_flag
from lab.cli.drawing import drawing_console
from lab.cli.progress import drawable
from lab.cli.report import print_json
from lab.cli.signals import stop_on_signals

if TYPE_CHECKING:
    from core.weights.progress import ConvertProgress

Source = Annotated[
    str,
    Parameter(
        name="SRC",
        help="A model, as of llm-lab weights; also a pickle (.bin, .pt, or its folder), or a .keras file of ours.",
    ),
]
Target = Annotated[str, Parameter(name="DST", help="The folder to make; for keras a file, NAME.keras.")]


def convert(
    src: Source,
    dst: Target,
    /,
    *,
    to: Annotated[
        str, Parameter(help="huggingface (transformers loads it), llm-lab, or keras (one file).")
    ] = "huggingface",
    as_json: Annotated[bool, json_flag("Print JSON, a line for each tensor as it is done.")] = False,
) -> int:
    """Writes a model anew: a folder for transformers or for the lab, or a .keras file."""
    import threading
    from typing import cast

    from core.weights.convert import To
    from core.weights.convert import convert as steps

    cancelled = threading.Event()
    with stop_on_signals(cancelled.set, lambda text: None) as received:
        last = _follow(steps(src, dst, cast(To, to), cancelled), as_json)
    if last is None or last.phase != "done":
        return received.exit_code or 1
    if not as_json:
        print(f"{src} is in {last.path}: {last.total} tensors, {last.bytes_total:,} bytes, for {to}")
    return 0


def _follow(steps: Iterator[ConvertProgress], as_json: bool) -> ConvertProgress | None:
    last = None
    if as_json or not drawable():
        for last in steps:
            if as_json:
                print_json(last.to_dict())
        return last
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=None), DownloadColumn())
    with Progress(*columns, transient=True, console=drawing_console()) as bar:
        task = bar.add_task("starting", total=None)
        for last in steps:
            bar.update(task, description=last.name or "starting", completed=last.bytes_done, total=last.bytes_total)
    return last
