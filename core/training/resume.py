"""Going on with a run: what the checkpoint says, what changed since, and whether the run stays exact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from core.config import TrainConfig
from core.errors import CheckpointError, ConfigError
from core.files import read_json
from core.training.backend import Backend
from core.training.checkpoints import Checkpoint, load_checkpoint
from core.training.events import ResumeEvent, WarningEvent
from core.training.stored import find_checkpoint

if TYPE_CHECKING:
    from core.training.material import Material

FIXED = ("tokenizer", "corpus", "val_fraction", "windows", "stride", "optimizer", "backend", "seed", "batch_size")
"""What cannot change when a run goes on: its weights or its batches would be others."""
SHAPE = ("vocab_size", "context_length", "emb_dim", "n_heads", "n_layers", "qkv_bias", "tie_weights")


@dataclass(frozen=True)
class Resumption:
    """A checkpoint to go on from, beside the configuration to go on with."""

    checkpoint: Checkpoint
    config: TrainConfig
    corpus_sha256: str

    @classmethod
    def read(cls, run_dir: Path, which: str | int, config: TrainConfig) -> Self:
        """Reads and checks a checkpoint.

        Raises:
            CheckpointError: it is missing or damaged; the one before is offered.
            ConfigError: something changed that would make it another run; all such fields are named.
        """
        checkpoint = load_checkpoint(find_checkpoint(run_dir, which))
        meta = read_json(run_dir / "run.json") or {}
        old = TrainConfig.from_dict(checkpoint.state["config"])
        problems = [
            f"{name} was {getattr(old, name)!r}, now {getattr(config, name)!r}"
            for name in FIXED
            if getattr(old, name) != getattr(config, name)
        ]
        for name in SHAPE:
            was, now = getattr(old.model, name), getattr(config.model, name)
            if was != now and not (name == "vocab_size" and now is None):
                problems.append(f"{name} was {was}, now {now}")
        if problems:
            raise ConfigError(
                f"a run goes on as what it was: {'; '.join(problems)}",
                f"leave these out, or start anew from its weights: llm-lab train --init-from {run_dir.name}@latest",
            )
        if checkpoint.step >= config.max_steps and config.epochs is None:
            raise ConfigError(
                f"the run has {checkpoint.step:,} steps already, max_steps is {config.max_steps:,}",
                f"to extend it: llm-lab train --resume {run_dir.name} --max-steps {2 * checkpoint.step}",
            )
        return cls(checkpoint, config, str(meta.get("corpus", {}).get("sha256", "")))

    @property
    def progress(self) -> dict[str, Any]:
        """The fields of the trainer's ``Progress``."""
        names = ("step", "tokens", "best", "evals_without_better", "val_loss")
        try:
            return {name: self.checkpoint.state[name] for name in names}
        except KeyError as missing:
            raise CheckpointError(
                f"the checkpoint at step {self.checkpoint.step} does not say its {missing}",
                "it was not written by this trainer; start a new run from its weights with --init-from",
            ) from None

    @property
    def seconds(self) -> float:
        """Seconds of training that it took."""
        return float(self.checkpoint.state.get("time", 0.0))

    def changed(self) -> dict[str, list[Any]]:
        """Fields that differ from before, as {name: [old, new]}."""
        old = replace(TrainConfig.from_dict(self.checkpoint.state["config"]), run_dir=None).to_dict()
        new = replace(self.config, run_dir=None).to_dict()
        old |= old.pop("model")
        new |= new.pop("model")
        return {k: [old[k], v] for k, v in new.items() if old[k] != v and not (k == "vocab_size" and v is None)}

    def inexact(self, backend: Backend, material: Material) -> list[str]:
        """Why the run will not continue bit for bit; empty: it will."""
        state = self.checkpoint.state
        reasons = [
            f"{name} was {state.get(name)}, now {getattr(backend, name)}"
            for name in ("threads", "device", "dtype")
            if state.get(name) != getattr(backend, name)
        ]
        if state.get("versions", {}).get("torch") != backend.versions.get("torch"):
            reasons.append(f"PyTorch was {state.get('versions', {}).get('torch')}, now {backend.versions.get('torch')}")
        if self.corpus_sha256 and self.corpus_sha256 != material.sha256:
            reasons.append(f"the text of {material.name} is another one than before")
        if backend.device != "cpu":
            reasons.append(f"{backend.device} does not add up in a fixed order")
        return reasons

    def event(self, backend: Backend, material: Material, now: tuple[int, float, int]) -> ResumeEvent:
        """What metrics.jsonl says of it."""
        return ResumeEvent(*now, self.checkpoint.step, self.changed(), not self.inexact(backend, material))

    def warnings(self, backend: Backend, material: Material, now: tuple[int, float, int]) -> Iterator[WarningEvent]:
        """One warning when the run goes on otherwise than bit for bit."""
        if reasons := self.inexact(backend, material):
            yield WarningEvent(
                *now,
                f"the run goes on, but not bit for bit: {'; '.join(reasons)}",
                "for exactness resume on the same machine, with the same --threads",
            )
