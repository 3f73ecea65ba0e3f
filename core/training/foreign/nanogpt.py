"""What nanoGPT prints while it trains, kept in a file, as a run.

The lines are those of its ``train.py``: ``iter 10: loss 3.9, time 20.11ms, mfu 1.23%`` and ``step 250: train loss
2.05, val loss 2.11``; before them it may say ``tokens per iteration will be: 16,384``, ``number of parameters:
10.65M`` and the settings, ``max_iters = 5000``. Everything else in the file is passed over.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from core.files import open_plain
from core.training.foreign.facts import Facts, plain
from core.training.foreign.rows import Row, number, resume, row, whole
from core.training.tail import LineTail

_NUMBER = r"(nan|[-+]?inf|[-+]?\d[\d,]*(?:\.\d*)?(?:[eE][-+]?\d+)?)"
_ITER = re.compile(
    rf"\biter (\d{{1,15}}): loss {_NUMBER}(?:, time {_NUMBER}\s*ms)?(?:, mfu {_NUMBER}%)?", re.IGNORECASE
)
_EVAL = re.compile(rf"\bstep (\d{{1,15}}): train loss {_NUMBER}, val loss {_NUMBER}", re.IGNORECASE)
_TOKENS = re.compile(r"tokens per iteration will be: ([\d,]{1,20})")
_PARAMETERS = re.compile(r"number of parameters: (\d[\d.]{0,12})M")
_SETTING = re.compile(r"^(?:Overriding: )?(\w+) = (['\"]?)([^'\"#\n]{1,80}?)\2\s*(?:#.*)?$")
_SETTINGS = {
    "max_iters": "max_steps",
    "learning_rate": "learning_rate",
    "batch_size": "batch_size",
    "min_lr": "min_learning_rate",
}
_SETTINGS |= {
    "block_size": "context_length",
    "n_layer": "n_layers",
    "n_head": "n_heads",
    "n_embd": "emb_dim",
    "warmup_iters": "warmup_steps",
}
_LINE = 4096
LOOK = 1 << 18
"""Bytes at the start of a file in which a line of nanoGPT's must stand."""


def looks_like(data: bytes) -> bool:
    """Whether some bytes hold a line of nanoGPT's.

    >>> looks_like(b"iter 0: loss 4.2660, time 3021.11ms, mfu -100.00%\\n"), looks_like(b"step 3: hello")
    (True, False)
    """
    text = data.decode("utf-8", "replace")
    return any(pattern.search(text) is not None for pattern in (_ITER, _EVAL, _TOKENS))


class ConsoleLog:
    """One file of printed lines."""

    name = "nanoGPT"
    silent_about_end = "its log does not say whether it has ended"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.facts = Facts()

    def changed(self) -> float:
        """Unix time of the newest change; 0 when nothing is there."""
        try:
            return self.path.stat().st_mtime
        except OSError:
            return 0.0

    def peek(self) -> None:
        """Learns the settings from the first lines, and from the last whether the run has come to its end."""
        try:
            with open_plain(self.path) as file:
                lines = file.read(1 << 16).split(b"\n")
                file.seek(0, 2)
                size = file.tell()
                file.seek(max(0, size - (1 << 14)))
                lines += file.read().split(b"\n")[1:]
        except OSError:
            return
        reader = LogTail(self.path, self.facts)
        for line in lines:
            reader.take(line)

    def tail(self) -> LogTail:
        """A reader from the start."""
        return LogTail(self.path, self.facts)


class LogTail:
    """The rows of a console log that were not read yet."""

    def __init__(self, path: Path, facts: Facts) -> None:
        self.path = path
        self._facts = facts
        self._lines = LineTail(path)
        self._clear()

    def _clear(self) -> None:
        self._last = {"step": -1, "eval": -1}
        self._seconds = 0.0
        self._timed: tuple[int, float] | None = None
        self._per_step = 0

    @property
    def offset(self) -> int:
        """Bytes read so far."""
        return self._lines.offset

    @property
    def restarted(self) -> bool:
        """Whether the last look found another file, or a shorter one, and began again."""
        return self._lines.restarted

    @property
    def more(self) -> bool:
        """Whether there is more to read at once."""
        return self._lines.more

    @property
    def junk(self) -> int:
        """Stretches without a line break that were passed over."""
        return self._lines.junk

    def fresh(self) -> LogTail:
        """Another reader, from the start."""
        return LogTail(self.path, self._facts)

    def objects(self, max_bytes: int = 1 << 18) -> tuple[list[Row], int]:
        """The next rows; a line that says nothing of the run is no fault, so 0 are bad."""
        lines = self._lines.read(max_bytes)
        if self._lines.restarted:
            self._clear()
        return [one for line in lines for one in self.take(line)], 0

    def take(self, line: bytes) -> list[Row]:
        """The rows that one line makes: none, one, or two where the program went back to an earlier step."""
        text = line[:_LINE].decode("utf-8", "replace")
        if found := _ITER.search(text):
            return self._placed(self._step(*found.groups()))
        if found := _EVAL.search(text):
            one = row("eval", int(found[1]), self._seconds, self._per_step * int(found[1]))
            one["train_loss"], one["val_loss"] = _float(found[2]), _float(found[3])
            if one["val_loss"] is not None:  # nats per token, as ours
                one["perplexity"] = math.exp(min(one["val_loss"], 700.0))
            self._facts.shown |= {"val_loss": "val loss", "eval train_loss": "train loss"}
            return self._placed(one)
        self._learn(text)
        return []

    def _step(self, step: str, loss: str, took: str | None, mfu: str | None) -> Row:
        at, milliseconds = int(step), _float(took)
        if milliseconds is not None and milliseconds > 0:
            # The time is that of this step alone, with an evaluation if one came before it: the steps between two
            # lines took about as long as the faster of the two.
            before = self._timed if self._timed and at > self._timed[0] else (at - 1, milliseconds)
            self._seconds += ((at - before[0] - 1) * min(before[1], milliseconds) + milliseconds) / 1000
            self._timed = (at, milliseconds)
        one = row("step", at, round(self._seconds, 4), self._per_step * at)
        one["loss"] = _float(loss)
        self._facts.shown["loss"] = "loss"
        share = _float(mfu)
        if share is not None and share > 0:  # -100 % until it is measured
            one["mfu"] = share / 100
            self._facts.shown["mfu"] = "mfu"
        if self._per_step and milliseconds:
            one["tokens_per_second"] = self._per_step / milliseconds * 1000
            self._facts.shown["tokens_per_second"] = "time"
        if 0 < self._facts.max_steps <= at:
            self._facts.finished = True
        return one

    def _placed(self, one: Row) -> list[Row]:
        kind, step = one["kind"], one["step"]
        back = step < max(self._last.values())  # an evaluation is said before the step of its number
        if back:
            self._last = {k: min(last, step - 1) for k, last in self._last.items()}
            self._facts.finished = False
        self._last[kind] = step
        return [resume(step - 1, one["time"]), one] if back else [one]

    def _learn(self, text: str) -> None:
        facts = self._facts
        if found := _TOKENS.search(text):
            self._per_step = min(int(found[1].replace(",", "") or 0), 1 << 40)
        elif found := _PARAMETERS.search(text):
            facts.parameters = whole((_float(found[1]) or 0.0) * 1e6)
        elif found := _SETTING.match(text.strip()):
            name, value = found[1], found[3].strip()
            if name == "dataset":
                facts.corpus = plain(value)
            elif name in _SETTINGS and (said := _float(value)) is not None:
                facts.settings[_SETTINGS[name]] = whole(said) if said == int(said) else said
                facts.max_steps = whole(facts.settings.get("max_steps"))


def _float(text: str | None) -> float | None:
    """A finite number, or None.

    >>> _float("1,024"), _float("nan"), _float("x")
    (1024.0, None, None)
    """
    try:
        return number(float(text.replace(",", ""))) if text else None
    except ValueError:
        return None
