"""Eight hours before the dashboard of a run, and as many again, in three minutes: does the app grow?

Two things happen meanwhile. The run says 1,440,000 steps in eight hours (50 a second) with all else that a run says: a
fast writer says them in a minute and a quarter. It does so twice, since an app that holds 70 MB takes hours of that to
warm up, and what grows shows after. And the dashboard looks and repaints once a second: afterwards the same app,
with its clock set fifty times faster, looks and repaints as often as it can.
"""

from __future__ import annotations

import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from tests.bench.idle import check_idle
from tests.bench.long_file import MB, shown
from tests.bench.long_run import PER_SECOND, wait_written, written
from tests.bench.result import Result
from tests.bench.startup import folders
from tests.bench.terminal import Terminal

HOURS, SECONDS, FAST_SECONDS = 16, 150.0, 30.0
FAST = 1000
"""Steps a second that the run says meanwhile, so that there is something new to draw each time."""
GROWTH = 8.0
"""MB that the app may hold more at the end than once it was warm."""
WARM = 0.25
"""The part of the time that belongs to the warm-up: 720,000 steps, more than the dashboard keeps one by one."""

# The dashboard of a run; a line in the file makes its clock fifty times faster.
APP = """
import pathlib, sys, time
import lab.app
from screens.training import screen
class Fast:
    monotonic = staticmethod(lambda: 50 * time.monotonic())
class Probe(lab.app.LabApp):
    hurried = False
    def on_ready(self):
        self.set_interval(0.5, self.hurry)
    def hurry(self):
        if not self.hurried and pathlib.Path(sys.argv[2]).exists():
            self.hurried, screen.time, shown = True, Fast, self.screen
            shown._ticker.stop()
            shown._ticker = shown.set_interval(screen.TICK / 50, shown._beat)
        if self.hurried:
            pathlib.Path(sys.argv[2]).write_text(str(self.screen.looks))
lab.app.LabApp = Probe
from lab.cli.start import start
from lab.opening import Opening
sys.exit(start(Opening("training", fresh=True, run=sys.argv[1])))
"""


def sampled(process: psutil.Process, seconds: float) -> tuple[list[float], float]:
    """Resident MB four times a second, and the share of one core that the process took."""
    kept, start = [], time.perf_counter()
    before = sum(process.cpu_times()[:2])
    while (past := time.perf_counter() - start) < seconds:
        kept.append(process.memory_info().rss / MB)
        time.sleep(0.25)
    return kept, (sum(process.cpu_times()[:2]) - before) / past


def growth(samples: Sequence[float]) -> tuple[float, float]:
    """MB once it was warm, and MB at the end: medians of a tenth of the samples each."""
    tenth, warm = max(1, len(samples) // 10), int(WARM * len(samples))
    return statistics.median(samples[warm : warm + tenth]), statistics.median(samples[-tenth:])


def measure(quick: bool = False) -> list[Result]:
    """MB that the app holds after the warm-up and at the end of eight hours of events, then of hours of repaints."""
    if sys.platform == "win32":
        return []
    check_idle(5.0 if quick else 60.0)
    shrink = 2 if quick else 1
    steps, seconds, more = HOURS * 3600 * PER_SECOND // shrink, SECONDS / shrink, FAST_SECONDS / shrink
    with tempfile.TemporaryDirectory() as root:
        env = folders(root)
        folder, hurry = Path(env["LLM_LAB_RUNS"], "long"), Path(root, "hurry")
        with contextlib.ExitStack() as opened:
            writer = opened.enter_context(written(folder, 1, steps, seconds))
            while not (folder / "metrics.jsonl").exists():
                time.sleep(0.05)
            terminal = opened.enter_context(Terminal((sys.executable, "-c", APP, "long", str(hurry)), env))
            terminal.wait_for_text("LLM Lab")
            process = psutil.Process(terminal.process.pid)
            data, share = sampled(process, seconds)
            wait_written(writer)
            terminal.wait_for_text(f"{shown(steps)} /")
            opened.enter_context(written(folder, steps + 1, steps + int(more * FAST), more, after=writer))
            drawn = len(terminal.drawings())
            hurry.touch()
            clock, _ = sampled(process, more)
            drawn, looks = len(terminal.drawings()) - drawn, int(hurry.read_text() or 0)
            terminal.quit()
    hours = steps / PER_SECOND / 3600
    return [
        _grown(
            f"long run: {hours:g} hours of a run ({steps:,} steps) followed in {seconds:.0f} s",
            data,
            f"the app took {share:.0%} of one core meanwhile",
        ),
        _grown(f"long run: the dashboard drawn {drawn:,} times more", clock, f"{looks:,} looks at the disk in all"),
    ]


def _grown(name: str, samples: Sequence[float], note: str) -> Result:
    warm, end = growth(samples)
    said = f"{end - warm:+.1f} MB, highest {max(samples):.0f}; {note}"
    return Result(
        name, end, warm, "MB", end / warm, f"<= +{GROWTH:.0f} MB", end - warm <= GROWTH, said, against="warmed up"
    )
