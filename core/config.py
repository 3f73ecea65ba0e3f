"""Configurations of a model and of a training run.

Small frozen dataclasses, the field's usual names, a docstring under each field (the command line's help and the
new-run form show it). All wrong values are named at once. No torch here: a screen may read this before torch is loaded.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, Literal, TypeVar

from core.errors import ConfigError, nearest
from core.fields import brief, config_fields, not_a_field, raise_problems, type_problems, unknown_keys

Device = Literal["auto", "cpu", "cuda", "mps"]
DType = Literal["auto", "float32", "bfloat16", "float16"]


@dataclass(frozen=True)
class GPTConfig:
    """The shape of a GPT."""

    vocab_size: int | None = None
    """Entries of the vocabulary; left open, the tokenizer fills it before the model is built."""
    context_length: int = 1024
    """How many tokens the model sees at once."""
    emb_dim: int = 768
    """Width of the residual stream."""
    n_heads: int = 12
    """Attention heads in each layer; they share the width evenly."""
    n_layers: int = 12
    """Transformer blocks, one after the other."""
    drop_rate: float = 0.0
    """Share of activations dropped while training, 0 to 1."""
    qkv_bias: bool = True
    """Whether query, key and value projections have a bias."""
    tie_weights: bool = True
    """Whether the output head is the token embedding."""
    init_std: float = 0.02
    """Standard deviation of the initial weights (GPT-2: 0.02)."""
    position_waves: float = 0.0
    """Height of the sine waves that position embeddings begin as (0.2, for one); 0: random like the rest, as GPT-2."""

    def __post_init__(self) -> None:
        raise_problems(_all_problems(self, _shape_problems), _SHAPE)

    @property
    def head_dim(self) -> int:
        """Width of one head."""
        return self.emb_dim // self.n_heads

    def with_vocab(self, n: int) -> GPTConfig:
        """The same shape with the vocabulary of a tokenizer of ``n`` entries (at least)."""
        if self.vocab_size is not None and self.vocab_size < n:
            raise ConfigError(
                f"the tokenizer has {n:,} entries, the model's vocab_size is {self.vocab_size:,}",
                "leave vocab_size out, and the tokenizer fills it",
            )
        return self if self.vocab_size is not None else replace(self, vocab_size=n)

    def parameters(self) -> int:
        """Trainable numbers in the model; the vocabulary must be known.

        >>> GPTConfig.preset("gpt2").parameters()
        124439808
        >>> GPTConfig.preset("course-124m").parameters()
        163009536
        """
        if self.vocab_size is None:
            raise ConfigError("vocab_size is not known yet", "give it, or call with_vocab(tokenizer.vocab_size) first")
        embeddings = (self.vocab_size + self.context_length) * self.emb_dim
        head = 0 if self.tie_weights else self.vocab_size * self.emb_dim
        return embeddings + head + self.parameters_outside_embeddings()

    def parameters_outside_embeddings(self) -> int:
        """Trainable numbers in the blocks and the final norm.

        >>> GPTConfig(n_layers=4, n_heads=4, emb_dim=128).parameters_outside_embeddings()
        793344
        """
        c = self.emb_dim
        attention = 3 * c * c + (3 * c if self.qkv_bias else 0) + c * c + c
        mlp = 4 * c * c + 4 * c + 4 * c * c + c
        return self.n_layers * (attention + mlp + 4 * c) + 2 * c

    def flops_per_token(self) -> int:
        """Floating-point operations of training on one token: 6 N + 12 L C T (PaLM, appendix B); N counts the head."""
        matmul = self.n_layers * 12 * self.emb_dim**2 + (self.vocab_size or 0) * self.emb_dim
        return 6 * matmul + 12 * self.n_layers * self.emb_dim * self.context_length

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> GPTConfig:
        """Reads ``to_dict()`` back; everything wrong is named at once, unknown keys with the nearest right name."""
        raise_problems(_not_an_object(raw, _SHAPE), _SHAPE)
        config, problems = _built(cls, raw)
        raise_problems(problems, _SHAPE)
        assert config is not None
        return config

    @classmethod
    def preset(cls, name: str) -> GPTConfig:
        """A named shape; ``core.presets.MODEL_PRESETS`` lists them."""
        from core.presets import MODEL_PRESETS

        if name not in MODEL_PRESETS:
            raise ConfigError(
                f"no model preset is called {name!r}{nearest(name, MODEL_PRESETS)}",
                "there are: " + ", ".join(MODEL_PRESETS),
            )
        return MODEL_PRESETS[name]


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides a training run."""

    model: GPTConfig = field(default_factory=lambda: GPTConfig(None, 64, 128, 4, 4))
    """The model's shape."""
    init_from: str | None = None
    """A model to start from (NAME@best, a path); left out, the weights are random."""
    corpus: str = "tiny-shakespeare"
    """A corpus by name (python-docs, tiny-shakespeare, the-verdict), a text file, or a folder of text files."""
    tokenizer: str = "char"
    """How text becomes numbers: char, byte, words-v2, gpt2, another of tiktoken's, or bpe:NAME for one trained here."""
    val_fraction: float = 0.1
    """Share of the text, at its end, that is kept for validation."""
    windows: Literal["random", "sliding"] = "random"
    """random: windows anywhere, with replacement; sliding: every window once an epoch, shuffled."""
    stride: int | None = None
    """Tokens from one sliding window to the next; left out, the context length."""
    repeat_fraction: float = 0.0
    """Share of training windows that are random tokens said over and over, from which induction heads are learnt."""
    batch_size: int = 12
    """Windows in one batch."""
    max_steps: int = 2000
    """Optimizer steps of the whole run."""
    epochs: float | None = None
    """Passes over the training windows; given, it decides max_steps."""
    optimizer: Literal["adamw", "muon"] = "adamw"
    """adamw, or muon for the matrices inside the blocks with adamw for the rest."""
    learning_rate: float = 1e-3
    """Peak learning rate of AdamW."""
    min_learning_rate: float = 1e-4
    """Learning rate at the end of the schedule."""
    muon_learning_rate: float = 0.02
    """Peak learning rate of Muon; it follows the same schedule."""
    momentum: float = 0.95
    """Momentum of Muon."""
    beta1: float = 0.9
    """AdamW's decay of the gradient's mean."""
    beta2: float = 0.99
    """AdamW's decay of the gradient's square."""
    weight_decay: float = 0.1
    """Decay of matrices; biases and norms never decay."""
    warmup_steps: int = 100
    """Steps over which the learning rate rises from zero."""
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    """How the learning rate falls after the warm-up."""
    grad_clip: float = 1.0
    """Largest norm of the gradient; 0 leaves it as it is."""
    grad_accumulation: int = 1
    """Batches whose gradients make one optimizer step."""
    eval_interval: int = 250
    """Steps between evaluations; 0: only at the end."""
    eval_batches: int = 20
    """Batches of an evaluation; 0: every window of the validation part once."""
    sample_interval: int = 250
    """Steps between samples; 0: none."""
    sample_prompt: str = "\n"
    """What each sample begins with."""
    checkpoint_interval: int = 250
    """Steps between full checkpoints; 0: only at the end."""
    keep_checkpoints: int = 2
    """How many of the last checkpoints are kept, beside the best."""
    snapshot_count: int = 8
    """Light snapshots spread evenly over the run for the time machine; 0: none."""
    patience: int = 0
    """Stop after so many evaluations without a better loss; 0: never."""
    seed: int = 1337
    """Decides the weights, the batches and the dropout."""
    backend: Literal["torch", "tensorflow"] = "torch"
    """What computes."""
    device: Device = "auto"
    """Where it computes; auto takes CUDA, then MPS, then the CPU."""
    dtype: DType = "auto"
    """Precision of the matrix products; auto takes bfloat16 where a measurement shows that it is faster."""
    compile: bool = False
    """Whether torch.compile is used (a slow start, faster steps on a GPU)."""
    threads: int = 0
    """CPU threads; 0: one for each core."""
    tensorboard: bool = False
    """Whether the numbers are written as TensorBoard's event files too, into the run's folder tensorboard/."""
    run_dir: str | None = None
    """Where the run is written; left out, a new folder under the runs folder."""

    def __post_init__(self) -> None:
        raise_problems(_all_problems(self, _train_problems), _TRAINING)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, the model nested."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> TrainConfig:
        """Reads ``to_dict()`` back; everything wrong is named at once, unknown keys with the nearest right name."""
        raise_problems(_not_an_object(raw, _TRAINING), _TRAINING)
        return cls._from(raw, [])

    @classmethod
    def _from(cls, raw: Mapping[str, Any], problems: list[str]) -> TrainConfig:
        """The configuration in ``raw``, or one error that names ``problems`` and what is wrong there."""
        values = dict(raw)
        if isinstance(shape := values.get("model"), Mapping):
            model, wrong = _built(GPTConfig, shape, "model: ")
            problems = problems + wrong
            values["model"] = GPTConfig() if model is None else model
        config, wrong = _built(cls, values)
        raise_problems(problems + wrong, _TRAINING)
        assert config is not None
        return config

    def override(self, **changes: Any) -> TrainConfig:
        """A copy with some fields changed; the model's fields may be named directly (``n_layers=6``).

        ``max_steps`` given without ``epochs`` takes the place of epochs that were set before.

        >>> TrainConfig().override(n_layers=6, batch_size=8).model.n_layers
        6
        """
        own, shape = config_fields(TrainConfig), config_fields(GPTConfig)
        problems = [not_a_field(k, [*own, *shape]) for k in changes if k not in own and k not in shape]
        values = {**self.to_dict(), **{k: v for k, v in changes.items() if k in own}}
        if "max_steps" in changes and "epochs" not in changes:
            values["epochs"] = None
        if isinstance(values["model"], GPTConfig):
            values["model"] = values["model"].to_dict()
        if isinstance(values["model"], Mapping):
            values["model"] = {**values["model"], **{k: v for k, v in changes.items() if k in shape}}
        return TrainConfig._from(values, problems)

    @classmethod
    def preset(cls, name: str) -> TrainConfig:
        """A named run; ``core.presets.TRAIN_PRESETS`` lists them with what each is for."""
        from core.presets import TRAIN_PRESETS

        if name not in TRAIN_PRESETS:
            raise ConfigError(
                f"no training preset is called {name!r}{nearest(name, TRAIN_PRESETS)}",
                "there are: " + ", ".join(TRAIN_PRESETS),
            )
        return TRAIN_PRESETS[name].config


_SHAPE, _TRAINING = "the model's configuration", "the training configuration"
Config = TypeVar("Config", GPTConfig, TrainConfig)


def _not_an_object(raw: object, what: str) -> list[str]:
    return [] if isinstance(raw, Mapping) else [f"{what} must be an object of fields, got {brief(raw)}"]


def _built(cls: type[Config], raw: Mapping[str, Any], where: str = "") -> tuple[Config | None, list[str]]:
    """The configuration that the known keys make, if they do, and all that is wrong."""
    problems: list[str] = [f"{where}{problem}" for problem in unknown_keys(raw, cls)]
    names = {f.name for f in dataclasses.fields(cls)}
    try:
        return cls(**{k: v for k, v in raw.items() if k in names}), problems
    except ConfigError as error:
        return None, [*problems, error.title]


def _all_problems(config: Any, ranges: Callable[[Any, Collection[str]], list[str]]) -> list[str]:
    """What is wrong with each value alone, then with their ranges; a default stands for what has the wrong type."""
    wrong = type_problems(config)
    values = {f.name: getattr(config, f.name) for f in dataclasses.fields(config)}
    values |= {name: getattr(type(config), name, None) for name in wrong}
    return [*wrong.values(), *ranges(SimpleNamespace(**values), wrong)]


MOST_LAYERS = 10_000
"""More than any model has; a file that states a million would be counted through, name by name."""
LARGEST_SIZE = 2**28
"""More than any model has; what sizes make together still fits 64 bits."""


def _shape_problems(c: Any, wrong: Collection[str]) -> list[str]:
    problems = []
    for name in ("vocab_size", "context_length", "emb_dim", "n_heads", "n_layers"):
        value = getattr(c, name)
        if value is not None and value < 1:
            problems.append(f"{name} must be at least 1, got {value}")
        most = MOST_LAYERS if name == "n_layers" else LARGEST_SIZE
        if value is not None and value > most:
            problems.append(f"{name} must be at most {most:,}, got {value:,}")
    if not {"n_heads", "emb_dim"} & set(wrong) and c.n_heads >= 1 and c.emb_dim % c.n_heads:
        problems.append(f"emb_dim must be divisible by n_heads, got {c.emb_dim} and {c.n_heads}")
    if not 0 <= c.drop_rate < 1:
        problems.append(f"drop_rate must be from 0 up to (not including) 1, got {c.drop_rate}")
    if not 0 < c.init_std <= 1:
        problems.append(f"init_std must be above 0 and at most 1, got {c.init_std}")
    if not 0 <= c.position_waves <= 1:
        problems.append(f"position_waves must be from 0 to 1, got {c.position_waves}")
    return problems


_AT_LEAST: dict[str, float] = {
    "batch_size": 1,
    "max_steps": 1,
    "grad_accumulation": 1,
    "keep_checkpoints": 1,
    "warmup_steps": 0,
    "eval_interval": 0,
    "eval_batches": 0,
    "sample_interval": 0,
    "checkpoint_interval": 0,
    "snapshot_count": 0,
    "patience": 0,
    "seed": 0,
    "threads": 0,
    "grad_clip": 0,
    "weight_decay": 0,
    "min_learning_rate": 0,
}


def _train_problems(c: Any, wrong: Collection[str]) -> list[str]:
    problems = [
        f"{n} must be at least {lo:g}, got {getattr(c, n)}" for n, lo in _AT_LEAST.items() if getattr(c, n) < lo
    ]
    problems += [
        f"{n} must be above 0, got {getattr(c, n)}"
        for n in ("learning_rate", "muon_learning_rate")
        if getattr(c, n) <= 0
    ]
    problems += [
        f"{n} must be from 0 up to (not including) 1, got {getattr(c, n)}"
        for n in ("beta1", "beta2", "momentum")
        if not 0 <= getattr(c, n) < 1
    ]
    if not 0 < c.val_fraction < 1:
        problems.append(f"val_fraction must be above 0 and below 1, got {c.val_fraction}")
    if not 0 <= c.repeat_fraction <= 1:
        problems.append(f"repeat_fraction must be from 0 to 1, got {c.repeat_fraction}")
    if c.stride is not None and c.stride < 1:
        problems.append(f"stride must be at least 1, got {c.stride}")
    if c.epochs is not None and c.epochs <= 0:
        problems.append(f"epochs must be above 0, got {c.epochs}")
    if not {"min_learning_rate", "learning_rate"} & set(wrong) and c.min_learning_rate > c.learning_rate:
        problems.append(f"min_learning_rate ({c.min_learning_rate}) is above learning_rate ({c.learning_rate})")
    if not c.corpus:
        problems.append("corpus must be a name or a path, got nothing")
    return problems
