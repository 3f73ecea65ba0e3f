"""``llm-lab vectors train CORPUS -o FILE``: Word2Vec on a text, its neighbours shown as they form."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError
from core.fields import config_fields
from core.vectors.training_config import Word2VecConfig
from lab.cli.commands import PROGRAM
from lab.cli.drawing import replace_line
from lab.cli.progress import choose_display, duration, fetch_text_first, rate
from lab.cli.report import print_json, two_lines
from lab.cli.signals import stop_on_signals
from lab.cli.vectors_flags import asked_config
from lab.cli.vectors_sources import on_terminal

if TYPE_CHECKING:
    from core.vectors.training import CountedEvent, EpochEvent, TrainingEvent, VectorTraining
    from lab.cli.vectors_flags import Asked

FIELDS = frozenset(config_fields(Word2VecConfig))
TEXT = (".txt", ".vec")
"""Endings for which numbers are written as text."""
_TOLD = 0.2  # seconds between two lines of JSON, or two pictures of the bar, within an epoch


def train(asked: Asked) -> int:
    """Trains word vectors and writes them; ctrl-C keeps what has been learnt."""
    if asked.words:
        raise InputError(f"train takes one CORPUS, got {len(asked.words) + 1}", "a folder of texts is one corpus")
    config = asked_config(asked.given)
    path = _free_path(asked)
    probes = [word.strip() for word in asked.given.get("probes", "").split(",") if word.strip()]
    fetch_text_first(asked.spec, choose_display("", asked.as_json))
    from core.vectors.training import save, train_steps

    cancelled = threading.Event()
    with stop_on_signals(cancelled.set, _say_ending) as received:
        training = train_steps(asked.spec, config, probes, cancel=cancelled)
        began, last = time.monotonic(), None
        for event in _shown(training, asked.as_json):
            if event.kind == "epoch":
                last = event
        if training.started:
            save(training.keyed(), path, binary=path.suffix.lower() not in TEXT)
    seconds = time.monotonic() - began
    _tell(asked, training, path, last, seconds)
    return received.exit_code


def _say_ending(said: str) -> None:
    if on_terminal():
        replace_line()
    two_lines("ending after this batch; what has been learnt is kept (once more ends it at once, with nothing)", "")


def _free_path(asked: Asked) -> Path:
    """Where the vectors go, which must be known, and free, before hours are spent on them."""
    if "output" not in asked.given:
        raise InputError("train needs -o FILE, and none came", f"{PROGRAM} vectors train {asked.spec} -o words.bin")
    path = Path(asked.given["output"]).expanduser()
    if path.is_dir():
        raise InputError(f"expected a file to write, {path} is a folder", f"for one: -o {path / 'words.bin'}")
    if path.exists() and not asked.given.get("force"):
        raise InputError(f"{path} is there already", "--force replaces it, -o names another")
    folder = next(each for each in path.absolute().parents if each.exists())  # the others are made when there is a file
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise InputError(f"{folder} cannot be written into", "name a file in another folder with -o")
    return path


def _shown(training: VectorTraining, as_json: bool) -> Iterator[TrainingEvent]:
    """The events, shown as they come: JSON on standard output, or lines and a bar on standard error."""
    told = 0.0
    drawn = not as_json and on_terminal()
    for event in training:
        now = time.monotonic()
        if event.kind == "batch":
            if now - told >= _TOLD:
                told = now
                if as_json:
                    print_json(event.to_dict())
                elif drawn:
                    replace_line(f"{training.done:>4.0%}  epoch {event.epoch}  {rate(event.words_per_second)} words/s")
        elif as_json:
            print_json(event.to_dict())
        else:
            if drawn:
                replace_line()
            _write("\n".join(_lines(event)) + "\n")
        yield event
    if drawn:
        replace_line()


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def _lines(event: CountedEvent | EpochEvent) -> Iterable[str]:
    if event.kind == "counted":
        return (
            f"{event.corpus}: {event.words:,} words, {event.vocabulary:,} different ones get a vector, "
            f"{event.left_out:,} are too rare",
        )
    probes = [f"  {word}: {', '.join(near for near, _ in found) or 'unknown'}" for word, found in event.probes]
    speed = f"{rate(event.words_per_second)} words/s"
    return (f"epoch {event.epoch}/{event.epochs}  loss {event.loss:.4f} nats a word  {speed}", *probes)


def _tell(asked: Asked, training: VectorTraining, path: Path, last: EpochEvent | None, seconds: float) -> None:
    """What was made and where it is; after a signal, what was kept."""
    if not training.started:
        if asked.as_json:
            print_json({"kind": "interrupted", "done": 0.0, "path": None})
        else:
            two_lines("stopped before anything was learnt: nothing was written", "the same command starts anew")
        return
    words, width = training.shape
    if asked.as_json:
        facts = {"done": training.done, "path": str(path), "words": words, "width": width, "seconds": seconds}
        facts["synthetic"] = training.synthetic
        print_json({"kind": "saved" if training.finished else "interrupted", **facts})
        return
    part = "" if training.finished else f" (stopped: {training.done:.0%} of the training)"
    loss = f", loss {last.loss:.4f}" if last else ""
    made_up = " (synthetic: a made-up text)" if training.synthetic else ""
    print(f"{path}: {words:,} words x {width}, {training.config.method} on {training.name}{made_up}{loss}{part}")
    example = training.keyed().index_to_key[min(50, words - 1)]
    print(f"trained in {duration(seconds)}; use them: {PROGRAM} vectors {path} neighbours {example}")
