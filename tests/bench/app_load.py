"""The app beside a trainer that fills all cores: how late its loop is, what it costs the run, how fast it decodes."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import psutil

from tests.bench.idle import check_idle
from tests.bench.result import Result
from tests.bench.startup import DASHBOARD, folders
from tests.bench.terminal import Terminal

if TYPE_CHECKING:
    from core.training.runs import Run

LATE, COST, SLOWER = 10.0, 0.03, 5.0
SETTLE = 4.0
"""Seconds after which an app that was just opened has loaded what it loads."""

# Both: a 30 Hz clock on the app's own event loop. A loop that stands still for ten ticks is late ten times.
TICK = """
import asyncio, json, sys, time
async def tick(path, settle, seconds):
    await asyncio.sleep(settle)
    late, start = [], time.perf_counter()
    for i in range(1, int(30 * seconds)):
        due = start + i / 30
        if (rest := due - time.perf_counter()) > 0:
            await asyncio.sleep(rest)
        late.append(time.perf_counter() - due)
    with open(path, "w") as file:
        json.dump(late, file)
path, settle, seconds = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
"""
OUR_APP = (
    TICK
    + """
import lab.app
class Probe(lab.app.LabApp):
    def on_ready(self):
        self.clock = asyncio.create_task(tick(path, settle, seconds))
lab.app.LabApp = Probe
from lab.cli.start import start
from lab.opening import Opening
sys.exit(start(Opening("training", fresh=True, run=sys.argv[4])))
"""
)
BARE_APP = (
    TICK
    + """
from textual.app import App
class Probe(App):
    def on_ready(self):
        self.clock = asyncio.create_task(tick(path, settle, seconds))
Probe().run()
"""
)
# As the app decodes: one thread, the model of the bundled demo's shape. Seconds of each token, and of each whole pass.
DECODE = """
import json, sys, time
import torch
torch.set_num_threads(1)
from core.config import GPTConfig
from core.generation.decode import continue_text
from core.model.gpt import GPT
torch.manual_seed(0)
model = GPT(GPTConfig(65, 64, 128, 4, 4)).eval()
window = torch.randint(0, 65, (1, 64))
def token():
    continue_text(model, window[0, :32].tolist(), 16)
def whole():
    with torch.no_grad():
        model(window)
def seconds_of(step, steps):
    for _ in range(5):
        step()
    taken, begin = [], time.perf_counter()
    while time.perf_counter() - begin < float(sys.argv[1]):
        start = time.perf_counter()
        step()
        taken.append((time.perf_counter() - start) / steps)
    return taken
print(json.dumps([seconds_of(token, 17), seconds_of(whole, 1)]))
"""


@dataclass(frozen=True)
class Decoded:
    """Seconds of a step: the mean, what 95 of 100 stay below."""

    mean: float
    p95: float


def p95(values: list[float]) -> float:
    """What 95 of 100 stay below."""
    return sorted(values)[int(0.95 * len(values))]


def decode(seconds: float) -> tuple[Decoded, Decoded]:
    """One token with the cache, and one pass over a whole context, in a process of their own."""
    command = [sys.executable, "-c", DECODE, str(seconds)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    token, whole = json.loads(done.stdout)
    return Decoded(statistics.mean(token), p95(token)), Decoded(statistics.mean(whole), p95(whole))


@contextlib.contextmanager
def long_run(root: str) -> Iterator[Run]:
    """A run like ``shakespeare-1min`` that does not end by itself, at full speed; its process ends with the block."""
    from core.config import TrainConfig
    from core.training.launch import start_run
    from core.training.runs import open_run

    # The trainer is a session of its own and would outlive us: a kill must come out of the block as an exception.
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    config = TrainConfig.preset("shakespeare-1min").override(corpus="python-docs", device="cpu", max_steps=1_000_000)
    with mock.patch.dict(os.environ, folders(root)):
        launched = start_run(config, name="bench")
        try:
            run = open_run(launched.path)
            deadline = time.monotonic() + 120
            while run.status().step < 50:
                if launched.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"the run does not get going: {run.log(20)}")
                time.sleep(0.2)
            yield run
        finally:
            launched.process.kill()
            launched.process.wait()
            signal.signal(signal.SIGTERM, before)


def lateness(code: str, env: Mapping[str, str], seconds: float, run: str) -> list[float]:
    """Seconds by which each tick of a 30 Hz clock came late in an app on a terminal."""
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder, "late.json")
        command = [sys.executable, "-c", code, str(said), str(SETTLE), str(seconds), run]
        with Terminal(command, env) as terminal:
            deadline = time.monotonic() + SETTLE + seconds + 60
            while not said.exists() or not said.stat().st_size:
                if terminal.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("the app ended, or stood still, before it could be measured")
                time.sleep(0.2)
            terminal.quit()
        return [float(x) for x in json.loads(said.read_text())]


def speeds(run: Run, rounds: int) -> list[float]:
    """Tokens a second of the run from now on, in each of so many whole rounds of training, evaluation and sample.

    Measured on the run's own clock, from one evaluation to the next.
    """
    every = run.config.eval_interval
    first = (run.status().step // every + 1) * every
    last, deadline = first + rounds * every, time.monotonic() + 300
    while run.status().step <= last:
        if not run.is_live or time.monotonic() > deadline:
            raise RuntimeError(f"the run is {run.state} at step {run.status().step}, {last} was expected")
        time.sleep(0.2)
    marks = [e for e in run.events("eval") if first <= e.step <= last]
    return [(b.tokens - a.tokens) / (b.time - a.time) for a, b in itertools.pairwise(marks)]


def cost(run: Run, env: Mapping[str, str], pairs: int, rounds: int) -> tuple[list[float], list[float], float]:
    """Tokens a second of each round, dashboard closed and open in turns; the share of one core that the app took."""
    closed, opened, shares = [], [], []
    for _ in range(pairs):
        closed += speeds(run, rounds)
        with Terminal((sys.executable, "-m", "lab", "watch", run.name), env) as terminal:
            terminal.wait_for(DASHBOARD)
            time.sleep(SETTLE)
            process, start = psutil.Process(terminal.process.pid), time.perf_counter()
            before = sum(process.cpu_times()[:2])
            opened += speeds(run, rounds)
            shares.append((sum(process.cpu_times()[:2]) - before) / (time.perf_counter() - start))
            terminal.quit()
    return closed, opened, statistics.median(shares)


def measure(quick: bool = False) -> list[Result]:
    """Lateness of the event loop, cost of the open dashboard, decoding beside the run."""
    if sys.platform == "win32":
        return []
    check_idle()
    seconds = 6.0 if quick else 15.0
    alone = [decode(2.0)]
    with tempfile.TemporaryDirectory() as root, long_run(root) as run:
        env = folders(root)
        beside = [decode(2.0)]
        bare = lateness(BARE_APP, env, seconds, run.name)
        ours = lateness(OUR_APP, env, seconds, run.name)
        closed, opened, share = cost(run, env, pairs=2 if quick else 4, rounds=2 if quick else 3)
        beside.append(decode(2.0))
    alone.append(decode(2.0))
    return [_late(ours, bare), _cost(closed, opened, share), *_slower(alone, beside)]


def _late(ours: list[float], bare: list[float]) -> Result:
    mine, theirs = p95(ours) * 1000, p95(bare) * 1000
    return Result(
        "app beside a run: how late a 30 Hz tick of the dashboard is, p95; peer: an empty Textual app",
        mine,
        theirs,
        "ms",
        None,
        f"<= {LATE:.0f} ms",
        mine <= LATE,
        f"median {statistics.median(ours) * 1000:.1f}, worst {max(ours) * 1000:.0f} ms of {len(ours)} ticks; "
        f"the empty app's worst {max(bare) * 1000:.0f}",
    )


def _cost(closed: list[float], opened: list[float], share: float) -> Result:
    # The best rounds count, since other processes cost more than the app; it repaints several times in each round.
    kept = max(opened) / max(closed)
    medians = statistics.median(opened) / statistics.median(closed)
    return Result(
        "app beside a run: tokens/s with the dashboard open against closed",
        max(opened),
        max(closed),
        "tokens/s",
        kept,
        f">= {1 - COST:.0%}",
        kept >= 1 - COST,
        f"best of {len(opened)} rounds each, medians {medians:.3f}; the app takes {share * 100:.1f} % of one core",
    )


def _slower(alone: list[tuple[Decoded, Decoded]], beside: list[tuple[Decoded, Decoded]]) -> list[Result]:
    results = []
    for i, name in enumerate(("one token of generation", "one pass over a whole context")):
        free, shared = min(d[i].mean for d in alone), max(d[i].mean for d in beside)
        results.append(
            Result(
                f"app beside a run: {name} against alone",
                shared * 1000,
                free * 1000,
                "ms",
                shared / free,
                f"<= {SLOWER:.0f} x",
                shared / free <= SLOWER,
                f"means; p95 beside {max(d[i].p95 for d in beside) * 1000:.2f} ms; 4 layers, width 128",
            )
        )
    return results
