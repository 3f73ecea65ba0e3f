"""What the app takes of memory on each of the six screens, on a terminal of 120 by 36.

Four of them need no model to be there, and so no PyTorch. Two open with a model at work; what they take is told beside
a Python that has imported PyTorch and done nothing.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time

import psutil

from tests.bench.result import Result
from tests.bench.startup import APP, folders
from tests.bench.terminal import Terminal

SCREENS = ("tokens", "embed", "attention", "training", "generate", "weights")
WITH_MODEL = ("attention", "generate")
"""Screens that show what a model does: they load the model on the workbench, at first the demo, as they open."""
MOST = 90.0
MB = 1 << 20
SETTLE = 5.0
"""Seconds after the first picture: what a screen reads when it opens is there by then."""


def resident(screen: str) -> tuple[float, bool]:
    """MB that the app's process holds once a screen has settled, and whether PyTorch is loaded by then."""
    with (
        tempfile.TemporaryDirectory() as root,
        Terminal((*APP, "open", screen, "--fresh"), folders(root)) as terminal,
    ):
        terminal.wait_for_text("LLM Lab")
        process, deadline = psutil.Process(terminal.process.pid), time.monotonic() + SETTLE
        highest = 0.0
        while time.monotonic() < deadline:
            highest = max(highest, process.memory_info().rss / MB)
            time.sleep(0.05)
        torch = any("libtorch" in part.path for part in process.memory_maps())
        terminal.quit()
    return highest, torch


def torch_alone() -> float:
    """MB of a Python that has imported PyTorch."""
    code = "import torch, psutil; print(psutil.Process().memory_info().rss)"
    return int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout) / MB


def measure(quick: bool = False) -> list[Result]:
    """The highest resident memory of each screen; the four without a model have a target."""
    if sys.platform != "linux":  # elsewhere it is not said which libraries are mapped
        return []
    alone = torch_alone()
    return [_with_model(s, alone) if s in WITH_MODEL else _without(s) for s in SCREENS]


def _without(screen: str) -> Result:
    highest, torch = resident(screen)
    note = "PyTorch was loaded, which was not expected" if torch else "no PyTorch loaded"
    name = f"memory: {screen}, before any model is loaded"
    return Result(name, highest, None, "MB", None, f"<= {MOST:.0f} MB", highest <= MOST and not torch, note)


def _with_model(screen: str, alone: float) -> Result:
    highest, _ = resident(screen)
    name = f"memory: {screen}, with the demo model at work"
    return Result(name, highest, alone, "MB", highest / alone, "", True, against="`python -c 'import torch'`")
