"""How a run in this process is shown: a bar on a terminal, JSON lines on request, otherwise one line at its end."""

from __future__ import annotations

import math
import os
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from core.errors import LabError
from core.training.events import EndEvent, EvalEvent, Event, SampleEvent, StateEvent, StepEvent, WarningEvent
from lab.cli.drawing import drawing_console
from lab.cli.report import print_json, two_lines

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from core.config import TrainConfig
    from core.data.download import DownloadProgress


class Tally:
    """What a run's last line needs, gathered from its events."""

    def __init__(self, max_steps: int) -> None:
        self.max_steps = max_steps
        self.seen = 0
        """Events taken in."""
        self.step = 0
        self.time = 0.0
        self.loss = math.nan
        """Of the last step, in nats per token."""
        self.smooth_loss = math.nan
        """Smoothed over about ten steps."""
        self.val_loss = math.nan
        self.best = math.nan
        self.best_step = 0
        self.tokens_per_second = 0.0
        self.state = "starting"
        self.end: EndEvent | None = None
        self._recent: deque[tuple[int, float]] = deque(maxlen=100)

    def add(self, event: Event) -> None:
        """Takes one event in."""
        self.seen += 1
        self.step, self.time = event.step, event.time
        if isinstance(event, StepEvent):
            self.state = "running"
            if math.isfinite(event.loss):
                self.loss = event.loss
                before = self.smooth_loss
                self.smooth_loss = event.loss if math.isnan(before) else 0.9 * before + 0.1 * event.loss
            self.tokens_per_second = event.tokens_per_second
            self._recent.append((event.step, event.time))
        elif isinstance(event, EvalEvent):
            self.val_loss = event.val_loss
            if math.isfinite(event.val_loss) and not event.val_loss >= self.best:
                self.best, self.best_step = event.val_loss, event.step
        elif isinstance(event, StateEvent):
            self.state = "running" if event.state == "resumed" else event.state
        elif isinstance(event, EndEvent):
            self.end = event
            self.state = event.reason

    @property
    def seconds_left(self) -> float | None:
        """An estimate from the last hundred steps; None before there are two."""
        if len(self._recent) < 2:
            return None
        (first, since), (last, until) = self._recent[0], self._recent[-1]
        if last <= first:
            return None
        return (until - since) / (last - first) * max(self.max_steps - last, 0)


def duration(seconds: float) -> str:
    """Seconds as a person says them.

    >>> duration(7.25), duration(75), duration(3725)
    ('7.2 s', '1:15', '1:02:05')
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def rate(per_second: float) -> str:
    """Tokens per second, short.

    >>> rate(950), rate(60123), rate(1250000)
    ('950', '60.1k', '1.25M')
    """
    if per_second < 1000:
        return f"{per_second:.0f}"
    return f"{per_second / 1e3:.1f}k" if per_second < 1e6 else f"{per_second / 1e6:.2f}M"


def last_line(name: str, path: object, tally: Tally) -> str:
    """One line that says how a run ended and where it lies."""
    reason = tally.end.reason if tally.end else tally.state
    of = f" of {tally.max_steps:,} steps" if tally.max_steps else " steps"  # a foreign run may not say how many
    took = f" in {duration(tally.time)}" if tally.time or tally.max_steps else ""
    parts = [f"{reason} {name}: {tally.step:,}{of}{took}"]
    if math.isfinite(tally.loss):
        parts.append(f"loss {tally.loss:.4f}")
    if math.isfinite(tally.best):
        parts.append(f"best validation loss {tally.best:.4f} at step {tally.best_step:,}")
    parts.append(str(path))
    line = " · ".join(parts)
    return f"{line} · go on with: llm-lab train --resume {name}" if reason == "stopped" else line


class Display(Protocol):
    """Shows events as they come."""

    def begin(self, tally: Tally) -> None:
        """Says that the run is about to start."""

    def show(self, event: Event, tally: Tally) -> None:
        """Shows one event; the tally has it already."""

    def note(self, text: str) -> None:
        """Says something beside the events."""

    def end(self) -> None:
        """Takes away what was drawn; also after an error, and more than once."""

    def close(self, line: str) -> None:
        """Says the run's last line."""


class JsonLines:
    """Every event as one JSON object a line."""

    def begin(self, tally: Tally) -> None:
        """Keeps quiet."""

    def show(self, event: Event, tally: Tally) -> None:
        """Prints the event."""
        print_json(event.to_dict())

    def end(self) -> None:
        """Has nothing to take away."""

    def note(self, text: str) -> None:
        """Keeps quiet: whoever reads JSON wants nothing else."""

    def close(self, line: str) -> None:
        """Keeps quiet: the end event has said it."""


class Quiet:
    """For a pipe or a log: warnings as they come, and the last line."""

    def begin(self, tally: Tally) -> None:
        """Keeps quiet."""

    def show(self, event: Event, tally: Tally) -> None:
        """Says warnings alone."""
        if isinstance(event, WarningEvent):
            two_lines(event.title, event.hint)

    def end(self) -> None:
        """Has nothing to take away."""

    def note(self, text: str) -> None:
        """Says it where a person sees it, and not in a log."""
        if sys.stderr.isatty():
            two_lines(text, "")

    def close(self, line: str) -> None:
        """Prints the last line."""
        print(line)


class Bar:
    """For a terminal: a bar with loss and time left; evaluations, samples and warnings scroll by above it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._drawn = 0.0

    def begin(self, tally: Tally) -> None:
        """Draws the empty bar: loading PyTorch takes a second or two."""
        self._started(tally).refresh()

    def show(self, event: Event, tally: Tally) -> None:
        """Moves the bar at most five times a second, since drawing costs the run time."""
        bar = self._started(tally)
        if isinstance(event, EvalEvent):
            best = "  best so far" if event.best else ""
            self._above(
                f"step {event.step:>7,}  validation loss {event.val_loss:.4f}  perplexity {event.perplexity:.2f}{best}"
            )
        elif isinstance(event, SampleEvent):
            lines = [line for line in event.text.splitlines() if line.strip()][:4]
            self._above("\n".join(f"    {line}" for line in lines), style="dim")
        elif isinstance(event, WarningEvent):
            self._above(event.title, style="yellow")
            self._above(event.hint)
        elif isinstance(event, StateEvent):
            self._above(f"step {event.step:>7,}  {event.state}{': ' + event.reason if event.reason else ''}")
        now = time.monotonic()
        if now - self._drawn >= 0.2 or not isinstance(event, StepEvent):
            self._drawn = now
            assert self._task is not None
            bar.update(self._task, total=tally.max_steps, completed=tally.step, facts=_facts(tally))
            bar.refresh()

    def note(self, text: str) -> None:
        """Says it above the bar."""
        self._above(text)

    def end(self) -> None:
        """Takes the bar away."""
        if self._progress is not None:
            bar, self._progress = self._progress, None
            with suppress(OSError):  # the terminal may have been closed
                bar.stop()

    def close(self, line: str) -> None:
        """Takes the bar away and prints the last line."""
        self.end()
        print(line)

    def _started(self, tally: Tally) -> Progress:
        if self._progress is None:
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

            self._progress = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=None),
                MofNCompleteColumn(),
                TextColumn("{task.fields[facts]}", markup=False),
                auto_refresh=False,
                transient=True,
                expand=True,
                console=drawing_console(),
            )
            self._task = self._progress.add_task(self._name, total=tally.max_steps, facts="starting")
            self._progress.start()
        return self._progress

    def _above(self, text: str, style: str | None = None) -> None:
        if self._progress is None:
            print(text)
        else:
            from rich.text import Text

            # A style given to print itself would tint the bar too.
            self._progress.console.print(Text(text, style=style or ""), no_wrap=True, overflow="ellipsis")


def _facts(tally: Tally) -> str:
    said = []
    if tally.state not in ("running", "starting"):
        said.append(tally.state)
    if math.isfinite(tally.smooth_loss):
        said.append(f"loss {tally.smooth_loss:.3f}")
    if math.isfinite(tally.val_loss):
        said.append(f"val {tally.val_loss:.3f}")
    if tally.tokens_per_second:
        said.append(f"{rate(tally.tokens_per_second)} tokens/s")
    if (left := tally.seconds_left) is not None:
        said.append(f"{duration(left)} left")
    return "  ".join(said)


def choose_display(name: str, as_json: bool) -> Display:
    """The display that fits where the output goes."""
    if as_json:
        return JsonLines()
    return Bar(name) if drawable() else Quiet()


def drawable() -> bool:
    """Whether stdout is a terminal on which lines can be redrawn."""
    return sys.stdout.isatty() and os.environ.get("TERM", "") != "dumb"


def fetch_first(config: TrainConfig, display: Display) -> None:
    """Fetches the text and the vocabulary that a run needs and that are not here yet, with a bar on a terminal.

    Raises:
        DownloadError: one of them could not be fetched.
    """
    fetch_text_first(config.corpus, display)
    fetch_vocabulary_first(config.tokenizer, display)


def fetch_text_first(corpus: str, display: Display) -> None:
    """Fetches a named text that is not here yet.

    Raises:
        DownloadError: it could not be fetched.
    """
    from core.data import corpora

    if corpus in corpora.CORPORA and not corpora.is_available(corpus):
        _fetch(corpus, corpora.fetch_corpus(corpus), display)


def fetch_vocabulary_first(tokenizer: str, display: Display) -> None:
    """Fetches the vocabulary of a tokenizer if it is not here yet.

    Raises:
        DownloadError: it could not be fetched.
    """
    from core.tokenizers import TOKENIZERS, fetch_tokenizer, tokenizer_is_here

    if tokenizer in TOKENIZERS and not tokenizer_is_here(tokenizer):
        _fetch(f"the vocabulary of {tokenizer}", fetch_tokenizer(tokenizer), display)


def _fetch(what: str, progress: Iterator[DownloadProgress], display: Display) -> None:
    display.note(f"fetching {what} (once; it is kept in the cache folder)")
    if not isinstance(display, Bar):
        for _ in progress:
            pass
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns: list[Any] = [TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn()]
    with Progress(*columns, TransferSpeedColumn(), transient=True, console=drawing_console()) as bar:
        task = bar.add_task(what, total=None)
        for got in progress:
            bar.update(task, completed=got.received, total=got.total)


def raise_end(end: EndEvent | None) -> None:
    """Turns an end that is no success into the error that the command line reports."""
    if end is not None and end.reason in ("diverged", "failed"):
        raise LabError(end.title or f"the run ended: {end.reason}", end.hint or "its trainer.log says more")
