"""The training loop: ``for event in Trainer(config).run(): ...``.

It owns the order of things: batches, steps, evaluations, samples, checkpoints. What computes is a backend (backend.py),
what a step trains on is the material (material.py), what is written and asked goes through the journal (journal.py).
Leaves out: processes (launch.py), printing, drawing.
"""

from __future__ import annotations

import math
import platform
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.config import TrainConfig
from core.errors import LabError, MemoryShortError
from core.training import checkpoints, stored
from core.training.backend import Backend, StepResult, make_backend, seed_for
from core.training.estimate import check_memory, what_would_fit
from core.training.events import (
    CheckpointEvent,
    EndEvent,
    EvalEvent,
    Event,
    SampleEvent,
    SnapshotEvent,
    StartEvent,
    StepEvent,
)
from core.training.journal import Journal
from core.training.material import Material, prepare
from core.training.resume import Resumption
from core.training.runs import new_run_dir
from core.training.schedule import due, rate, snapshot_steps

SAMPLE_TOKENS = 200


@dataclass
class Progress:
    """Where a run is; all of it is in every checkpoint."""

    step: int = 0
    tokens: int = 0
    best: float = math.inf
    """Lowest validation loss so far, in nats per token."""
    evals_without_better: int = 0
    val_loss: float | None = None


class Trainer:
    """One training run.

    Args:
        config: what to train, on what, how.
        resume: a run directory to go on with; ``config`` is then what the run should be from now on.
        checkpoint: where to go on from: ``latest``, ``best``, or a step.

    Raises (when ``run()`` is iterated):
        InputError: a text, tokenizer or configuration that cannot be used.
        RunLockedError: another trainer holds the run.
        CheckpointError: the checkpoint is damaged or does not fit.
        MemoryShortError: the machine has too little memory; the hint says what would fit.
    """

    def __init__(self, config: TrainConfig, *, resume: Path | None = None, checkpoint: str | int = "latest") -> None:
        self.config = config
        self.run_dir: Path | None = resume or (Path(config.run_dir) if config.run_dir else None)
        self._resume_dir, self._from = resume, checkpoint
        self._journal = Journal()
        self._progress = Progress()
        self._speed = 0.0  # tokens a second, smoothed

    @classmethod
    def resumed(cls, run_dir: Path, checkpoint: str | int = "latest", **changes: Any) -> Trainer:
        """A trainer that goes on with a run, with some fields changed (``max_steps=4000`` extends it)."""
        from core.training.runs import open_run

        return cls(open_run(run_dir).config.override(**changes), resume=run_dir, checkpoint=checkpoint)

    def request_stop(self) -> None:
        """Asks the run to end with a checkpoint after the current step; safe from any thread or signal handler."""
        self._journal.stop.set()

    def run(self) -> Iterator[Event]:
        """Trains, and yields what happens; each event stands in ``metrics.jsonl`` before it is yielded."""
        try:
            yield from self._run()
        except (MemoryError, RuntimeError) as error:
            if not _out_of_memory(error):
                self._journal.close("failed", f"{type(error).__name__}: {error}")
                raise
            short = MemoryShortError(
                f"out of memory at batch_size {self.config.batch_size}, context {self.config.model.context_length}",
                what_would_fit(self.config),
            )
            yield from self._fail(short)
            raise short from error
        except LabError as error:
            yield from self._fail(error)
            raise
        finally:
            self._journal.close("stopped")

    def _run(self) -> Iterator[Event]:
        journal = self._journal
        before = None
        if self._resume_dir:  # read first: a run that is refused stays as it was
            before = Resumption.read(self._resume_dir, self._from, self.config)
            journal.reopen(self._resume_dir)
        elif self.run_dir:
            journal.claim(self.run_dir)
        journal.status(state="starting", phase="data")
        material = prepare(self.config, self._resume_dir)
        self.config = config = material.config
        journal.status(phase="model", max_steps=config.max_steps)
        check_memory(config)
        backend = make_backend(config)
        try:
            journal.status(phase="measure")
            peak = backend.peak_flops()
            if before is None:
                yield from self._begin(backend, material)
            else:
                yield from self._go_on(backend, material, before)
            yield from self._loop(backend, material, peak)
        finally:
            backend.close()

    def _begin(self, backend: Backend, material: Material) -> Iterator[Event]:
        """Makes the run directory's fixed part and takes the first snapshot."""
        config = self.config
        if config.init_from:
            backend.load(_weights_of(config), None)
        if self.run_dir is None:
            self.run_dir = new_run_dir(f"{material.name}-{config.tokenizer}-{config.model.n_layers}L")
        self._journal.create(self.run_dir, _meta(config, backend, material))
        material.tokenizer.save(self.run_dir)
        yield from self._journal.say(
            StartEvent(
                *self._now(),
                max_steps=config.max_steps,
                parameters=backend.parameters,
                train_tokens=len(material.train),
                val_tokens=len(material.val),
                steps_per_epoch=material.steps_per_epoch,
            )
        )
        yield from self._look(backend, material, samples=config.sample_interval > 0)

    def _go_on(self, backend: Backend, material: Material, before: Resumption) -> Iterator[Event]:
        """Puts weights, optimizer and progress back to a checkpoint."""
        assert self.run_dir is not None
        backend.load(before.checkpoint.model, before.checkpoint.optimizer)
        self._progress = Progress(**before.progress)
        self._journal.clock.set(before.seconds)
        stored.set_aside_after(self.run_dir, self._progress.step)
        yield from self._journal.say(before.event(backend, material, self._now()))
        for warning in before.warnings(backend, material, self._now()):
            yield from self._journal.say(warning)

    def _loop(self, backend: Backend, material: Material, peak: float | None) -> Iterator[Event]:
        config, progress, journal = self.config, self._progress, self._journal
        while progress.step < config.max_steps:
            yield from journal.attend(self._now, lambda: self._checkpoint(backend))
            if journal.stop.is_set():
                break
            journal.status(state="running", phase="train", step=progress.step)
            started = time.perf_counter()
            scale = rate(config, progress.step)
            result = backend.train_step(material.batches(progress.step), progress.step, scale)
            if not result.finite:
                yield from self._diverge(result, scale)
                return
            progress.step += 1
            progress.tokens += material.tokens_per_step
            self._note_speed(material.tokens_per_step / (time.perf_counter() - started))
            mfu = None if peak is None else self._speed * config.model.flops_per_token() / peak
            yield from journal.say(
                StepEvent(*self._now(), result.loss, config.learning_rate * scale, result.grad_norm, self._speed, mfu)
            )
            if (yield from self._milestones(backend, material)):
                break
        reason = "stopped" if journal.stop.is_set() else "finished"
        journal.status(state="stopping", phase="checkpoint", step=progress.step)
        if not (self.run_dir and _has_checkpoint(self.run_dir, progress.step)):
            yield from self._checkpoint(backend)
        yield from journal.say(EndEvent(*self._now(), reason))
        journal.close(reason)

    def _milestones(self, backend: Backend, material: Material) -> Generator[Event, None, bool]:
        """Evaluation, sample, snapshot and checkpoint where they are due; returns whether patience has run out."""
        config, step = self.config, self._progress.step
        better = False
        if due(config.eval_interval, step, config.max_steps):
            better = yield from self._evaluate(backend, material)
        sampling = config.sample_interval > 0 and due(config.sample_interval, step, config.max_steps)
        yield from self._look(backend, material, samples=sampling)
        if better or due(config.checkpoint_interval, step, config.max_steps):
            yield from self._checkpoint(backend, best=better)
        return 0 < config.patience <= self._progress.evals_without_better

    def _evaluate(self, backend: Backend, material: Material) -> Generator[Event, None, bool]:
        """Evaluates both parts; returns whether the validation loss is the best so far."""
        progress = self._progress
        self._journal.status(phase="evaluate")
        train_loss, val_loss = (backend.evaluate(material.eval_batches(part)) for part in ("train", "val"))
        better = val_loss < progress.best
        progress.val_loss = val_loss
        progress.best = min(progress.best, val_loss)
        progress.evals_without_better = 0 if better else progress.evals_without_better + 1
        perplexity = math.exp(min(val_loss, 700.0))
        yield from self._journal.say(EvalEvent(*self._now(), train_loss, val_loss, perplexity, better))
        return better

    def _look(self, backend: Backend, material: Material, *, samples: bool) -> Iterator[Event]:
        """A sample, if asked for, and a snapshot, if one is due."""
        config, step = self.config, self._progress.step
        if samples:
            self._journal.status(phase="sample")
            prompt, ids = material.prompt()
            drawn = backend.sample(ids, SAMPLE_TOKENS, seed_for(config.seed, "sample", step))
            yield from self._journal.say(SampleEvent(*self._now(), prompt, material.tokenizer.decode(drawn)))
        if step in snapshot_steps(config.snapshot_count, config.max_steps):
            run_dir = self._journal.path
            path = yield from self._journal.with_space(
                lambda: checkpoints.save_snapshot(run_dir, step, backend.tensors()[0])
            )
            yield from self._journal.say(SnapshotEvent(*self._now(), path.relative_to(run_dir).as_posix()))

    def _checkpoint(self, backend: Backend, *, best: bool = False) -> Iterator[Event]:
        journal, progress, run_dir = self._journal, self._progress, self._journal.path
        journal.status(phase="checkpoint")
        started = time.perf_counter()
        state = {
            **vars(progress),
            "time": journal.clock.seconds(),
            "config": self.config.to_dict(),
            "threads": backend.threads,
            "device": backend.device,
            "dtype": backend.dtype,
            "versions": dict(backend.versions),
            # Batches, dropout and samples are functions of (seed, step): no generator outlives a step.
            "rng": {"rule": "function of seed and step", "seed": self.config.seed, "step": progress.step},
        }
        path = yield from journal.with_space(
            lambda: checkpoints.save_checkpoint(run_dir, progress.step, *backend.tensors(), state, best=best)
        )
        stored.prune(run_dir, self.config.keep_checkpoints)
        took = time.perf_counter() - started
        yield from journal.say(CheckpointEvent(*self._now(), path.relative_to(run_dir).as_posix(), took))

    def _diverge(self, result: StepResult, scale: float) -> Iterator[Event]:
        what = "loss" if not math.isfinite(result.loss) else "gradient norm"
        at = f"step {self._progress.step + 1} (learning rate {scale * self.config.learning_rate:.2g})"
        title = f"the {what} is not finite at {at}"
        third = self.config.learning_rate / 3
        hint = (
            f"the last checkpoint is good; start again with --learning-rate {third:.1g}, "
            "a longer --warmup-steps, or --grad-clip 1"
        )
        yield from self._journal.say(EndEvent(*self._now(), "diverged", title, hint))
        self._journal.close("diverged", f"{title}\n{hint}")

    def _fail(self, error: LabError) -> Iterator[Event]:
        event = EndEvent(*self._now(), "failed", error.title, error.hint)
        self._journal.try_to_say(event)
        self._journal.close("failed", str(error))
        yield event

    def _now(self) -> tuple[int, float, int]:
        return self._progress.step, round(self._journal.clock.seconds(), 4), self._progress.tokens

    def _note_speed(self, tokens_per_second: float) -> None:
        self._speed = 0.9 * self._speed + 0.1 * tokens_per_second if self._speed else tokens_per_second


def _meta(config: TrainConfig, backend: Backend, material: Material) -> dict[str, Any]:
    return {
        "config": replace(config, run_dir=None).to_dict(),
        "seed": config.seed,
        "parameters": backend.parameters,
        "device": backend.device,
        "dtype": backend.dtype,
        "threads": backend.threads,
        "corpus": material.meta(),
        "tokenizer": material.tokenizer.name,
        "versions": dict(backend.versions),
        "host": platform.node(),
        "platform": platform.platform(),
        "steps_per_epoch": material.steps_per_epoch,
    }


def _weights_of(config: TrainConfig) -> Any:
    from core.weights.checkpoint import load_model

    assert config.init_from is not None
    return dict(load_model(config.init_from, device="cpu", dtype="float32").model.named_parameters())


def _has_checkpoint(run_dir: Path, step: int) -> bool:
    return any(info.step == step for info in stored.list_checkpoints(run_dir))


def _out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or any(
        words in str(error) for words in ("out of memory", "can't allocate memory", "not enough memory")
    )
