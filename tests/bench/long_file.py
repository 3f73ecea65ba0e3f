"""A ``metrics.jsonl`` of a million steps: how long until it is read, until its whole curve is drawn, and followed.

The file is written by the trainer's own writer with every number of every step. The last step is there at once, since
the trainer's status says it; what counts is the picture that stays, with the curve, as in peers.py. Memory is that of
the app's process, highest of several looks, while it follows more, as fast as a process can write: once it has followed
one and a half times as many, and then as many again. Another process reads the old part: following warms this one up.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.bench.idle import check_idle
from tests.bench.long_run import wait_written, written
from tests.bench.peers import REST, moments
from tests.bench.result import Result
from tests.bench.startup import APP, folders
from tests.bench.terminal import Terminal

STEPS = 1_000_000
WITHIN, GROWTH = 2.0, 10.0
"""Seconds for the dashboard to show the whole run; MB that following as much again may add."""
MB = 1 << 20
READ = """
import sys, time
from pathlib import Path
from core.training.history import History
start = time.perf_counter()
history = History(Path(sys.argv[1]))
history.update()
assert history.last_step == int(sys.argv[2]), history.last_step
print(time.perf_counter() - start)
"""


def shown(step: int) -> str:
    """How the dashboard writes a step."""
    return f"{step:,}"


def read_alone(metrics: Path, steps: int) -> float:
    """Seconds in which a fresh process reads the file, without a screen."""
    command = [sys.executable, "-c", READ, str(metrics), str(steps)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def opened(name: str, env: dict[str, str], steps: int) -> tuple[float, float]:
    """Seconds from the start of the process to the first picture, and to the one with the whole curve."""
    with Terminal((*APP, "watch", name), env) as terminal:
        terminal.wait_for_text(f"{shown(steps)} /")
        wait_read(terminal)
        time.sleep(REST)
        drawings = terminal.drawings()
        terminal.quit()
    return moments(drawings)


def wait_read(terminal: Terminal) -> None:
    """Waits until the plot has a curve, which says at its upper edge where the loss is."""
    terminal.wait_for_text("train ")


def highest(process: psutil.Process, seconds: float) -> float:
    """The highest resident memory in MB over some time."""
    end, most = time.monotonic() + seconds, 0.0
    while time.monotonic() < end:
        most = max(most, process.memory_info().rss / MB)
        time.sleep(0.1)
    return most


def measure(quick: bool = False) -> list[Result]:
    """Seconds to read and to show a million steps, and the memory of following a million more."""
    if sys.platform == "win32":
        return []
    check_idle(5.0 if quick else 60.0)
    steps = STEPS // 10 if quick else STEPS
    with tempfile.TemporaryDirectory() as root:
        env = folders(root)
        metrics = Path(env["LLM_LAB_RUNS"], "long", "metrics.jsonl")
        with written(metrics.parent, 1, steps) as writer:
            wait_written(writer)
            size = metrics.stat().st_size / 1e6
            alone = min(read_alone(metrics, steps) for _ in range(2 if quick else 3))
            frame, full = min((opened("long", env, steps) for _ in range(2 if quick else 3)), key=lambda t: t[1])
        with Terminal((*APP, "watch", "long"), env) as terminal:
            wait_read(terminal)
            process = psutil.Process(terminal.process.pid)
            opened_with, known, levels = highest(process, 5.0), steps, []
            for more in (steps // 2, steps, steps):
                with written(metrics.parent, known + 1, known + more) as writer:
                    wait_written(writer)
                    known += more
                    terminal.wait_for_text(f"{shown(known)} /")
                    levels.append(highest(process, 5.0))
            terminal.quit()
        before, after = levels[1:]
    return [
        _within(f"long file: {steps:,} steps read, without a screen", alone, f"{size:.0f} MB of metrics.jsonl"),
        _within(
            f"long file: {steps:,} steps, from the start of the app until the whole curve is drawn",
            full,
            f"first paint after {frame:.2f} s",
        ),
        Result(
            f"long file: memory after following {steps:,} steps more",
            after,
            before,
            "MB",
            after / before,
            f"<= +{GROWTH:.0f} MB",
            after - before <= GROWTH,
            f"{after - before:+.1f} MB; opened with {opened_with:.0f}, "
            f"after {steps // 2:,}, {3 * steps // 2:,}, {5 * steps // 2:,}: {', '.join(f'{m:.0f}' for m in levels)} MB",
            against="warmed up",
        ),
    ]


def _within(name: str, seconds: float, note: str) -> Result:
    return Result(name, seconds, None, "s", None, f"<= {WITHIN:.0f} s", seconds <= WITHIN, note)
