"""What the comparison of the twins says: plain frozen values, so that a process, a screen and ``--json`` share them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Self

THRESHOLD = 1e-4
"""The difference that float32 stays below in most models; where the residual is large, so are its last digits."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the forward pass, as both twins computed it."""

    name: str
    """``embeddings``, ``h.0.attn`` (the residual after a block's attention), ``h.0.mlp`` (after its feed-forward),
    ``ln_f``, ``logits``."""
    shape: tuple[int, ...]
    """(T, C), or (T, V) of the logits."""
    largest: float
    """The largest value, without its sign, that PyTorch's has."""
    max_abs: float
    """The largest difference between the two."""
    max_relative: float
    """The same over ``largest``."""
    alone: float
    """The largest difference that this step makes where both start from PyTorch's input."""
    token: int
    """At which token the largest difference is."""
    channel: int
    """In which channel; of the logits: for which entry of the vocabulary."""
    torch_seconds: float
    """Best of a few."""
    keras_seconds: float

    @property
    def layer(self) -> int | None:
        """The block it belongs to."""
        return int(self.name.split(".")[1]) if self.name.startswith("h.") else None


@dataclass(frozen=True, slots=True)
class TwinReport:
    """How far two models with the same weights are apart on one text."""

    spec: str
    text: str
    tokens: tuple[str, ...]
    """The text's, as they read."""
    threshold: float
    stages: tuple[Stage, ...]
    """In the order in which they are computed."""
    tensors: int
    """How many tensors went across."""
    identical: int
    """How many came back from Keras with every bit."""
    parameters: int
    agreeing: int
    """At how many tokens both find the same next token likeliest."""
    loss_torch: float | None
    """Mean cross-entropy of the text's tokens but the first, in nats; None for a single token."""
    loss_keras: float | None
    threads: int
    versions: dict[str, str]

    @property
    def first_beyond(self) -> Stage | None:
        """The first step whose difference is larger than the threshold."""
        return next((stage for stage in self.stages if stage.max_abs > self.threshold), None)

    @property
    def worst(self) -> Stage:
        """The step with the largest difference."""
        return max(self.stages, key=lambda stage: stage.max_abs)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        first = self.first_beyond
        stages = [{**asdict(stage), "shape": list(stage.shape), "layer": stage.layer} for stage in self.stages]
        return {
            **{f.name: getattr(self, f.name) for f in fields(self)},
            "tokens": list(self.tokens),
            "stages": stages,
            "max_abs": self.worst.max_abs,
            "worst": self.worst.name,
            "first_beyond": first.name if first else None,
            "torch_seconds": sum(stage.torch_seconds for stage in self.stages),
            "keras_seconds": sum(stage.keras_seconds for stage in self.stages),
        }

    @classmethod
    def from_dict(cls, raw: dict[str, Any]) -> Self:
        """Reads ``to_dict()`` back."""
        own = {f.name: raw[f.name] for f in fields(cls)}
        kept = [f.name for f in fields(Stage)]
        own["stages"] = tuple(Stage(**{n: s[n] for n in kept} | {"shape": tuple(s["shape"])}) for s in raw["stages"])
        return cls(**own | {"tokens": tuple(raw["tokens"])})


@dataclass(frozen=True, slots=True)
class TwinProgress:
    """How far a comparison is."""

    phase: str
    """``loading``, ``weights``, or the stage that was compared."""
    done: int
    total: int

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)
