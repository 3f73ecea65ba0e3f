"""Keys on the attention screen at GPT-2's 124M shape over 1,024 tokens, also while a trace runs beside them.

The real app, begun as the command begins it, on a terminal of 120 by 36. Of each key: the time until the first picture
after it, and the processor time of the app's own thread until all that it changed is painted (what the trace's thread
takes is not in it). The trace is a sweep, which runs the model again and again with one head off. Weights are random,
the vocabulary is of single bytes: neither matters to keys. Leaves out ``esc``, which the toolkit holds back for a tenth
of a second, since other keys begin as it does.
"""

from __future__ import annotations

import math
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.bench.idle import check_idle
from tests.bench.result import Result
from tests.bench.startup import folders
from tests.bench.terminal import Terminal
from tests.bench.training import child

TOKENS = 1024
MOST = 50.0
"""Milliseconds from a key to its picture."""
UP, DOWN, RIGHT, LEFT, ENTER, TAB, BACK = b"\x1b[A", b"\x1b[B", b"\x1b[C", b"\x1b[D", b"\r", b"\t", b"\x1b[Z"
KEYS = {
    "cursor": (UP, UP, LEFT, UP, RIGHT, DOWN),
    "head and layer": (b"p", b"p", b"u", b"P", b"U", b"P", b"n", b"N"),
    "view": (b"v", b"v", b"v", b"v", b"V", b"V", b"V", b"V"),
    "measure and sort": (b"m", b"M", b"S", b"S"),
    "scale and cells": (b"s", b"s", b"s", b"f", b"f", b"-", b"+"),
    "zoom": (b"z", b"z"),
    "pane": (TAB, BACK, BACK, BACK, BACK),
    "grid, then the head opened": (DOWN, RIGHT, UP, LEFT, ENTER),
}
"""In this order: after all of them the screen is as it was, the focus on the map."""
SETTLE = 0.35
"""Seconds after a key at which all that it changed is painted."""

MODEL = """
import json, sys
from pathlib import Path
import torch
from safetensors.torch import save_file
from core.config import GPTConfig
from core.model.gpt import GPT
from core.tokenizers.bpe import BPETokenizer
from core.weights.own import config_dict
from core.weights.tokenizer_files import write_tokenizer
place = Path(sys.argv[1])
place.mkdir()
config = GPTConfig.from_dict({**GPTConfig.preset("gpt2").to_dict(), "vocab_size": 257})
model = GPT(config, torch.Generator().manual_seed(0))
save_file(dict(model.named_parameters()), place / "model.safetensors")
(place / "config.json").write_text(json.dumps(config_dict(config)))
write_tokenizer(BPETokenizer.train("", 257), place)
print("written")
"""
APP = """
import sys
from lab import garbage
garbage.put_off()
from core.workbench import Bench, Workbench
from lab.app import LabApp
words = "the of and to in is that for it as was with be by on not he his but at are this have from or had an they which"
words = words.split()
text = " ".join(words[i * i % 29] for i in range(int(sys.argv[2])))[: int(sys.argv[2])]
LabApp(frame_first=True, screen="attention", workbench=Workbench(Bench(a=sys.argv[1], prompt=text))).run()
"""


def own_time(pid: int) -> float:
    """Seconds that the first thread of a process was on a processor."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e9


def pressed(terminal: Terminal, key: bytes, idle: float) -> tuple[float, float]:
    """Milliseconds of the app's thread for a key, above the seconds it works anyway, and until the first picture."""
    pid = terminal.process.pid
    before, seen = own_time(pid), terminal.received
    at = terminal.press(key)
    time.sleep(SETTLE)
    taken = own_time(pid) - before
    drawn = terminal.drawings(seen)
    return (taken - idle) * 1000, (drawn[0][0] - at) * 1000 if drawn else float("nan")


def idle_time(terminal: Terminal) -> float:
    """Seconds that the app's thread works while it would work for a key, and there is none."""
    before = own_time(terminal.process.pid)
    time.sleep(SETTLE)
    return own_time(terminal.process.pid) - before


def measure(quick: bool = False) -> list[Result]:
    """Each kind of key, with nothing else going on and while a trace runs."""
    if sys.platform != "linux":  # nobody else says what a thread took
        return []
    check_idle(5.0 if quick else 60.0)
    rounds = 1 if quick else 5
    with tempfile.TemporaryDirectory() as root:
        env, model = folders(root), str(Path(root, "model"))
        child(MODEL, model)
        with Terminal((sys.executable, "-c", APP, model, str(TOKENS)), env) as terminal:
            terminal.wait_for_text("forward", 120)
            _rest(terminal)
            alone = _all(terminal, rounds)
            terminal.press(b"d")  # the sweep
            time.sleep(2.0)
            beside = _all(terminal, rounds)
    results = []
    for kind, keys in alone.items():
        results += [_result(kind, "", keys), _result(kind, " while a trace runs", beside[kind])]
    return results


def _rest(terminal: Terminal) -> None:
    """Waits until the process has nothing to do."""
    process = psutil.Process(terminal.process.pid)
    while process.cpu_percent(1.0) > 10:
        pass


def _all(terminal: Terminal, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Of each kind of key what each press took; the first round, which builds what is shown, is not counted."""
    found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in KEYS}
    for number in range(rounds + 1):
        for kind, keys in KEYS.items():
            idle = idle_time(terminal)
            taken = [pressed(terminal, key, idle) for key in keys]
            found[kind] += taken if number else []
    return found


def _result(kind: str, when: str, keys: list[tuple[float, float]]) -> Result:
    own, seen = sorted(k[0] for k in keys), sorted(k[1] for k in keys if k[1] == k[1])
    most = seen[math.ceil(0.95 * len(seen)) - 1]
    return Result(
        f"attention keys: {kind}{when}, {TOKENS:,} tokens of the 124M shape",
        most,
        None,
        "ms",
        None,
        f"<= {MOST:.0f} ms",
        most <= MOST,
        f"until the picture, of 95 in 100; median of {len(seen)} {statistics.median(seen):.0f}, worst {seen[-1]:.0f}; "
        f"the app's own thread worked {statistics.median(own):.0f} ms (worst {own[-1]:.0f}) until all was painted",
    )
