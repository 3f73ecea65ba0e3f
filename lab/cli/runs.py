"""``llm-lab runs``: what was and is being trained, newest first."""

from __future__ import annotations

import math
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from lab.cli.control import AsJson
from lab.cli.report import print_json
from lab.cli.writing import draws

if TYPE_CHECKING:
    from core.training.runs import RunSummary

GLYPHS = {
    "running": "●",
    "paused": "‖",
    "starting": "◌",
    "stopping": "◌",
    "finished": "◆",
    "stopped": "◇",
    "diverged": "✗",
    "failed": "✗",
    "dead": "✗",
    "silent": "?",
    "unreadable": "?",
}
_LEVELS = "▁▂▃▄▅▆▇█"


def runs(
    *,
    folder: Annotated[str | None, Parameter(name="--dir", help="The folder of runs; else LLM_LAB_RUNS.")] = None,
    as_json: AsJson = False,
) -> int:
    """Lists the runs, newest first."""
    from core.folders import runs_dir
    from core.training.runs import list_runs

    where = Path(folder).expanduser() if folder else runs_dir()
    found = list_runs(where, bundled=folder is None)
    if as_json:
        print_json({"runs_dir": str(where), "runs": [summary.to_dict() for summary in found]})
        return 0
    if found:
        header = ("", "run", "state", "step", "last loss", "best val", "size", "tokenizer", "age", "")
        print_table(header, [_row(summary) for summary in found])
    if all(summary.bundled for summary in found):
        print(f"no runs in {where} yet; start one: llm-lab train --preset shakespeare-1min")
    return 0


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    """Lines of a plain table with two spaces between columns.

    >>> table(("run", "n"), [("a", "10"), ("long", "2")])
    ['run   n', 'a     10', 'long  2']
    """
    from rich.cells import cell_len, set_cell_size  # a wide character takes two cells

    widths = [max(cell_len(cell) for cell in column) for column in zip(header, *rows, strict=True)]
    return [
        "  ".join(set_cell_size(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (header, *rows)
    ]


def print_table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Prints a table, cut at the width of a terminal, whole where it goes elsewhere."""
    from rich.cells import cell_len, set_cell_size

    width = shutil.get_terminal_size((120, 24)).columns if sys.stdout.isatty() else 10_000
    for line in table(header, rows):
        print(set_cell_size(line, width).rstrip() if cell_len(line) > width else line)


def _row(summary: RunSummary) -> tuple[str, ...]:
    return (
        GLYPHS.get(summary.state, "?"),
        summary.name,
        summary.state,
        f"{summary.step:,}/{summary.max_steps:,}",
        _number(summary.train_loss),
        _number(summary.best_val_loss),
        count(summary.parameters),
        summary.tokenizer or "–",
        "ships" if summary.bundled else age(summary.updated),
        spark(summary.spark) if draws() else "",
    )


def _number(value: float | None) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.4f}"


def count(n: int | None) -> str:
    """A number of parameters, short.

    >>> count(809_984), count(124_439_808), count(None)
    ('0.81M', '124M', '–')
    """
    if not n:
        return "–"
    if n < 1e4:
        return str(n)
    return f"{n / 1e6:.2f}M" if n < 1e7 else f"{n / 1e6:.0f}M" if n < 1e9 else f"{n / 1e9:.2f}B"


def age(since: float | None) -> str:
    """How long ago a Unix time was, in its largest unit."""
    if not since:
        return "–"
    seconds = max(time.time() - since, 0)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def spark(values: list[float]) -> str:
    """A curve in one line of blocks.

    >>> spark([4.0, 3.0, 2.0])
    '█▅▁'
    """
    finite = [v for v in values if math.isfinite(v)]
    if not finite:
        return ""
    low, high = min(finite), max(finite)
    scale = (len(_LEVELS) - 1) / (high - low) if high > low else 0.0
    return "".join(_LEVELS[round((v - low) * scale)] if math.isfinite(v) else " " for v in values)
