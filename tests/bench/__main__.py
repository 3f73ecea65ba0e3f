"""``make bench``: what the README claims, measured against peers in the same run. ``ARGS="training --quick"``: a part.

``ARGS=product`` is all that the app itself promises: start-up, memory, keys and training side by side, long runs.
Prints each figure as it comes, at the end one table for the README with date and machine, writes
``bench-results.json`` (``--json`` prints that instead), and exits 1 where a target is missed.
"""

from __future__ import annotations

import datetime
import importlib
import json
import math
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tests.bench.result import Result

PARTS = (
    "startup",
    "training",
    "speedrun",
    "neighbour",
    "app_load",
    "tokens",
    "heat_map",
    "weights",
    "vectors",
    "decoding",
    "attention",
    "attention_keys",
    "twin",
    "peers",
    "memory",
    "long_file",
    "eight_hours",
)
GROUPS = {"product": ("peers", "memory", "app_load", "long_file", "eight_hours")}


def machine() -> str:
    """The processor and the versions that matter."""
    import torch

    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        name = next(
            (s.split(":")[1].strip() for s in info.read_text().splitlines() if s.startswith("model name")), name
        )
    return f"{name}, {torch.get_num_threads()} cores, Python {platform.python_version()}, torch {torch.__version__}"


def line(result: Result) -> str:
    """One row of the table."""
    peer = "" if result.peer is None else f"against {result.peer:,.4g}"
    ratio = "" if result.ratio is None else f"= {result.ratio:.2f}"
    mark = "ok  " if result.passed else "MISS"
    note = f"\n      {result.note}" if result.note else ""
    figures = f"{result.ours:>10,.4g} {peer:<18} {result.unit:<9} {ratio:<8}"
    target = f" target {result.target}" if result.target else ""
    return f"{mark}  {result.name:<76} {figures}{target}{note}"


def table(results: Sequence[Result], quick: bool = False) -> str:
    """All figures as one Markdown table, with the date and the machine above it."""
    rows = [
        f"Measured {datetime.date.today()} on {machine()}{', in a hurry (--quick)' if quick else ''}.",
        "",
        "| What | Here | Beside it, same run | Ratio | Target |",
        "|---|---|---|---|---|",
    ]
    for r in results:
        here = r.note if math.isnan(r.ours) else _figure(r.ours, r.unit)
        peer = "" if r.peer is None else f"{r.against + ': ' if r.against else ''}{_figure(r.peer, r.unit)}"
        ratio = "" if r.ratio is None else f"{r.ratio:.2f}"
        target = f"{r.target}{'' if r.passed else ' **missed**'}"
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in (r.name, here, peer, ratio, target)) + " |")
    return "\n".join(rows)


def _figure(value: float, unit: str) -> str:
    number = f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
    return f"{number} {unit}".strip()


def main(argv: list[str]) -> int:
    """Measures the parts that are named, all without a name."""
    quick, as_json = "--quick" in argv, "--json" in argv
    named = [a for a in argv if not a.startswith("-")] or list(PARTS)
    asked = list(dict.fromkeys(part for name in named for part in GROUPS.get(name, (name,))))
    if unknown := [a for a in asked if a not in PARTS]:
        print(f"no part is called {unknown[0]}\nthere are: {', '.join((*PARTS, *GROUPS))}", file=sys.stderr)
        return 2
    if not as_json:
        print(f"{datetime.date.today()}  {machine()}{'  (quick)' if quick else ''}", flush=True)
    results: list[Result] = []
    for part in asked:
        for result in importlib.import_module(f"tests.bench.{part}").measure(quick=quick):
            results.append(result)
            if not as_json:
                print(line(result), flush=True)
    rows = [{k: None if v != v else v for k, v in asdict(r).items()} for r in results]  # JSON has no NaN
    said = json.dumps({"date": str(datetime.date.today()), "machine": machine(), "quick": quick, "results": rows})
    Path("bench-results.json").write_text(said)
    print(said if as_json else f"\n{table(results, quick)}")
    return 0 if all(r.passed for r in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
