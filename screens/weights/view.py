"""What the weights screen says of tensors, without a widget: the rows of the tree, columns, filter, sentences."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.weights.parts import parts_of, split_part
from screens.widgets.picker import size_text
from screens.widgets.tensor_tree import Column, TensorNode

if TYPE_CHECKING:
    from core.weights.inspect import TensorInfo, TensorList, TensorStats
    from screens.weights.detail import Fact

MEASURES = ("std", "mean", "min", "max", "norm", "outliers", "parameters", "bytes", "dtype")
"""What the tree's last column can say; all of them stand in the pane at the right."""
FROM_VALUES = MEASURES[:6]
NAMES = ("openai", "huggingface")
VIEWS = ("histogram", "heat map", "rows", "values")
PART_WORDS = {"q": "query", "k": "key", "v": "value"}


def count_text(number: int) -> str:
    """A whole number in groups, as the command line writes it too.

    >>> count_text(124439808)
    '124,439,808'
    """
    return f"{number:,}"


def bytes_text(size: float) -> str:
    """Bytes in few cells, decimal units.

    >>> bytes_text(497_759_232), bytes_text(36864), bytes_text(12), bytes_text(6.23e9)
    ('498 MB', '36.9 kB', '12 B', '6.23 GB')
    """
    for limit, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= limit * 0.9995:
            return f"{size / limit:.3g} {unit}"
    return f"{size:.0f} B"


def shape_text(shape: Iterable[int]) -> str:
    """A shape as it is read: ``50257×768``."""
    return "×".join(map(str, shape))


def short_ours(info: TensorInfo) -> str:
    """Our name without the block that its row stands in."""
    return info.name if info.layer is None else info.name.removeprefix(f"h.{info.layer}.")


def part_shape(info: TensorInfo, part: str) -> tuple[int, ...]:
    """The shape of a tensor or of a third of it."""
    return (info.shape[0] // 3, *info.shape[1:]) if part else info.shape


@dataclass(frozen=True, slots=True)
class Row:
    """What a row of the tree stands for: a tensor, a part of one, or a block."""

    info: TensorInfo | None = None
    part: str = ""
    layer: int | None = None

    @property
    def name(self) -> str:
        """The name that ``core.weights.inspect`` takes."""
        assert self.info is not None
        return f"{self.info.name}[{self.part}]" if self.part else self.info.name

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape in our layout."""
        assert self.info is not None
        return part_shape(self.info, self.part)

    @property
    def parameters(self) -> int:
        """Numbers in it."""
        assert self.info is not None
        return self.info.parameters // 3 if self.part else self.info.parameters


def row_of(tensors: TensorList, key: str) -> Row:
    """What a key of the tree stands for; a block has ``layer`` alone."""
    if key.startswith("block "):
        return Row(layer=int(key.split()[1]))
    name, part = split_part(key)
    info = next((i for i in tensors if i.name == name), None)
    return Row(info, part, info.layer if info else None)


def haystack(info: TensorInfo, part: str = "") -> str:
    """All that a filter may look for, in one line."""
    shape = "x".join(map(str, part_shape(info, part)))
    layer = "" if info.layer is None else f"layer {info.layer} block {info.layer}"
    names = f"{info.name}[{part}]" if part else f"{info.name} {info.openai_name or ''} {info.hf_name}"
    return (
        f"{names} {shape} {shape.replace('x', '×')} {info.kind} {info.dtype} {layer} {PART_WORDS.get(part, '')}".lower()
    )


def matches(text: str, query: str) -> bool:
    """Whether every word of the query is in the line.

    >>> matches("h.0.attn.c_attn.weight 2304x768 attention", "attn 768"), matches("wte 5x4", "768x")
    (True, False)
    """
    return all(word in text for word in query.lower().split())


def tree_of(tensors: TensorList, query: str = "") -> tuple[list[TensorNode], int]:
    """The rows of the tree, and how many tensors they hold.

    Args:
        tensors: the model's.
        query: words that a tensor's names, shape or kind must have; empty: all.
    """
    roots: list[TensorNode] = []
    blocks: dict[int, list[TensorNode]] = {}
    found = 0
    for info in tensors:
        whole = matches(haystack(info), query)
        parts = [split_part(name)[1] for name in parts_of(info.name)]
        kept = [p for p in parts if whole or matches(haystack(info, p), query)]
        if not whole and not kept:
            continue
        found += 1
        node = TensorNode(
            info.name,
            short_ours(info),
            tuple(TensorNode(f"{info.name}[{p}]", f"{p}  {PART_WORDS[p]}") for p in kept),
        )
        if info.layer is None:
            roots.append(node)
            continue
        if info.layer not in blocks:
            blocks[info.layer] = []
            roots.append(TensorNode(f"block {info.layer}", f"h.{info.layer}"))
        blocks[info.layer].append(node)
    nodes = [
        TensorNode(n.key, n.label, tuple(blocks[int(n.key.split()[1])])) if n.key.startswith("block ") else n
        for n in roots
    ]
    return nodes, found


def columns_for(width: int, names: str, measure: str) -> tuple[Column, ...]:
    """The columns of the tree that a width has room for.

    >>> [c.name for c in columns_for(60, "openai", "std")]
    ['openai', 'shape', 'std']
    """
    other = Column(
        names, "OpenAI" if names == "openai" else "Hugging Face", 17 if names == "openai" else 22, right=False
    )
    shape, number = Column("shape", "shape", 10), Column(measure, measure, 9)
    if width < 46:
        return (number,)
    if width < 58:
        return (shape, number)
    if width < 122:
        return (other, shape, number)
    out = [Column("openai", "OpenAI", 17, right=False)]
    if width >= 155:
        out.append(Column("huggingface", "Hugging Face", 32, right=False))
    out += [Column("shape", "shape", 10), Column("dtype", "dtype", 8), Column("parameters", "numbers", 11)]
    out += [Column(name, name, 9) for name in ("bytes", "mean", "std", "min", "max")]
    return tuple(out)


def heading(columns: Iterable[Column], label_width: int) -> str:
    """The titles over the columns."""
    text = "ours".ljust(label_width)
    for column in columns:
        text += " " + (column.title.rjust(column.width) if column.right else column.title.ljust(column.width))
    return text


def cell_text(row: Row, column: str, tensors: TensorList, stats: TensorStats | None, waiting: str = "·") -> str:
    """What a column says of a row."""
    if row.info is None:
        inside = [i for i in tensors if i.layer == row.layer]
        if column in ("parameters", "shape"):
            return count_text(sum(i.parameters for i in inside)) if column == "parameters" else ""
        return bytes_text(sum(i.bytes for i in inside)) if column == "bytes" else ""
    info = row.info
    if column == "openai":
        return "" if row.part else (info.openai_name or "none").removeprefix("model/")
    if column == "huggingface":
        return "" if row.part else info.hf_name.removeprefix("transformer.")
    if column == "shape":
        return shape_text(row.shape)
    if column == "parameters":
        return count_text(row.parameters)
    if column == "bytes":
        return bytes_text(info.bytes / (3 if row.part else 1))
    if column == "dtype":
        return info.dtype
    if stats is None:
        return waiting if tensors.here else "–"
    return measure_text(stats, column)


def measure_text(stats: TensorStats, measure: str) -> str:
    """One figure of a tensor."""
    if measure == "outliers":
        return f"{outlier_share(stats):.2f} %"
    value = float(getattr(stats, measure))
    return figure(value)


def figure(value: float) -> str:
    """A number of three figures in at most nine cells.

    >>> figure(0.1354), figure(-2.7e-05), figure(1234.5), figure(float("nan")), figure(float("inf"))
    ('0.135', '-2.7e-05', '1.23e+03', 'NaN', '∞')
    """
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return f"{value:.3g}" if math.isfinite(value) else "NaN"


def outlier_share(stats: TensorStats) -> float:
    """Values beyond four standard deviations, in percent."""
    return 100 * stats.outliers / stats.count if stats.count else 0.0


def detail_lines(row: Row, tensors: TensorList, stats: TensorStats | None) -> list[Fact]:
    """All that is known of the row, each fact in several forms, the fullest first."""
    if row.info is None:
        inside = [i for i in tensors if i.layer == row.layer]
        total = sum(i.parameters for i in inside)
        share = 100 * total / max(1, tensors.parameters)
        return [
            ("block", (f"h.{row.layer} of {tensors.config.n_layers}",)),
            ("holds", (f"{len(inside)} tensors",)),
            ("count", (f"{count_text(total)} · {share:.1f} % of the model",)),
            ("bytes", (bytes_text(sum(i.bytes for i in inside)),)),
            ("keys", ("right or enter unfolds it",)),
        ]
    info = row.info
    file_shape = info.shape[::-1] if info.transposed_in_openai else info.shape
    kept = f"{info.dtype} · {bytes_text(info.bytes)}"
    stored = ("in × out, ours turned", "turned") if info.transposed_in_openai else ("as ours", "as ours")
    openai = info.openai_name or "none"
    names: list[Fact] = [
        ("OpenAI", (f"{openai}  {_openai_shape(info)}", openai, openai.removeprefix("model/"))),
        ("HF", (f"{info.hf_name}  {shape_text(file_shape)}", info.hf_name, info.hf_name.removeprefix("transformer."))),
    ]
    if row.part:
        names = [("OpenAI", (f"a third of {openai}",)), ("HF", (f"a third of {info.hf_name}",))]
    count, share = count_text(row.parameters), 100 * row.parameters / max(1, tensors.parameters)
    return [
        ("ours", (f"{row.name}  {shape_text(row.shape)}", row.name)),
        *names,
        ("file", tuple(f"{kept} · {how}" for how in stored)),
        ("count", (f"{count} · {share:.2f} % of all", count)),
        *_figures(stats, here=tensors.here),
    ]


def _figures(stats: TensorStats | None, *, here: bool) -> list[Fact]:
    if stats is None:
        return [("values", ("being counted…" if here else "not on this machine",))]
    low, high, mean, std = figure(stats.min), figure(stats.max), figure(stats.mean), figure(stats.std)
    nans = f"  not finite {count_text(stats.nans)}" if stats.nans else ""
    spread = f"std {std}  norm {figure(stats.norm)}"
    far = f"{outlier_share(stats):.2f} % beyond 4"
    return [
        ("values", (f"min {low}  max {high}  mean {mean}", f"{low} to {high}, mean {mean}", f"{low} to {high}")),
        ("", (f"{spread}  zeros {count_text(stats.zeros)}{nans}", f"{spread}{nans}", spread)),
        ("", (f"{far} standard deviations", f"{far} std")),
    ]


def _openai_shape(info: TensorInfo) -> str:
    if info.openai_name is None:
        return ""
    return f"[1, {info.shape[1]}, {info.shape[0]}]" if info.transposed_in_openai else shape_text(info.shape)


USES = {
    "wte": "turns token ids into vectors",
    "wpe": "says where a token stands",
    "ln_1": "evens the stream out before attention",
    "attn.c_attn": "makes query, key and value",
    "attn.c_proj": "brings the heads back together",
    "ln_2": "evens the stream out before the MLP",
    "mlp.c_fc": "opens to four times the width",
    "mlp.c_proj": "closes it again",
    "ln_f": "the last norm, before the head",
    "lm_head": "scores every token of the vocabulary",
}


def use_of(info: TensorInfo, tied: bool) -> str:
    """What a tensor is for, in a few words."""
    stem = short_ours(info).rpartition(".")[0]
    said = USES.get(stem, "")
    return f"{said}, and is the head too" if stem == "wte" and tied else said


def sentence(row: Row, tensors: TensorList) -> str:
    """The status line."""
    if row.info is None:
        inside = [i for i in tensors if i.layer == row.layer]
        return f"block h.{row.layer} · {len(inside)} tensors · {count_text(sum(i.parameters for i in inside))} values"
    share = 100 * row.parameters / max(1, tensors.parameters)
    name = row.name if row.part else row.info.name
    used = use_of(row.info, tensors.config.tie_weights)
    part = f"the {PART_WORDS[row.part]} part of block {row.layer}" if row.part else used
    return f"{name} · {count_text(row.parameters)} values · {share:.2g} % of the model · {part}"


def title_of(tensors: TensorList, found: int, query: str) -> str:
    """The title of the tree."""
    every = f"{len(tensors)} tensors · {count_text(tensors.parameters)}"
    named = tensors.step is None or tensors.spec.endswith(f"@{tensors.step}")
    name = tensors.spec if named else f"{tensors.spec} · step {tensors.step}"
    return f"{name} · {found} of {every} · ‘{query}’" if query else f"{name} · {every}"


def special(tensors: TensorList) -> list[str]:
    """The tensors that a loader turns or cuts, in order."""
    return [info.name for info in tensors if info.transposed_in_openai or parts_of(info.name)]


def sizes_row(here: Mapping[str, str], spec: str, shape: str, parameters: int, tensors: int, size: int) -> str:
    """One line of the table of published models."""
    layers, heads, width = shape.replace("L", "").replace("H", "").split()
    label = f"{spec:<12} {size_text(parameters):>5} {layers:>4}L {heads:>3}H {width:>5}"
    return f"{label}  {count_text(parameters):>13}  {tensors:>4}  {size / 1e9:5.2f} GB  {here.get(spec, '')}"
