"""``llm-lab heads RUN --over-steps``: the heads of a run as it learned, a line for each kept step."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import InputError, LabError
from lab.cli import inside
from lab.cli.inside import Files, number, with_bar
from lab.cli.report import print_json
from lab.cli.signals import stop_on_signals
from lab.cli.writing import note, write

if TYPE_CHECKING:
    from core.model.head_sets import Head
    from core.model.profiles import HeadProfiles
    from core.model.through_time import StepProfiles, StepSkipped


@dataclass(frozen=True)
class History:
    """What was asked for."""

    model: str
    text: str | None
    measure: str
    """What a figure shows."""
    heads: str | None
    """Which heads are told; None: the highest of each measure."""
    follow: bool
    seed: int
    device: str

    def events(self, cancelled: threading.Event) -> Iterator[StepProfiles | StepSkipped]:
        """The steps as they are measured."""
        text = None if self.text is None else _tokens(self.model, self.text)
        from core.training.launch import prepare_environment

        prepare_environment()  # before torch is imported
        import torch

        torch.set_num_threads(1)  # more would fight with a run that learns on the same cores
        from core.model.through_time import head_history

        return head_history(self.model, text, cancelled, follow=self.follow, seed=self.seed, device=self.device)

    def chosen(self, event: StepProfiles) -> list[Head]:
        """The heads that ``--heads`` names, in a model of this event's shape."""
        from core.config import GPTConfig

        layers, count = profiles(event).entropy.shape
        return list(inside.heads_of(self.heads, GPTConfig(1, 1, count, count, layers), "--heads"))


def show(asked: History, files: Files, as_json: bool) -> int:
    """A line for each step as it is measured; files are written at the end, also of what there is by then."""
    from core.model.through_time import StepProfiles

    cancelled = threading.Event()
    kept: list[StepProfiles] = []
    with stop_on_signals(cancelled.set, lambda said: None) as received:
        for event in with_bar(asked.events(cancelled), "steps", _place, lines=as_json or not files.any):
            if isinstance(event, StepProfiles):
                asked.chosen(event)  # heads that there are not are said before anything is printed
                kept.append(event)
            else:
                note(f"step {event.step:,} is left out: {event.title}")
            if as_json:
                print_json(event.to_dict())
            elif isinstance(event, StepProfiles) and not files.any:
                _print_step(event, asked, first=len(kept) == 1)
        if kept:
            _take(files, kept, asked)
    return received.exit_code


def profiles(event: StepProfiles) -> HeadProfiles:
    """On the text if one was given, else on random tokens.

    Raises:
        InputError: there are neither.
    """
    found = event.text or event.random
    if found is None:
        raise InputError("the context is too short for random tokens", "give a text: llm-lab heads MODEL TEXT")
    return found


def _tokens(model: str, text: str) -> str | list[int]:
    """The tokens of a text as a run's tokenizer has them, the last that fit; of what is no run, the text."""
    from core.shelf import split_spec
    from core.tokenizers import load_tokenizer
    from core.training.runs import open_run

    said = inside.text_of(text)
    try:
        run = open_run(split_spec(model)[0])
    except LabError:
        return said  # the history says why
    return inside.fitting(load_tokenizer(run.path), said, run.config.model.context_length)


def _place(event: StepProfiles | StepSkipped) -> tuple[int, int]:
    return getattr(event, "number", 0), getattr(event, "of", 0)


def _print_step(event: StepProfiles, asked: History, first: bool) -> None:
    from core.model.profiles import MEASURES

    found, wide = profiles(event), 10 if asked.heads else 16
    if first:
        write(f"{'step':>8} {'head':<8}" + "".join(f"{name:>{wide}}" for name in MEASURES) + "\n")
    rows = [(f"L{la} H{h}", [number(float(found[n][la, h]), 3) for n in MEASURES]) for la, h in asked.chosen(event)]
    if not rows:
        best = [found.best(name) for name in MEASURES]
        rows = [("highest", [f"L{la} H{h} {number(value, 3)}" for la, h, value in best])]
    for name, cells in rows:
        write(f"{event.step:>8,} {name:<8}" + "".join(f"{cell:>{wide}}" for cell in cells) + "\n")


def _take(files: Files, kept: list[StepProfiles], asked: History) -> None:
    from core.model.pictures.figures import history_figure

    layers, count = profiles(kept[-1]).entropy.shape
    every: list[Head] = [(layer, head) for layer in range(layers) for head in range(count)]
    shown = asked.chosen(kept[-1]) or every
    steps = [event.step for event in kept]
    curves = {f"L{la} H{h}": [float(profiles(e)[asked.measure][la, h]) for e in kept] for la, h in shown}
    chance = profiles(kept[-1]).chance[asked.measure]
    files.write(lambda: _rows(kept, shown), lambda: history_figure(steps, curves, asked.measure, chance, asked.model))


def _rows(kept: Sequence[StepProfiles], shown: Sequence[Head]) -> tuple[Sequence[str], Iterator[Sequence[Any]]]:
    from core.model.profiles import MEASURES

    rows = (
        (event.step, la, h, *(float(profiles(event)[name][la, h]) for name in MEASURES))
        for event in kept
        for la, h in shown
    )
    return ("step", "layer", "head", *MEASURES), rows
