"""How fast the lab answers: the first picture of the app, and ``llm-lab --help``; neither loads torch."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.idle import check_idle
from tests.bench.result import Result
from tests.bench.terminal import Terminal

WITHIN = 0.150
HEAVY = ("torch", "tensorflow", "keras", "gensim", "transformers", "matplotlib", "sklearn")
APP = (sys.executable, "-m", "lab")
EMPTY_APP = (sys.executable, "-c", "from textual.app import App; App().run()")
DASHBOARD = b"New run"
"""A key that only the training screen has."""

# Writes down each of the heavy modules that somebody asks for while the lab starts.
WATCHED = f"""
import sys
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name in {HEAVY!r}:
            with open(sys.argv[1], "a") as file:
                file.write(name + chr(10))
sys.meta_path.insert(0, Watch())
from lab.__main__ import main
sys.exit(main(sys.argv[2:]))
"""


def folders(root: str) -> dict[str, str]:
    """Runs, state and cache of their own, empty."""
    return {f"LLM_LAB_{name.upper()}": f"{root}/{name}" for name in ("runs", "state", "cache")}


def first_frames(turns: int) -> tuple[list[float], list[float], list[float]]:
    """Seconds until the lab's frame, the lab's first screen, and the picture of an app without anything, in turns."""
    ours, screen, empty = [], [], []
    with tempfile.TemporaryDirectory() as root:
        for _ in range(turns):
            with Terminal(EMPTY_APP, folders(root)) as terminal:
                empty.append(terminal.first_frame())
            with Terminal(APP, folders(root)) as terminal:
                ours.append(terminal.first_frame(b"LLM Lab"))
                screen.append(terminal.wait_for(DASHBOARD))
    return ours, screen, empty


def command_times(turns: int) -> tuple[list[float], list[float]]:
    """Seconds of ``llm-lab --help`` and of a Python that does nothing, in turns."""

    def seconds(*command: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start

    pairs = [(seconds("-m", "lab", "--help"), seconds("-c", "pass")) for _ in range(turns)]
    return [ours for ours, _ in pairs], [empty for _, empty in pairs]


def heavy_modules() -> list[str]:
    """What ``--help``, and the app until its first screen stands, ask for that they must not."""
    with tempfile.TemporaryDirectory() as root:
        asked = Path(root, "asked")
        command = [sys.executable, "-c", WATCHED, str(asked)]
        subprocess.run([*command, "--help"], check=True, stdout=subprocess.DEVNULL)
        if sys.platform != "win32":
            with Terminal(command, folders(root)) as terminal:
                terminal.wait_for(DASHBOARD)
        return sorted(set(asked.read_text().split())) if asked.exists() else []


def measure(quick: bool = False) -> list[Result]:
    """First paint against an empty app, ``--help`` against an empty Python, and the modules that both load."""
    check_idle()
    turns = 3 if quick else 12
    first_frames(1) if sys.platform != "win32" else None  # byte code and disk caches are warm from here on
    results = []
    if sys.platform != "win32":
        ours, screen, empty = first_frames(turns)
        results.append(
            _within(
                "startup: first paint against an empty Textual app",
                min(ours),
                min(empty),
                f"best of {turns}; the dashboard itself stands after {min(screen) * 1000:.0f} ms",
            )
        )
    ours, empty = command_times(2 * turns)
    results.append(_within("startup: llm-lab --help against python -c pass", min(ours), min(empty), ""))
    heavy = heavy_modules()
    note = ", ".join(heavy) or "nor tensorflow, transformers, matplotlib and the like"
    results.append(
        Result(
            "startup: heavy modules that --help and the app load",
            len(heavy),
            None,
            "modules",
            None,
            "0",
            not heavy,
            note,
        )
    )
    return results


def _within(name: str, ours: float, peer: float, note: str) -> Result:
    apart = f"{(ours - peer) * 1000:.0f} ms apart"
    return Result(
        name,
        ours * 1000,
        peer * 1000,
        "ms",
        ours / peer,
        f"<= +{WITHIN * 1000:.0f} ms",
        ours - peer <= WITHIN,
        f"{apart}; {note}" if note else apart,
    )
