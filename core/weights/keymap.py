"""One table from OpenAI's names of GPT-2's tensors to ours and to Hugging Face's, and what is turned on the way.

OpenAI and Hugging Face store the matrices of the blocks as (in, out), since they multiply ``x @ w``; ours are
``nn.Linear``'s (out, in). Nothing else differs but the names. Strict both ways: ``check_tensors`` names each tensor
that is missing, left over or misshapen. Leaves out: files.

Shapes: V vocabulary, T context length, C channels (emb_dim).
Source of the names: github.com/openai/gpt-2, src/model.py; transformers, models/gpt2/modeling_gpt2.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from core.config import GPTConfig
from core.errors import CheckpointError

Kind = Literal["embedding", "norm", "attention", "mlp", "head"]
Layout = Literal["llm-lab", "huggingface", "openai"]


class Row(NamedTuple):
    """One tensor, or one of each block where the names hold ``{n}``."""

    ours: str
    openai: str | None
    """None: OpenAI's models have none such."""
    huggingface: str
    shape: str
    """In our layout; 3C stands for query, key and value side by side."""
    turned: bool
    """Whether OpenAI and Hugging Face store the transpose of ours."""
    kind: Kind


_H = "transformer.h.{n}."
TABLE: tuple[Row, ...] = (
    Row("wte.weight", "model/wte", "transformer.wte.weight", "V C", False, "embedding"),
    Row("wpe.weight", "model/wpe", "transformer.wpe.weight", "T C", False, "embedding"),
    Row("h.{n}.ln_1.weight", "model/h{n}/ln_1/g", _H + "ln_1.weight", "C", False, "norm"),
    Row("h.{n}.ln_1.bias", "model/h{n}/ln_1/b", _H + "ln_1.bias", "C", False, "norm"),
    Row("h.{n}.attn.c_attn.weight", "model/h{n}/attn/c_attn/w", _H + "attn.c_attn.weight", "3C C", True, "attention"),
    Row("h.{n}.attn.c_attn.bias", "model/h{n}/attn/c_attn/b", _H + "attn.c_attn.bias", "3C", False, "attention"),
    Row("h.{n}.attn.c_proj.weight", "model/h{n}/attn/c_proj/w", _H + "attn.c_proj.weight", "C C", True, "attention"),
    Row("h.{n}.attn.c_proj.bias", "model/h{n}/attn/c_proj/b", _H + "attn.c_proj.bias", "C", False, "attention"),
    Row("h.{n}.ln_2.weight", "model/h{n}/ln_2/g", _H + "ln_2.weight", "C", False, "norm"),
    Row("h.{n}.ln_2.bias", "model/h{n}/ln_2/b", _H + "ln_2.bias", "C", False, "norm"),
    Row("h.{n}.mlp.c_fc.weight", "model/h{n}/mlp/c_fc/w", _H + "mlp.c_fc.weight", "4C C", True, "mlp"),
    Row("h.{n}.mlp.c_fc.bias", "model/h{n}/mlp/c_fc/b", _H + "mlp.c_fc.bias", "4C", False, "mlp"),
    Row("h.{n}.mlp.c_proj.weight", "model/h{n}/mlp/c_proj/w", _H + "mlp.c_proj.weight", "C 4C", True, "mlp"),
    Row("h.{n}.mlp.c_proj.bias", "model/h{n}/mlp/c_proj/b", _H + "mlp.c_proj.bias", "C", False, "mlp"),
    Row("ln_f.weight", "model/ln_f/g", "transformer.ln_f.weight", "C", False, "norm"),
    Row("ln_f.bias", "model/ln_f/b", "transformer.ln_f.bias", "C", False, "norm"),
    Row("lm_head.weight", None, "lm_head.weight", "V C", False, "head"),
)

IGNORED = ("h.{n}.attn.bias", "h.{n}.attn.masked_bias")
"""Hugging Face's published files carry the causal mask as if it were a weight; these and nothing else are ignored."""

PREFIX = "transformer."
"""Before Hugging Face's names, in some files; others (the published ones) leave it out."""

_QKV_BIAS = "h.{n}.attn.c_attn.bias"
_IGNORED = tuple(re.compile(re.escape(name).replace(r"\{n\}", r"\d+")) for name in IGNORED)


@dataclass(frozen=True, slots=True)
class TensorName:
    """What one tensor is called in the three places, and its shape in ours."""

    ours: str
    openai: str | None
    huggingface: str
    shape: tuple[int, ...]
    transposed_in_openai: bool
    """Whether OpenAI's file, and Hugging Face's, hold the transpose."""
    kind: Kind
    layer: int | None

    @property
    def parameters(self) -> int:
        """Numbers in it.

        >>> tensor_names(GPTConfig.preset("gpt2"))[0].parameters
        38597376
        """
        count = 1
        for size in self.shape:
            count *= size
        return count

    def shape_in(self, layout: Layout) -> tuple[int, ...]:
        """The shape in a file of that layout; OpenAI's matrices of the blocks have a leading 1.

        >>> tensor_names(GPTConfig.preset("gpt2"))[4].shape_in("openai")
        (1, 768, 2304)
        """
        if layout == "llm-lab" or not self.transposed_in_openai:
            return self.shape
        turned = self.shape[::-1]
        return (1, *turned) if layout == "openai" else turned

    def name_in(self, layout: Layout) -> str | None:
        """The name in a file of that layout."""
        return {"llm-lab": self.ours, "openai": self.openai, "huggingface": self.huggingface}[layout]


def tensor_names(config: GPTConfig) -> list[TensorName]:
    """Every tensor of a model of that shape, in the order of the table, block by block.

    >>> names = tensor_names(GPTConfig.preset("gpt2"))
    >>> len(names), sum(name.parameters for name in names)
    (148, 124439808)
    """
    config.parameters()  # says what to do if the vocabulary is not known yet
    sizes = {"V": config.vocab_size or 0, "T": config.context_length, "C": config.emb_dim}
    sizes |= {"3C": 3 * config.emb_dim, "4C": 4 * config.emb_dim}
    rows = [row for row in TABLE if config.qkv_bias or row.ours != _QKV_BIAS]
    rows = [row for row in rows if row.kind != "head" or not config.tie_weights]
    in_blocks = [row for row in rows if "{n}" in row.ours]
    before = rows[: rows.index(in_blocks[0])]
    after = rows[rows.index(in_blocks[-1]) + 1 :]
    out = [_named(row, None, sizes) for row in before]
    out += [_named(row, n, sizes) for n in range(config.n_layers) for row in in_blocks]
    return out + [_named(row, None, sizes) for row in after]


def _named(row: Row, layer: int | None, sizes: Mapping[str, int]) -> TensorName:
    n = str(layer)
    return TensorName(
        row.ours.replace("{n}", n),
        row.openai.replace("{n}", n) if row.openai else None,
        row.huggingface.replace("{n}", n),
        tuple(sizes[letter] for letter in row.shape.split()),
        row.turned,
        row.kind,
        layer,
    )


def is_ignored(name: str) -> bool:
    """Whether a name of Hugging Face's is one of the mask buffers.

    >>> is_ignored("h.3.attn.bias"), is_ignored("transformer.h.0.attn.masked_bias"), is_ignored("h.0.attn.c_attn.bias")
    (True, True, False)
    """
    return any(pattern.fullmatch(name.removeprefix(PREFIX)) for pattern in _IGNORED)


def huggingface_names(config: GPTConfig, found: Iterable[str]) -> dict[str, str]:
    """Hugging Face's name in the file for the full one of the table, for files with and without the prefix.

    >>> huggingface_names(GPTConfig(5, 4, 4, 1, 1), ["wte.weight", "lm_head.weight"])["transformer.wte.weight"]
    'wte.weight'
    """
    there = set(found)
    bare = not any(name.startswith(PREFIX) for name in there)
    names = [name.huggingface for name in tensor_names(config)]
    return {name: name.removeprefix(PREFIX) if bare else name for name in names}


def check_tensors(expected: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[int, ...]], where: str) -> None:
    """Holds that a file has exactly the tensors that its model needs.

    Args:
        expected: the shape of each, by the name that it has in the file.
        found: what the file has.
        where: the file, for the message.

    Raises:
        CheckpointError: a tensor is missing, left over, or of another shape; the title names it.
    """
    missing = [name for name in expected if name not in found]
    extra = [name for name in found if name not in expected]
    for name, shape in expected.items():
        if name in found and tuple(found[name]) != shape:
            raise CheckpointError(
                f"{where}: the tensor {name} has shape {_shape(found[name])}, {_shape(shape)} was expected",
                "its configuration belongs to another model; copy both from the same place",
            )
    if missing or extra:
        said = [f"lacks {_list(missing)} (shape {_shape(expected[missing[0]])})"] if missing else []
        said += [f"has {_list(extra)} (shape {_shape(found[extra[0]])}), which the model has not"] if extra else []
        raise CheckpointError(
            f"{where} {' and '.join(said)}", "its configuration belongs to another model; copy both from the same place"
        )


def _list(names: list[str]) -> str:
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"the tensor {names[0]}{more}"


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "()"
