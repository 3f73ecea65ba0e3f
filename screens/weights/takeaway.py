"""How the weights screen leaves the app, and the numbers of its lesson; both from what the panes show."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.weights.sizes import size_of
from screens.weights.compare import by_layer
from screens.weights.size_rows import ROWS
from screens.weights.twin_takeaway import twin_take_away
from screens.weights.view import Row, bytes_text, count_text, figure, row_of
from screens.widgets.take_away import TakeAwayRequest

if TYPE_CHECKING:
    from core.config import GPTConfig
    from core.weights.inspect import TensorInfo, TensorStats
    from screens.weights.offers import WeightOffers
    from screens.weights.reader import Looked

FIGURES = ("mean", "std", "min", "max", "norm", "zeros", "nans", "outliers")


def take_away_of(screen: WeightOffers) -> TakeAwayRequest | None:
    """The page that is shown; None while nothing is open."""
    if screen.body.page == "sizes":
        return _sizes(screen)
    if screen.body.page == "compare":
        return _changes(screen)
    if screen.body.page == "twin":
        return twin_take_away(screen)
    return _tensor(screen)


# --- one tensor, and the list


def _tensor(screen: WeightOffers) -> TakeAwayRequest | None:
    opened, body = screen.opened, screen.body
    if opened is None or not body.tensor_tree.key:
        return None
    tensors, row = opened.tensors, row_of(opened.tensors, body.tensor_tree.key)
    looked = screen.looked if row.info is not None and screen.looked and screen.looked.name == row.name else None
    rows = [_line(info, screen.stats.get(info.name)) for info in tensors]
    header = ("name", "openai", "huggingface", "layer", "kind", "shape", "dtype", "parameters", "bytes", *FIGURES)
    return TakeAwayRequest(
        what=f"weights-{row.name if row.info else body.tensor_tree.key}",
        python=_python(opened.spec, row if tensors.here else Row(), screen),
        command=_command(opened.spec, row),
        data=_data(screen, row, looked),
        table=(header, rows),
        figure=_figure(screen, looked) if looked is not None and looked.histogram is not None else None,
        pane=body.view_widget if tensors.here else body.query_one("#w-left"),
        link=shlex.join(["llm-lab", "open", "weights", "--model", opened.spec]),
    )


def _line(info: TensorInfo, stats: TensorStats | None) -> tuple[Any, ...]:
    shape = "x".join(map(str, info.shape))
    figures = tuple(getattr(stats, name) if stats is not None else None for name in FIGURES)
    names = (info.name, info.openai_name, info.hf_name, info.layer, info.kind)
    return (*names, shape, info.dtype, info.parameters, info.bytes, *figures)


def _python(spec: str, row: Row, screen: WeightOffers) -> str:
    if row.info is None:
        return (
            "from core.weights import inspect\n\n"
            f"tensors = inspect.tensors({spec!r})\n"
            "print(len(tensors), tensors.parameters)\n"
            "for tensor in tensors:\n"
            "    print(tensor.name, tensor.openai_name, tensor.hf_name, tensor.shape, tensor.dtype)\n"
        )
    how, bins = screen.settings, screen.body.histogram.bins or 64
    clip = "" if how.clip is None else f", clip={how.clip:g}"
    return (
        "from core.weights import inspect\n\n"
        f"name = {row.name!r}\n"
        f"stats = inspect.stats({spec!r}, name)\n"
        "print(stats.mean, stats.std, stats.min, stats.max)\n"
        f"histogram = inspect.histogram({spec!r}, name, bins={bins}{clip})\n"
        "print(histogram.counts.sum(), histogram.counts.tolist())\n"
        f"values = inspect.values({spec!r}, name)  # float32, memory-mapped where it can be\n"
        "print(values.shape, values[0, 0])\n"
    )


def _command(spec: str, row: Row) -> str:
    words = ["llm-lab", "weights", spec]
    if row.info is not None:
        words += ["--filter", f"^{re.escape(row.info.name)}$"]
    elif row.layer is not None:
        words += ["--filter", rf"^h\.{row.layer}\."]
    return shlex.join([*words, "--json"])


def _data(screen: WeightOffers, row: Row, looked: Looked | None) -> dict[str, Any]:
    opened = screen.opened
    assert opened is not None
    tensors = opened.tensors
    data: dict[str, Any] = {
        "model": opened.spec,
        "step": tensors.step,
        "config": tensors.config.to_dict(),
        "parameters": tensors.parameters,
        "tensors": [info.to_dict() for info in tensors],
    }
    if row.info is not None:
        stats = screen.stats.get(row.name)
        data["tensor"] = {**row.info.to_dict(), "name": row.name, "part": row.part or None, "shape": list(row.shape)}
        data["tensor"]["stats"] = stats.to_dict() if stats is not None else None
    if looked is not None and looked.histogram is not None:
        found = looked.histogram
        data["histogram"] = {
            "edges": found.edges.tolist(),
            "counts": found.counts.tolist(),
            "sampled": found.sampled,
            "below": found.below,
            "above": found.above,
        }
    return data


def _figure(screen: WeightOffers, looked: Looked) -> Callable[[Path], None]:
    view, log, axis = screen.body.view, screen.settings.log, screen.body.axis

    def save(path: Path) -> None:
        from matplotlib.figure import Figure as Print

        sheet = Print(figsize=(8, 4.5), dpi=150)
        axes = sheet.add_subplot()
        assert looked.histogram is not None
        norms = (looked.row_norms, looked.column_norms)[axis]
        if view in ("heat map", "values"):
            step = max(1, looked.values.size // 4_000_000)
            part = looked.values[::step]
            top = float(abs(part).max()) or 1.0
            shown = axes.imshow(part, aspect="auto", cmap="PuOr_r", vmin=-top, vmax=top, interpolation="nearest")
            sheet.colorbar(shown)
            axes.set_xlabel("in" if step == 1 else f"in · every {step}th row is drawn")
            axes.set_ylabel("out")
        elif view == "rows" and norms is not None:
            axes.plot(norms)
            axes.set_xlabel("column" if axis else "row")
            axes.set_ylabel("norm")
        else:
            axes.stairs(looked.histogram.counts, looked.histogram.edges, fill=True)
            axes.set_xlabel("value")
            axes.set_ylabel("values")
            if log:
                axes.set_yscale("log")
        axes.set_title(f"{looked.spec}  {looked.name}")
        sheet.savefig(path, bbox_inches="tight")

    return save


# --- sizes


def _sizes(screen: WeightOffers) -> TakeAwayRequest:
    pane = screen.body.sizes
    config = pane.mine.config
    header = ("figure", *pane.names)
    rows = [(row.name, *(row.value(report) for report in pane.reports)) for row in ROWS]
    reports = {name: report.to_dict() for name, report in zip(pane.names, pane.reports, strict=True)}

    def save(path: Path) -> None:
        from matplotlib.figure import Figure as Print

        sheet = Print(figsize=(8, 4.5), dpi=150)
        axes = sheet.add_subplot()
        below = [0.0] * len(pane.reports)
        for part in ("embeddings", "attention", "mlp", "norms", "head"):
            heights = [report.part(part).parameters / 1e6 for report in pane.reports]
            axes.bar(pane.names, heights, bottom=below, label=part)
            below = [a + b for a, b in zip(below, heights, strict=True)]
        axes.set_ylabel("million parameters")
        axes.legend()
        sheet.savefig(path, bbox_inches="tight")

    return TakeAwayRequest(
        what="sizes",
        python=_sizes_python(config),
        command=shlex.join(["llm-lab", "weights", screen.spec, "--sizes", "--json"]),
        data=reports,
        table=(header, rows),
        figure=save,
        pane=pane.table,
        link=shlex.join(["llm-lab", "open", "weights", "--model", screen.spec]),
    )


def _sizes_python(config: GPTConfig) -> str:
    fields = ("vocab_size", "context_length", "emb_dim", "n_heads", "n_layers", "qkv_bias", "tie_weights")
    given = ", ".join(f"{name}={getattr(config, name)!r}" for name in fields)
    return (
        "import core\n"
        "from core.weights.sizes import size_of\n\n"
        f"report = size_of(core.GPTConfig({given}))\n"
        "print(report.parameters, report.tensors, report.block_parameters)\n"
        "for part in report.parts:\n"
        "    print(part.name, part.formula)\n"
        'print(report.kv_cache_bytes_per_token("float16"), report.training_flops_per_token())\n'
        'print(report.memory_to_run("bfloat16"), report.memory_to_train("float32"))\n'
    )


# --- what moved


def _changes(screen: WeightOffers) -> TakeAwayRequest | None:
    pane = screen.body.changes
    if not pane.changes:
        return None
    a, b = pane.pair
    found = [change.to_dict() for change in pane.changes]
    header = tuple(found[0])

    def save(path: Path) -> None:
        from matplotlib.figure import Figure as Print

        table, layers, kinds = by_layer(pane.changes, pane.measure)
        sheet = Print(figsize=(8, 4.5), dpi=150)
        axes = sheet.add_subplot()
        sheet.colorbar(axes.imshow(table, aspect="auto", cmap="cividis"))
        axes.set_xticks(range(len(kinds)), kinds, rotation=45)
        axes.set_yticks(range(len(layers)), layers)
        axes.set_title(f"{a} to {b}: {pane.measure}")
        sheet.savefig(path, bbox_inches="tight")

    return TakeAwayRequest(
        what=f"changes-{a}-{b}",
        python=(
            "from core.weights.compare import compare\n\n"
            f"for change in compare({a!r}, {b!r}):\n"
            "    print(change.name, change.relative, change.max_abs, change.mean_abs, change.cosine)\n"
        ),
        command=shlex.join(["llm-lab", "compare", a, b, "--json"]),
        data={"a": a, "b": b, "changes": found},
        table=(header, [tuple(change.values()) for change in found]),
        figure=save,
        pane=pane.map,
    )


# --- the lesson


def lesson_values(screen: WeightOffers) -> dict[str, str]:
    """The live numbers of lesson L7; what is not known is left out and prints as a dash."""
    opened = screen.opened
    if opened is None:
        return {}
    tensors, config = opened.tensors, opened.tensors.config
    report, small, large = (size_of(c) for c in (config, config.preset("gpt2"), config.preset("gpt2-xl")))
    row = row_of(tensors, screen.body.tensor_tree.key)
    stats = screen.stats.get(row.name) if row.info is not None else None
    c = config.emb_dim
    values = {
        "model": opened.spec,
        "tensors": str(len(tensors)),
        "parameters": count_text(tensors.parameters),
        "layers": str(config.n_layers),
        "width": count_text(c),
        "three_widths": count_text(3 * c),
        "four_widths": count_text(4 * c),
        "vocab": count_text(config.vocab_size or 0),
        "context": count_text(config.context_length),
        "embeddings": count_text(report.part("embeddings").parameters),
        "embeddings_share": f"{100 * report.part('embeddings').parameters / report.parameters:.0f}",
        "attention_block": count_text(report.part("attention").parameters // config.n_layers),
        "mlp_block": count_text(report.part("mlp").parameters // config.n_layers),
        "norms_block": count_text(4 * c),
        "block": count_text(report.block_parameters),
        "blocks": count_text(report.block_parameters * config.n_layers),
        "final": count_text(2 * c),
        "head": "the token embedding once more" if config.tie_weights else "a matrix of its own",
        "kv": bytes_text(report.kv_cache_bytes_per_token("float16")),
        "small_block": count_text(small.block_parameters),
        "large_block": count_text(large.block_parameters),
        "growth": f"{large.parameters / small.parameters:.1f}",
        "tensor": row.name if row.info is not None else f"block {row.layer}",
        "tensor_values": count_text(row.parameters) if row.info is not None else "",
        "std": figure(stats.std) if stats is not None else "",
        "low": figure(stats.min) if stats is not None else "",
        "high": figure(stats.max) if stats is not None else "",
    }
    return {name: value for name, value in values.items() if value}
