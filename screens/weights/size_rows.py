"""What models weigh, as rows of a table: the four published ones beside one's own, whose shape the sliders change.

Every figure is ``core.weights.sizes``'; here is only which ones, in which order, and what a slider may be set to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.config import GPTConfig
from core.shelf import GPT2_SIZES
from core.weights.sizes import FORMULAS, SizeReport, size_of
from screens.weights.view import bytes_text, count_text
from screens.widgets.plot_data import short_number

if TYPE_CHECKING:
    from collections.abc import Sequence

LAYERS = tuple(range(1, 97))
HEADS = (1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 14, 15, 16, 18, 20, 24, 25, 28, 30, 32, 36, 40, 48, 64, 96)
WIDTHS = (32, 64, 96, 128, 192, 256, 320, 384, 448, 512, 576, 640, *range(768, 2049, 64), *range(2304, 12289, 256))
CONTEXTS = (32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072)
VOCABULARIES = (65, 256, 512, 1024, 2048, 4096, 8192, 16384, 32000, 50257, 100277, 128256, 200019)


@dataclass(frozen=True, slots=True)
class SizeRow:
    """One row: what it says of a model, and how that comes about."""

    name: str
    text: Callable[[SizeReport], str]
    formula: Callable[[SizeReport], str]
    slider: str = ""
    """The field of the configuration that it sets, if it is a slider."""
    value: Callable[[SizeReport], float | int | None] = lambda report: None
    """The same as a number, for tables."""


def _field(name: str, field: str, said: str) -> SizeRow:
    def value(report: SizeReport) -> int:
        return int(getattr(report.config, field) or 0)

    return SizeRow(name, lambda r: count_text(value(r)), lambda r: said, field, value)


def _switch(name: str, field: str, said: str) -> SizeRow:
    return SizeRow(
        name,
        lambda r: "yes" if getattr(r.config, field) else "no",
        lambda r: said,
        field,
        lambda r: int(getattr(r.config, field)),
    )


def _part(name: str) -> SizeRow:
    return SizeRow(
        name,
        lambda r: count_text(r.part(name).parameters),
        lambda r: r.part(name).formula,
        value=lambda r: r.part(name).parameters,
    )


def _count(name: str, value: Callable[[SizeReport], int], said: Callable[[SizeReport], str]) -> SizeRow:
    return SizeRow(name, lambda r: count_text(value(r)), said, value=value)


def _bytes(name: str, value: Callable[[SizeReport], int], said: str) -> SizeRow:
    return SizeRow(
        name, lambda r: bytes_text(value(r)), lambda r: f"{said} = {count_text(value(r))} bytes", value=value
    )


def _flops(name: str, value: Callable[[SizeReport], int], said: str) -> SizeRow:
    return SizeRow(
        name, lambda r: short_number(float(value(r)), 3), lambda r: f"{said} = {count_text(value(r))}", value=value
    )


ROWS: tuple[SizeRow, ...] = (
    _field("layers L", "n_layers", "blocks, one after the other"),
    _field("heads H", "n_heads", "they share the width evenly: no number of weights depends on it"),
    _field("width C", "emb_dim", "of the stream that runs through the model"),
    _field("context T", "context_length", "tokens that it sees at once"),
    _field("vocabulary V", "vocab_size", "entries of the tokenizer's table"),
    _switch("tied head", "tie_weights", "whether the head is the token embedding"),
    _switch("q, k, v bias", "qkv_bias", "whether c_attn has a bias"),
    _part("embeddings"),
    _part("attention"),
    _part("mlp"),
    _part("norms"),
    _part("head"),
    _count("all parameters N", lambda r: r.parameters, lambda r: "the sum of the five = " + count_text(r.parameters)),
    _count(
        "one block",
        lambda r: r.block_parameters,
        lambda r: "12C² + 13C with biases = " + count_text(r.block_parameters),
    ),
    _count("tensors", lambda r: r.tensors, lambda r: "12 in a block, 4 outside (5 with a head of its own)"),
    _bytes("KV cache/token f32", lambda r: r.kv_cache_bytes_per_token("float32"), "2 · L · C · 4"),
    _bytes("KV cache/token f16", lambda r: r.kv_cache_bytes_per_token("float16"), "2 · L · C · 2"),
    _bytes(
        "KV cache, full, f16",
        lambda r: r.config.context_length * r.kv_cache_bytes_per_token("float16"),
        "T · 2 · L · C · 2",
    ),
    _flops("FLOPs/token forward", lambda r: r.forward_flops_per_token(), FORMULAS["forward_flops_per_token"]),
    _flops("FLOPs/token train", lambda r: r.training_flops_per_token(), FORMULAS["training_flops_per_token"]),
    _bytes("file, f32", lambda r: r.weight_bytes("float32"), "N · 4"),
    _bytes("to run, f32", lambda r: r.memory_to_run("float32"), FORMULAS["memory_to_run"]),
    _bytes("to run, bf16", lambda r: r.memory_to_run("bfloat16"), FORMULAS["memory_to_run"]),
    _bytes("to run, int8", lambda r: r.memory_to_run("int8"), FORMULAS["memory_to_run"]),
    _bytes("to train, f32", lambda r: r.memory_to_train("float32"), FORMULAS["memory_to_train"]),
    _bytes("to train, bf16", lambda r: r.memory_to_train("bfloat16"), FORMULAS["memory_to_train"]),
)

CHOICES: dict[str, Sequence[int]] = {
    "n_layers": LAYERS,
    "n_heads": HEADS,
    "emb_dim": WIDTHS,
    "context_length": CONTEXTS,
    "vocab_size": VOCABULARIES,
}


def published() -> list[SizeReport]:
    """The four sizes of GPT-2."""
    return [size_of(GPTConfig.preset(ref.spec)) for ref in GPT2_SIZES]


def slid(config: GPTConfig, field: str, by: int) -> GPTConfig:
    """The shape with one slider moved; heads stay a divisor of the width.

    >>> mine = GPTConfig(50257, 1024, 768, 12, 12)
    >>> slid(mine, "n_layers", 1).n_layers, slid(mine, "emb_dim", 1).emb_dim, slid(mine, "n_heads", 1).n_heads
    (13, 832, 16)
    >>> slid(mine, "emb_dim", 1).n_heads, slid(mine, "tie_weights", 1).tie_weights
    (13, False)
    """
    if field in ("tie_weights", "qkv_bias"):
        changes = (
            {"tie_weights": not config.tie_weights} if field == "tie_weights" else {"qkv_bias": not config.qkv_bias}
        )
        return replace(config, **changes)
    now = int(getattr(config, field) or 0)
    choices = CHOICES[field]
    if field == "n_heads":
        choices = [n for n in range(1, 129) if config.emb_dim % n == 0]
    larger, smaller = [n for n in choices if n > now], [n for n in choices if n < now]
    new = now
    if by > 0 and larger:
        new = larger[min(by, len(larger)) - 1]
    elif by < 0 and smaller:
        new = smaller[max(by, -len(smaller))]
    if field == "emb_dim":
        heads = min((n for n in range(1, 129) if new % n == 0), key=lambda n: abs(n - config.n_heads))
        return replace(config, emb_dim=new, n_heads=heads)
    return GPTConfig.from_dict({**config.to_dict(), field: new})


def place_of(config: GPTConfig, field: str) -> float:
    """Where a slider stands, 0 to 1."""
    if field in ("tie_weights", "qkv_bias"):
        return float(getattr(config, field))
    choices = CHOICES[field]
    if field == "n_heads":
        choices = [n for n in range(1, 129) if config.emb_dim % n == 0]
    now = int(getattr(config, field) or 0)
    return sum(n < now for n in choices) / max(1, len(choices) - 1)
