"""Start-up beside posting and harlequin, two well-made Textual programs: each on a terminal of 120 by 36, in turns.

The peers come from the package index, once, into environments of their own in ``.bench`` (forgotten by git). For all
three the clock starts with the process; *first paint* is the first picture with anything on it, and the *full screen*
is there from when on at most one cell in a hundred differs from what stands after a second and a half of rest.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.bench.idle import check_idle
from tests.bench.picture import Picture
from tests.bench.result import Result
from tests.bench.startup import folders
from tests.bench.terminal import COLUMNS, ROWS, Terminal

# What is asked of the package index. With the newest tree-sitter posting 2.11.1 crashes before its first picture.
PEERS = {"posting": ("posting", "tree-sitter<0.26"), "harlequin": ("harlequin",)}
KEPT = Path(".bench")
REST, PATIENCE = 1.5, 30.0
DIFFERENT = ROWS * COLUMNS // 100
MB = 1 << 20


@dataclass
class Starts:
    """Seconds of each start of a program, and what it took of memory when its screen stood, in MB."""

    version: str
    first: list[float] = field(default_factory=list)
    full: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)


def installed(name: str) -> tuple[str, str]:
    """The command of a peer and its version, fetched if it is not there yet.

    Raises:
        RuntimeError: it cannot be had; why.
    """
    place = KEPT / name
    python, command = place.resolve() / "bin" / "python", place.resolve() / "bin" / name
    if not command.exists():
        print(f"fetching {name} into {place}, once", file=sys.stderr)
        for step in (
            [sys.executable, "-m", "venv", "--clear", str(place)],
            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PEERS[name]],
        ):
            done = subprocess.run(step, capture_output=True, text=True)
            if done.returncode:
                last = [line for line in done.stderr.splitlines() if line.strip()] or ["no reason given"]
                raise RuntimeError(last[-1].strip())
    asked = f"from importlib.metadata import version; print(version({name!r}))"
    version = subprocess.run([str(python), "-c", asked], capture_output=True, text=True, check=True).stdout.strip()
    return str(command), version


def own_home(root: str) -> dict[str, str]:
    """A home of its own, empty at the first start: nothing of the person's settings counts."""
    places = {f"XDG_{name}_HOME": f"{root}/{name}" for name in ("CONFIG", "DATA", "STATE", "CACHE")}
    return {"HOME": root, "PWD": root, **places, **folders(root)}


def start(command: Sequence[str], env: Mapping[str, str]) -> tuple[float, float, float]:
    """Seconds until the first picture and until the full screen, and the process's memory in MB, of one start.

    Raises:
        RuntimeError: the program ended, or its screen never came to rest.
    """
    with Terminal(command, env) as terminal:
        deadline = time.monotonic() + PATIENCE
        before, still_since = terminal.picture().cells, time.monotonic()
        while time.monotonic() - still_since < REST or not any(map(str.strip, before)):
            time.sleep(0.1)
            now = terminal.picture().cells
            if _differ(before, now) > DIFFERENT:
                before, still_since = now, time.monotonic()
            if terminal.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} shows nothing that stays:\n{terminal.picture().text}")
        memory = sum(p.memory_info().rss for p in _family(terminal.process.pid)) / MB
        drawings = terminal.drawings()
        terminal.press(b"\x11")
    first, full = moments(drawings)
    return first, full, memory


def _family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def moments(drawings: Sequence[tuple[float, bytes]]) -> tuple[float, float]:
    """When the first picture with anything on it stood, and from when on it was the last one but for a few cells."""
    picture = Picture(ROWS, COLUMNS)
    seen: list[tuple[float, tuple[str, ...]]] = []
    for when, data in drawings:
        picture.feed(data)
        seen.append((when, picture.cells))
    first = next(when for when, cells in seen if any(map(str.strip, cells)))
    full = seen[-1][0]
    for when, cells in reversed(seen):
        if _differ(cells, seen[-1][1]) > DIFFERENT:
            break
        full = when
    return first, max(first, full)


def _differ(one: Sequence[str], other: Sequence[str]) -> int:
    return sum(a != b for a, b in zip(one, other, strict=True))


def measure(quick: bool = False) -> list[Result]:
    """First paint, full screen and memory of the three, in turns; ours against the median of each peer."""
    if sys.platform == "win32":
        return []
    commands: dict[str, tuple[Sequence[str], str]] = {"LLM Lab": ((sys.executable, "-m", "lab"), "")}
    missing: list[Result] = []
    for name in PEERS:
        try:
            command, version = installed(name)
            commands[name] = ((command,), version)
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            missing.append(_missing(name, str(error)))
    check_idle(5.0 if quick else 60.0)
    measured = {name: Starts(version) for name, (_, version) in commands.items()}
    with tempfile.TemporaryDirectory() as root:
        homes = {name: own_home(str(Path(root, name.replace(" ", "-")))) for name in commands}
        for home in homes.values():
            Path(home["HOME"]).mkdir(parents=True)
        for turn in range(-1, 3 if quick else 6):
            for name, (words, _) in commands.items():
                one = start(words, homes[name])
                if turn >= 0:  # the first start of each writes its byte code and its settings
                    for kept, value in zip(_lists(measured[name]), one, strict=True):
                        kept.append(value)
    ours = measured.pop("LLM Lab")
    return [r for name, starts in measured.items() for r in _results(name, ours, starts)] + missing


def _lists(starts: Starts) -> tuple[list[float], list[float], list[float]]:
    return starts.first, starts.full, starts.memory


def _results(name: str, ours: Starts, theirs: Starts) -> list[Result]:
    what = ("first paint", "full first screen", "memory then")
    found = []
    for label, mine, other in zip(what, _lists(ours), _lists(theirs), strict=True):
        unit, scale = ("MB", 1.0) if label == "memory then" else ("ms", 1000.0)
        a, b = statistics.median(mine) * scale, statistics.median(other) * scale
        found.append(
            Result(
                f"start: {label} against {name}",
                a,
                b,
                unit,
                a / b,
                "<= 1",
                a <= b,
                f"medians of {len(mine)} turns; ours {_spread(mine, scale)}, {name} {_spread(other, scale)}",
                against=f"{name} {theirs.version}",
            )
        )
    return found


def _spread(values: Sequence[float], scale: float) -> str:
    return f"{min(values) * scale:.0f} to {max(values) * scale:.0f}"


def _missing(name: str, why: str) -> Result:
    return Result(f"start: against {name}", float("nan"), None, "", None, "", True, f"not installed: {why}")
