"""Keys on the attention screen at GPT-2's 124M shape over 1,024 tokens, also while a trace runs beside them.

The real app, begun as the command begins it, on a terminal of 120 by 36. Of each key: the processor time of the app's
own thread, from the key until all that it changed is painted (what the trace's thread takes is not in it), and the time
until the first picture after it. The trace is a sweep, which runs the model again and again with one head off. Weights
are random, the vocabulary is of single bytes: neither matters to keys.
"""

from __future__ import annotations

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
"""Milliseconds from a key to its picture, and of processor time."""
KEYS = {
    "cursor": (b"\x1b[A", b"\x1b[A", b"\x1b[D", b"\x1b[A", b"\x1b[C", b"\x1b[B"),
    "head and layer": (b"p", b"p", b"u", b"P", b"U", b"P"),
    "view": (b"v", b"V", b"s", b"s", b"s", b"m"),
}
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


def pressed(terminal: Terminal, key: bytes) -> tuple[float, float]:
    """Milliseconds of the app's thread for a key, above what it does anyway, and until its first picture."""
    pid = terminal.process.pid
    before = own_time(pid)
    time.sleep(SETTLE)
    idle = own_time(pid) - before
    before, seen = own_time(pid), terminal.received
    at = terminal.press(key)
    time.sleep(SETTLE)
    taken = own_time(pid) - before
    drawn = terminal.drawings(seen)
    return (taken - idle) * 1000, (drawn[0][0] - at) * 1000 if drawn else float("nan")


def measure(quick: bool = False) -> list[Result]:
    """Each kind of key, with nothing else going on and while a trace runs."""
    if sys.platform != "linux":  # nobody else says what a thread took
        return []
    check_idle(5.0 if quick else 60.0)
    rounds = 1 if quick else 3
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
    for keys in KEYS.values():
        for key in keys:
            pressed(terminal, key)
    return {kind: [pressed(terminal, key) for _ in range(rounds) for key in keys] for kind, keys in KEYS.items()}


def _result(kind: str, when: str, keys: list[tuple[float, float]]) -> Result:
    own, seen = [k[0] for k in keys], [k[1] for k in keys if k[1] == k[1]]
    middle = statistics.median(seen)
    return Result(
        f"attention keys: {kind}{when}, {TOKENS:,} tokens of the 124M shape",
        middle,
        None,
        "ms",
        None,
        f"<= {MOST:.0f} ms",
        middle <= MOST,
        f"until the picture, median of {len(keys)} (worst {max(seen):.0f}); the app's own thread worked "
        f"{statistics.median(own):.0f} ms (worst {max(own):.0f}) until all was painted",
    )
