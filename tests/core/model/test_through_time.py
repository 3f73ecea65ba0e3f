"""A run's heads through time: every kept step, one model at a time, while the run goes on and loses checkpoints."""

from __future__ import annotations

import gc
import shutil
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from run_writing import writing
from tiny_models import LETTERS, tiny_model

from core.config import TrainConfig
from core.errors import InputError, ModelSpecError, TokenizerError
from core.model import through_time
from core.model.gpt import GPT
from core.model.profiles import MEASURES, HeadProfiles, head_profiles
from core.model.through_time import StepProfiles, StepSkipped, head_history
from core.shelf import kept_steps
from core.tokenizers import get_tokenizer
from core.training.checkpoints import save_checkpoint, save_snapshot
from core.training.rundir import RunWriter
from core.training.runs import open_run
from core.training.stored import prune, set_aside_after
from core.weights.checkpoint import load_model

TEXT = "the cat, the cat"


def model_at(step: int, context: int = 16) -> GPT:
    return tiny_model(get_tokenizer("char", LETTERS).vocab_size, context, seed=step)


def keep(folder: Path, step: int, *, checkpoint: bool = False, context: int = 16) -> None:
    """What the trainer writes at a step."""
    model = model_at(step, context)
    if checkpoint:
        config = TrainConfig(model=model.config, corpus="tiny-shakespeare", tokenizer="char")
        save_checkpoint(folder, step, model.state_dict(), {}, {"config": config.to_dict(), "val_loss": 1.0})
    else:
        save_snapshot(folder, step, model.state_dict())


def start(folder: Path, context: int = 16) -> RunWriter:
    config = TrainConfig(model=model_at(0, context).config, corpus="tiny-shakespeare", tokenizer="char")
    writer = RunWriter.create(folder, {"config": config.to_dict(), "tokenizer": "char"})
    get_tokenizer("char", LETTERS).save(folder)
    return writer


@pytest.fixture
def run(isolated: Path) -> Path:
    """A run that has ended, with a snapshot at 0, 10 and 20."""
    folder = isolated / "runs" / "mine"
    with writing(start(folder)):
        for step in (0, 10, 20):
            keep(folder, step)
    return folder


def same(one: HeadProfiles | None, other: HeadProfiles) -> bool:
    """Number for number; what is no number in one is none in the other."""
    return one is not None and all(torch.allclose(one[n], other[n], 0, 0, equal_nan=True) for n in MEASURES)


def steps_of(events: Iterator[StepProfiles | StepSkipped]) -> list[int]:
    return [event.step for event in events if isinstance(event, StepProfiles)]


def test_the_demo_that_ships() -> None:
    events = list(head_history("demo", "The for statement", texts=1, device="cpu"))
    steps = kept_steps(open_run("demo"))
    assert [event.step for event in events] == list(steps) and len(steps) >= 5
    last = events[-1]
    assert isinstance(last, StepProfiles)
    loaded = load_model(f"demo@{steps[-1]}", device="cpu")
    assert last.spec == f"demo@{steps[-1]}" and (last.number, last.of) == (len(steps), len(steps))
    assert same(last.random, head_profiles(loaded.model, texts=1))
    assert same(last.text, head_profiles(loaded.model, loaded.tokenizer.encode("The for statement")))


def test_text_ids_or_neither(run: Path) -> None:
    ids = get_tokenizer("char", LETTERS).encode(TEXT)
    by_text, by_ids, plain = (list(head_history("mine", what)) for what in (TEXT, ids, None))
    for one, two, three in zip(by_text, by_ids, plain, strict=True):
        assert isinstance(one, StepProfiles) and isinstance(two, StepProfiles) and isinstance(three, StepProfiles)
        assert one.text is not None and same(two.text, one.text) and three.text is None
        assert three.random is not None and same(one.random, three.random)
    assert plain[0].to_dict()["text"] is None
    assert steps_of(head_history("mine@10")) == [0, 10, 20], "a step in the name does not cut the history"


def test_a_context_too_short_for_random_tokens_has_the_text(isolated: Path) -> None:
    folder = isolated / "runs" / "short"
    with writing(start(folder, context=3)):
        keep(folder, 5, context=3)
    (event,) = head_history("short", "cat")
    assert isinstance(event, StepProfiles)
    assert event.random is None and event.text is not None


def test_one_model_is_in_memory_at_a_time(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alive: list[weakref.ref[GPT]] = []
    load = through_time._load

    def counting(spec: str, device: str) -> GPT:
        gc.collect()
        assert [ref for ref in alive if ref() is not None] == [], "the one before is gone"
        model = load(spec, device)
        alive.append(weakref.ref(model))
        return model

    monkeypatch.setattr(through_time, "_load", counting)
    assert steps_of(head_history("mine", TEXT)) == [0, 10, 20]
    assert len(alive) == 3


def test_steps_that_are_written_anew_are_told_anew(run: Path) -> None:
    """A run that goes on from an earlier step has other weights at the later ones."""
    events = head_history("mine")
    assert [next(events).step for _ in range(3)] == [0, 10, 20]
    (run / "snapshots" / "step-000020.safetensors").unlink()
    keep(run, 15)
    assert next(events).step == 15
    keep(run, 20)
    assert steps_of(events) == [20]


def test_steps_that_come_while_it_is_looked_at_are_taken_in(run: Path) -> None:
    events = head_history("mine")
    assert next(events).step == 0
    keep(run, 15)
    keep(run, 30, checkpoint=True)
    assert steps_of(events) == [10, 15, 20, 30]


def test_a_step_that_is_pruned_before_its_turn_is_left_out(run: Path) -> None:
    events = head_history("mine")
    next(events)
    (run / "snapshots" / "step-000010.safetensors").unlink()
    assert [event.step for event in events] == [20]


def test_a_checkpoint_that_goes_while_it_is_read_is_left_out(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for step in (25, 30, 35):
        keep(run, step, checkpoint=True)
    load = through_time._load

    def pruned_first(spec: str, device: str) -> GPT:
        if spec == "mine@25":
            assert [path.name for path in prune(run, keep=1)] == ["step-000025", "step-000030"]
        return load(spec, device)

    monkeypatch.setattr(through_time, "_load", pruned_first)
    assert [event.step for event in head_history("mine")] == [0, 10, 20, 35]


def test_a_checkpoint_that_is_replaced_while_it_is_read_is_read_again(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(run, 25, checkpoint=True)
    weights = run / "checkpoints" / "step-000025" / "model.safetensors"
    whole, load, tries = weights.read_bytes(), through_time._load, []

    def torn_once(spec: str, device: str) -> GPT:
        if spec == "mine@25":
            tries.append(spec)
            weights.write_bytes(whole if len(tries) > 1 else whole[:100])
        return load(spec, device)

    monkeypatch.setattr(through_time, "_load", torn_once)
    assert steps_of(head_history("mine")) == [0, 10, 20, 25]
    assert len(tries) == 2


@pytest.mark.parametrize("damage", [lambda data: data[:500], lambda data: b"", lambda data: b"{" * len(data)])
def test_a_damaged_step_is_said_and_passed_over(run: Path, damage: Callable[[bytes], bytes]) -> None:
    path = run / "snapshots" / "step-000010.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    first, bad, last = head_history("mine")
    assert (first.step, last.step) == (0, 20)
    assert isinstance(bad, StepSkipped) and bad.step == 10 and bad.title and bad.to_dict()["kind"] == "skipped"


def test_a_run_that_goes_on_from_an_earlier_step_is_told_anew(run: Path) -> None:
    events = head_history("mine")
    seen = [next(events), next(events), next(events)]
    set_aside_after(run, 5)
    keep(run, 12)
    assert [event.step for event in events] == [12]
    assert [event.step for event in seen] == [0, 10, 20]


def test_a_run_that_learns_is_followed_to_its_end(isolated: Path) -> None:
    folder = isolated / "runs" / "live"
    writer = start(folder)

    class Meanwhile(threading.Event):
        """What happens while the history waits for more."""

        waits = 0

        def wait(self, timeout: float | None = None) -> bool:
            self.waits += 1
            if self.waits == 1:
                keep(folder, 0)
            elif self.waits == 2:
                keep(folder, 7, checkpoint=True)
                writer.close("finished")
            return False

    cancel = Meanwhile()
    with writing(writer):
        assert steps_of(head_history("live", cancel=cancel, follow=True)) == [0, 7]
    assert cancel.waits == 2


def test_it_ends_when_it_is_told_to(run: Path) -> None:
    cancel = threading.Event()
    events = head_history("mine", cancel=cancel)
    next(events)
    cancel.set()
    assert list(events) == []


def test_nan_in_the_weights_is_shown(run: Path) -> None:
    model = model_at(3)
    model.h[0].attn.c_attn.weight[0, 0] = float("nan")
    save_snapshot(run, 30, model.state_dict())
    *_, last = head_history("mine", TEXT)
    assert isinstance(last, StepProfiles) and last.text is not None
    assert last.text.entropy[0, 0].isnan() and last.text.entropy[0, 1].isfinite()


@pytest.mark.parametrize(
    ("spec", "text", "error", "message"),
    [
        ("nobody", None, ModelSpecError, "nobody is not a run, and only a run has a history"),
        ("gpt2", None, ModelSpecError, "gpt2 is not a run"),
        ("mine", "", InputError, "at least one token"),
        ("mine", "x" * 17, InputError, "17 tokens do not fit"),
        ("mine", [99], InputError, "expected ids from 0 to"),
        ("mine", "§", TokenizerError, "§"),
    ],
)
def test_what_has_no_history(run: Path, spec: str, text: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        next(head_history(spec, text))


def test_a_run_without_weights_says_when_they_come(isolated: Path, run: Path) -> None:
    shutil.rmtree(run / "snapshots")
    with pytest.raises(ModelSpecError, match="has kept no weights yet"):
        head_history("mine")
