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
from itertools import islice
from pathlib import Path
from typing import Any

from core.config import TrainConfig
from core.errors import DiskFullError, LabError, MemoryShortError
from core.tokenizers import load_tokenizer
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
from core.training.resume import Resumption, open_source
from core.training.rundir import LOG
from core.training.runs import new_run_dir
from core.training.schedule import due, rate, snapshot_steps
from core.training.tensorboard_out import with_tensorboard

SAMPLE_TOKENS = 200
USUAL_RATE = {"adamw": 1e-3, "muon": 2e-2}
"""AdamW's learning rate that goes well with most small models: what is advised after a run that diverged."""


@dataclass
class Progress:
    """Where a run is; all of it is in every checkpoint."""

    step: int = 0
    tokens: int = 0
    best: float = math.inf
    """Lowest validation loss so far, in nats per token."""
    evals_without_better: int = 0


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
        self._evaluated = -1, math.nan  # the step of the last evaluation, and its validation loss
        self._snapshots: frozenset[int] = frozenset()

    @classmethod
    def resumed(cls, run_dir: Path, checkpoint: str | int = "latest", **changes: Any) -> Trainer:
        """A trainer that goes on with a run, with some fields changed (``max_steps=4000`` extends it)."""
        from core.training.runs import open_run

        run = open_run(run_dir)
        return cls(run.config.override(**changes), resume=run.path, checkpoint=checkpoint)

    def request_stop(self) -> None:
        """Asks the run to end with a checkpoint after the current step; safe from any thread or signal handler."""
        self._journal.stop.set()

    def run(self) -> Iterator[Event]:
        """Trains, and yields what happens.

        Each event stands in ``metrics.jsonl`` before it is yielded; only that the disk is full cannot.
        """
        try:
            if self.config.tensorboard:
                yield from with_tensorboard(self._run(), self._journal)
            else:
                yield from self._run()
        except LabError as error:
            yield from self._fail(error)
            raise
        except Exception as error:
            if _out_of_memory(error):
                short = MemoryShortError(
                    f"out of memory at batch_size {self.config.batch_size}, context {self.config.model.context_length}",
                    what_would_fit(self.config),
                )
                yield from self._fail(short)
                raise short from error
            what = f"the trainer met a bug: {type(error).__name__}: {error}"
            yield from self._fail(LabError(what, "its traceback says where; please report it"))
            raise
        finally:
            self._journal.close("stopped")

    def _run(self) -> Generator[Event, None, None]:
        journal = self._journal
        before = source = None
        if self._resume_dir:
            Resumption.check(self._resume_dir, self._from, self.config)  # a run that is refused stays as it was
            journal.reopen(self._resume_dir)
            before = Resumption.read(self._resume_dir, self._from, self.config)
        elif self.run_dir:
            journal.claim(self.run_dir)
        journal.status(state="starting", phase="data")
        if self.config.init_from and before is None:
            source = open_source(self.config)
            # Its vocabulary may be padded: it has more entries than its tokenizer then.
            self.config = self.config.override(vocab_size=source.config.vocab_size)
        tokenizer = load_tokenizer(self._resume_dir) if self._resume_dir else source.tokenizer if source else None
        material = prepare(self.config, tokenizer)
        self.config = config = material.config
        self._snapshots = frozenset(snapshot_steps(config.snapshot_count, config.max_steps))
        if before:
            before.check_material(material)
        journal.status(phase="model", max_steps=config.max_steps)
        check_memory(config)
        backend = make_backend(before.settled(config) if before else config, self.run_dir and self.run_dir / LOG)
        try:
            journal.status(phase="measure")
            peak = backend.peak_flops()
            if before is None:
                if source:
                    backend.load(dict(source.model.named_parameters()), None)
                    source = None  # its memory is wanted
                yield from self._begin(backend, material)
            else:
                yield from self._go_on(backend, material, before)
            yield from self._loop(backend, material, peak)
        finally:
            backend.close()

    def _begin(self, backend: Backend, material: Material) -> Iterator[Event]:
        """Makes the run directory's fixed part and takes the first snapshot."""
        config = self.config
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
        if 0 < self.config.patience <= self._progress.evals_without_better:
            self._progress.evals_without_better = 0  # patience had ended it; who resumes it has more
        self._journal.clock.set(before.seconds)
        stored.set_aside_after(self.run_dir, self._progress.step)
        yield from self._journal.say(before.event(backend, material, self._now()))
        for warning in before.warnings(backend, material, self._now()):
            yield from self._journal.say(warning)

    def _loop(self, backend: Backend, material: Material, peak: float | None) -> Iterator[Event]:
        config, progress, journal = self.config, self._progress, self._journal
        several = config.grad_accumulation
        feed = backend.feed(material.batch, range(progress.step * several, config.max_steps * several))
        while progress.step < config.max_steps:
            yield from journal.attend(self._now, lambda: self._checkpoint(backend))
            if journal.stop.is_set():
                break
            journal.status(state="running", phase="train", step=progress.step)
            started = time.perf_counter()
            scale = rate(config, progress.step)
            result = backend.train_step(list(islice(feed, several)), progress.step, scale)
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
        better = impatient = False
        if due(config.eval_interval, step, config.max_steps):
            better = yield from self._evaluate(backend, material)
            impatient = 0 < config.patience <= self._progress.evals_without_better
        sampling = config.sample_interval > 0 and due(config.sample_interval, step, config.max_steps)
        yield from self._look(backend, material, samples=sampling)
        if better or due(config.checkpoint_interval, step, config.max_steps):
            yield from self._checkpoint(backend, best=better)
        return impatient

    def _evaluate(self, backend: Backend, material: Material) -> Generator[Event, None, bool]:
        """Evaluates both parts; returns whether the validation loss is the best so far."""
        progress = self._progress
        self._journal.status(phase="evaluate")
        train_loss, val_loss = (backend.evaluate(material.eval_batches(part)) for part in ("train", "val"))
        better = val_loss < progress.best
        self._evaluated = progress.step, val_loss
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
        if step in self._snapshots:
            run_dir = self._journal.path
            path = yield from self._journal.with_space(
                lambda: checkpoints.save_snapshot(run_dir, step, backend.model_tensors())
            )
            yield from self._journal.say(SnapshotEvent(*self._now(), path.relative_to(run_dir).as_posix()))

    def _checkpoint(self, backend: Backend, *, best: bool = False) -> Iterator[Event]:
        journal, progress, run_dir = self._journal, self._progress, self._journal.path
        journal.status(phase="checkpoint")
        started = time.perf_counter()
        state = {
            **vars(progress),
            "val_loss": self._evaluated[1] if self._evaluated[0] == progress.step else None,
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
            lambda: checkpoints.save_checkpoint(
                run_dir, progress.step, backend.model_tensors(), backend.optimizer_tensors(), state, best=best
            )
        )
        stored.prune(run_dir, self.config.keep_checkpoints)
        took = time.perf_counter() - started
        yield from journal.say(CheckpointEvent(*self._now(), path.relative_to(run_dir).as_posix(), took))

    def _diverge(self, result: StepResult, scale: float) -> Iterator[Event]:
        what = "loss" if not math.isfinite(result.loss) else "gradient norm"
        config = self.config
        at = f"step {self._progress.step + 1} (learning rate {scale * config.learning_rate:.2g}"
        title = f"the {what} is not finite at {at} on the way to {config.learning_rate:.2g})"
        run_dir, step = self._journal.path, self._progress.step
        stored.set_aside_after(run_dir, step - 1)  # weights that give no finite loss are not worth going on from
        left = stored.list_checkpoints(run_dir)
        good = f"the checkpoint at step {left[-1].step} is good" if left else "no checkpoint was written before"
        usual = min(config.learning_rate / 3, USUAL_RATE[config.optimizer])
        others = "a longer --warmup-steps" + ("" if 0 < config.grad_clip <= 1 else ", or --grad-clip 1")
        hint = f"{good}; start anew with --learning-rate {usual:.1g}, or {others}"
        yield from self._journal.say(EndEvent(*self._now(), "diverged", title, hint))
        self._journal.close("diverged", f"{title}\n{hint}")

    def _fail(self, error: LabError) -> Iterator[Event]:
        gave_up = isinstance(error, DiskFullError) and self._journal.stop.is_set()
        reason = "stopped" if gave_up else "failed"
        event = EndEvent(*self._now(), reason, error.title, error.hint)
        self._journal.try_to_say(event)
        self._journal.close(reason, str(error))
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


def _has_checkpoint(run_dir: Path, step: int) -> bool:
    return any(info.step == step for info in stored.list_checkpoints(run_dir))


def _out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or any(
        words in str(error) for words in ("out of memory", "can't allocate memory", "not enough memory")
    )
