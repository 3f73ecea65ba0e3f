"""``make bench``: what the README claims, measured against peers in the same run. ``ARGS="training --quick"``: a part.

Prints a table with ratios, writes ``bench-results.json``, and exits 1 where a target is missed.
"""

from __future__ import annotations

import datetime
import importlib
import json
import platform
import sys
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
    "twin",
)


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
    return f"{mark}  {result.name:<76} {figures} target {result.target}{note}"


def main(argv: list[str]) -> int:
    """Measures the parts that are named, all without a name."""
    quick = "--quick" in argv
    asked = [a for a in argv if not a.startswith("-")] or list(PARTS)
    if unknown := [a for a in asked if a not in PARTS]:
        print(f"no part is called {unknown[0]}\nthere are: {', '.join(PARTS)}", file=sys.stderr)
        return 2
    print(f"{datetime.date.today()}  {machine()}{'  (quick)' if quick else ''}", flush=True)
    results: list[Result] = []
    for part in asked:
        for result in importlib.import_module(f"tests.bench.{part}").measure(quick=quick):
            results.append(result)
            print(line(result), flush=True)
    Path("bench-results.json").write_text(
        json.dumps({"date": str(datetime.date.today()), "machine": machine(), "results": [asdict(r) for r in results]})
    )
    return 0 if all(r.passed for r in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
