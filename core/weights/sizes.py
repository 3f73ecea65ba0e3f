"""What a model of some shape weighs: each part by formula, memory to run and to train, work per token. No torch.

Letters of the formulas: V vocabulary, T context length, C emb_dim, L layers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.config import GPTConfig
from core.errors import ConfigError

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2, "int8": 1}
"""Bytes of one number."""


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of parameters."""

    name: str
    parameters: int
    letters: str
    """The formula."""
    numbers: str
    """The same with the model's sizes in it; nothing where there is no formula."""

    @property
    def formula(self) -> str:
        """The formula, the numbers and the result in one line.

        >>> size_of(GPTConfig.preset("gpt2")).parts[1].formula
        'L · (4C² + 4C) = 12 · (4·768² + 4·768) = 28,348,416'
        """
        if not self.numbers:
            return self.letters
        return f"{self.letters} = {self.numbers} = {self.parameters:,}"


@dataclass(frozen=True)
class SizeReport:
    """What a shape amounts to."""

    config: GPTConfig
    parts: tuple[Part, ...]
    """Embeddings, attention, mlp, norms, head; together they are all parameters."""

    @property
    def parameters(self) -> int:
        """All of them."""
        return sum(part.parameters for part in self.parts)

    @property
    def block_parameters(self) -> int:
        """Those of one block.

        >>> size_of(GPTConfig.preset("gpt2")).block_parameters
        7087872
        """
        return (self.config.parameters_outside_embeddings() - 2 * self.config.emb_dim) // self.config.n_layers

    @property
    def tensors(self) -> int:
        """How many tensors hold them.

        >>> [size_of(GPTConfig.preset(n)).tensors for n in ("gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl")]
        [148, 292, 436, 580]
        """
        from core.weights.keymap import tensor_names

        return len(tensor_names(self.config))

    def part(self, name: str) -> Part:
        """A part by its name."""
        return next(part for part in self.parts if part.name == name)

    def kv_cache_bytes_per_token(self, dtype: str = "float32") -> int:
        """What decoding keeps of each token: a key and a value of C numbers in each layer, 2 L C.

        >>> size_of(GPTConfig.preset("gpt2")).kv_cache_bytes_per_token("float16")
        36864
        """
        return 2 * self.config.n_layers * self.config.emb_dim * _bytes(dtype)

    def forward_flops_per_token(self, context: int | None = None) -> int:
        """Work of one token behind ``context`` others: two for each number of a matrix, four L C for each key.

        Args:
            context: how many tokens it sees; None: on average over a full context, as training counts it.
        """
        c = self.config
        matrices = c.n_layers * 12 * c.emb_dim**2 + (c.vocab_size or 0) * c.emb_dim
        seen = c.context_length if context is None else context
        return 2 * matrices + 4 * c.n_layers * c.emb_dim * seen

    def training_flops_per_token(self) -> int:
        """Forward and backward, 6 N + 12 L C T (PaLM, appendix B).

        >>> size_of(GPTConfig.preset("gpt2")).training_flops_per_token()
        854438400
        """
        return self.config.flops_per_token()

    def weight_bytes(self, dtype: str = "float32") -> int:
        """The weights alone."""
        return self.parameters * _bytes(dtype)

    def memory_to_run(self, dtype: str = "float32", context: int | None = None) -> int:
        """Bytes to decode one text: the weights, and the key-value cache of a whole context."""
        seen = self.config.context_length if context is None else context
        return self.weight_bytes(dtype) + seen * self.kv_cache_bytes_per_token(dtype)

    def memory_to_train(self, dtype: str = "float32", batch_size: int = 1) -> int:
        """Bytes to train with AdamW: weights, gradients, two moments in float32 (16 N), and the activations.

        Args:
            dtype: of the matrix products; a 16-bit one adds a copy of the weights (2 N) and halves the activations.
            batch_size: windows of a whole context.
        """
        c, size = self.config, _bytes(dtype)
        state = 16 * self.parameters + (0 if size == 4 else size * self.parameters)
        rows = batch_size * c.context_length
        per_layer = rows * c.emb_dim * 16 + batch_size * c.n_heads * c.context_length**2 * 2
        logits = rows * (c.vocab_size or 0)
        return state + size * (c.n_layers * per_layer + logits)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        kinds = ("float32", "bfloat16", "float16")
        return {
            "config": self.config.to_dict(),
            "parameters": self.parameters,
            "tensors": self.tensors,
            "block_parameters": self.block_parameters,
            "parts": {part.name: {"parameters": part.parameters, "formula": part.formula} for part in self.parts},
            "kv_cache_bytes_per_token": {kind: self.kv_cache_bytes_per_token(kind) for kind in kinds},
            "flops_per_token": {"forward": self.forward_flops_per_token(), "training": self.training_flops_per_token()},
            "memory_to_run": {kind: self.memory_to_run(kind) for kind in (*kinds, "int8")},
            "memory_to_train": {kind: self.memory_to_train(kind) for kind in kinds},
        }


FORMULAS = {
    "kv_cache_bytes_per_token": "2 · L · C · bytes",
    "forward_flops_per_token": "2 · (12 L C² + V C) + 4 · L · C · T",
    "training_flops_per_token": "6 · (12 L C² + V C) + 12 · L · C · T",
    "memory_to_run": "N · bytes + T · 2 · L · C · bytes",
    "memory_to_train": "16 N (weights, gradients, two moments) + activations",
}
"""How the other figures come about, for a person."""


def size_of(config: GPTConfig) -> SizeReport:
    """What a shape amounts to, part by part.

    Args:
        config: the shape; its vocabulary must be known.

    Raises:
        ConfigError: it is not.

    >>> size_of(GPTConfig.preset("gpt2-xl")).parameters
    1557611200
    """
    config.parameters()
    v, t, c, n = config.vocab_size or 0, config.context_length, config.emb_dim, config.n_layers
    bias = 3 * c if config.qkv_bias else 0
    attention = ("4C² + 4C", f"4·{c}² + 4·{c}") if bias else ("4C² + C", f"4·{c}² + {c}")
    parts = (
        Part("embeddings", (v + t) * c, "(V + T) · C", f"({v:,} + {t:,}) · {c:,}"),
        Part("attention", n * (4 * c * c + c + bias), f"L · ({attention[0]})", f"{n} · ({attention[1]})"),
        Part("mlp", n * (8 * c * c + 5 * c), "L · (8C² + 5C)", f"{n} · (8·{c}² + 5·{c})"),
        Part("norms", n * 4 * c + 2 * c, "L · 4C + 2C", f"{n} · 4·{c} + 2·{c}"),
        Part("head", 0, "tied to the embedding", "")
        if config.tie_weights
        else Part("head", v * c, "V · C", f"{v:,} · {c:,}"),
    )
    return SizeReport(config, parts)


def _bytes(dtype: str) -> int:
    if dtype not in BYTES:
        raise ConfigError(f"dtype must be one of {', '.join(BYTES)}, got {dtype!r}", "take float32")
    return BYTES[dtype]
