"""``trainer_state.json`` of the Hugging Face Trainer as a run.

The Trainer writes the whole file anew with each checkpoint (``transformers/trainer_callback.py``,
``TrainerState.save_to_json``), so a folder of checkpoints is followed from one file to the next. Its numbers are
``log_history``: a loss with its learning rate and gradient norm, or an evaluation, each with its step.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from core.files import open_plain
from core.training.foreign.facts import Facts
from core.training.foreign.rows import Row, Rows, number, whole
from core.training.foreign.tags import meaning

STATE = "trainer_state.json"
_CHECKPOINT = re.compile(r"checkpoint-(\d{1,18})")
LARGEST = 512 << 20
"""Bytes; a state of a million log entries has 150 MB."""
_IGNORED = frozenset({"step", "epoch"})


def state_files(folder: Path) -> list[Path]:
    """The states in an output folder: its own, and that of its newest checkpoint."""
    found = [folder / STATE] if (folder / STATE).is_file() else []
    try:
        names = [p.name for p in folder.iterdir() if _CHECKPOINT.fullmatch(p.name)]
    except OSError:
        return found
    for name in sorted(names, key=lambda n: int(n.partition("-")[2]), reverse=True):
        if (folder / name / STATE).is_file():
            return [*found, folder / name / STATE]
    return found


def read_state(path: Path) -> dict[str, Any] | None:
    """A state as it stands; None while it cannot be read, which it cannot while it is being written."""
    try:
        if path.stat().st_size > LARGEST:
            return None
        with open_plain(path) as file:
            found = json.loads(file.read())  # Python's own: the Trainer writes NaN, which is no JSON
    except (OSError, ValueError, RecursionError):
        return None
    good = isinstance(found, dict) and isinstance(found.get("log_history"), list)
    return found if good else None


class TrainerState:
    """The Trainer's output folder, or one state of it."""

    name = "Hugging Face Trainer"
    silent_about_end = "its state is written with each checkpoint alone"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.facts = Facts()

    def changed(self) -> float:
        """Unix time of the newest change; 0 when nothing is there."""
        times = [0.0]
        for path in _states(self.path):
            try:
                times.append(path.stat().st_mtime)
            except OSError:
                continue
        return max(times)

    def peek(self) -> None:
        """Learns how long the run is to be."""
        self.tail().objects()

    def tail(self) -> StateTail:
        """A reader from the start."""
        return StateTail(self.path, self.facts)


class StateTail:
    """The entries of a state that were not read yet."""

    def __init__(self, path: Path, facts: Facts) -> None:
        self.path = path
        self._facts = facts
        self.restarted = self.more = False
        self.junk = 0
        self.offset = 0
        self._stamps: dict[Path, tuple[int, int, int]] = {}
        self._states: dict[Path, dict[str, Any]] = {}
        self._said: list[Any] = []

    def fresh(self) -> StateTail:
        """Another reader, from the start."""
        return StateTail(self.path, self._facts)

    def objects(self, max_bytes: int = 1 << 18) -> tuple[list[Row], int]:
        """The next rows, and how many entries could not be used; the whole file is read whatever ``max_bytes`` says."""
        self.restarted = self.more = False
        if not self._look():
            return [], 0
        state = max(self._states.values(), key=lambda s: whole(s.get("global_step")), default=None)
        if state is None:
            return [], 0
        log = state["log_history"]
        before = self._said
        if log[: len(before)] != before and not _same(log[: len(before)], before):
            self.restarted = True  # another run, or one that went back to an earlier checkpoint
            before = []
        self._said = log
        self._learn(state)
        rows, bad = _rows(log[len(before) :], self._facts)
        self.junk += bad
        return rows, 0

    def _look(self) -> bool:
        """Reads what has changed; returns whether anything has."""
        changed = False
        paths = _states(self.path)
        for gone in self._states.keys() - set(paths):
            del self._states[gone], self._stamps[gone]
        for path in paths:
            try:
                found = path.stat()
            except OSError:
                continue
            stamp = (found.st_ino, found.st_size, found.st_mtime_ns)
            if stamp == self._stamps.get(path):
                continue
            state = read_state(path)
            if state is not None:  # else it is being written: it is looked at again
                self._states[path], self._stamps[path] = state, stamp
                self.offset = found.st_size
                changed = True
        return changed

    def _learn(self, state: dict[str, Any]) -> None:
        facts, step = self._facts, whole(state.get("global_step"))
        facts.max_steps = max(0, whole(state.get("max_steps")))
        facts.finished = 0 < facts.max_steps <= step or any(
            isinstance(e, dict) and "train_runtime" in e for e in state["log_history"][-3:]
        )
        batch = whole(state.get("train_batch_size"))
        if batch > 0:
            facts.settings["batch_size"] = batch


def _states(path: Path) -> list[Path]:
    return state_files(path) if path.is_dir() else [path]


def _same(one: list[Any], other: list[Any]) -> bool:
    """Whether two lists say the same; NaN is never equal to itself, in text it is."""
    return repr(one) == repr(other)


def _rows(entries: list[Any], facts: Facts) -> tuple[list[Row], int]:
    """The rows of some log entries, and how many were none."""
    rows, bad = Rows(), 0
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("step"), int):
            bad += 1
            continue
        if "train_runtime" in entry:  # the summary at the end: a mean over the whole run
            continue
        step = whole(entry["step"])
        tokens = number(entry.get("num_input_tokens_seen"))
        for name, value in entry.items():
            if name in _IGNORED:
                continue
            found = meaning(name)
            if found is None or not isinstance(value, (int, float)):
                facts.note_other(name)
                continue
            kind, column, _ = found
            if facts.shown.setdefault(column, name) != name:
                facts.note_other(name)
                continue
            rows.add(kind, step, column, float("nan") if (one := number(value)) is None else one, 0.0)
        if tokens is not None:
            rows.add("step" if "loss" in entry else "eval", step, "tokens", tokens, 0.0)
    return rows.take(), bad
