"""``llm-lab weights MODEL``: the tensors of a model, in three people's names, with what their values are like."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from core.errors import InputError
from lab.cli.control import AsJson
from lab.cli.report import print_json

if TYPE_CHECKING:
    from core.weights.inspect import TensorInfo, TensorList, TensorStats
    from core.weights.sizes import SizeReport

QUICK = 200_000_000
"""Statistics of a model of up to so many parameters take about a second: they are shown unless refused."""
FEW = 24
"""Of so few chosen tensors the parts are told too."""

ModelName = Annotated[
    str, Parameter(name="MODEL", help="demo, a run (NAME, NAME@STEP, NAME@best), gpt2, hf:OWNER/NAME, or a path.")
]


def weights(
    model: ModelName,
    /,
    *,
    filter: Annotated[str | None, Parameter(help="Only tensors one of whose names matches.")] = None,
    stats: Annotated[
        bool | None, Parameter(help="Mean, spread and extremes; by default up to 200 M parameters.", show_default=False)
    ] = None,
    sizes: Annotated[bool, Parameter(negative="", help="The formulas: what each part weighs.")] = False,
    as_json: AsJson = False,
) -> int:
    """Lists the tensors of a model: our names, OpenAI's and Hugging Face's, shapes, sizes, statistics."""
    from core.weights.inspect import tensors
    from core.weights.sizes import size_of

    pattern = _pattern(filter)
    found = tensors(model)
    report = size_of(found.config)
    chosen = [info for info in found if pattern is None or _matches(info, pattern)]
    if not chosen:
        raise InputError(f"no tensor of {model} matches {filter}", "--filter c_attn, for one")
    with_stats = found.here and (stats if stats is not None else found.parameters <= QUICK)
    figures = _stats(model, chosen) if with_stats else {}
    if as_json:
        print_json(_answer(found, chosen, figures, report))
        return 0
    if not sizes:
        _print_tensors(chosen, figures)
    _print_size(found, report)
    return 0


def _pattern(text: str | None) -> re.Pattern[str] | None:
    try:
        return re.compile(text) if text is not None else None
    except re.error as error:
        raise InputError(f"--filter must be a regular expression, got {text!r}: {error}", r"h\.0\., for one") from None


def _matches(info: TensorInfo, pattern: re.Pattern[str]) -> bool:
    return any(pattern.search(name) for name in (info.name, info.openai_name, info.hf_name) if name)


def _stats(model: str, chosen: list[TensorInfo]) -> dict[str, TensorStats]:
    from core.weights.inspect import stats
    from core.weights.locate import open_weights
    from core.weights.parts import parts_of

    opened = open_weights(model)
    few = len(chosen) <= FEW
    names = [name for info in chosen for name in (info.name, *(parts_of(info.name) if few else ()))]
    return {name: stats(opened, name) for name in names}


def _with_figures(info: TensorInfo, figures: dict[str, TensorStats]) -> dict[str, Any]:
    """A tensor, what its values are like, and of few chosen ones the same of query, key and value."""
    from core.weights.parts import parts_of, split_part

    found = info.to_dict()
    if figures:
        found["stats"] = figures[info.name].to_dict()
    parts = {split_part(name)[1]: figures[name].to_dict() for name in parts_of(info.name) if name in figures}
    return found | ({"parts": parts} if parts else {})


def _answer(
    found: TensorList, chosen: list[TensorInfo], figures: dict[str, TensorStats], report: SizeReport
) -> dict[str, Any]:
    return {
        "model": found.spec,
        "here": found.here,
        "step": found.step,
        "files": [str(path) for path in found.files],
        "config": found.config.to_dict(),
        "parameters": found.parameters,
        "bytes": found.bytes,
        "tensors": [_with_figures(info, figures) for info in chosen],
        "size": report.to_dict(),
    }


def _print_tensors(chosen: list[TensorInfo], figures: dict[str, TensorStats]) -> None:
    from lab.cli.runs import print_table

    header = ("tensor", "OpenAI", "shape", "type", "parameters", *(("mean", "std", "min", "max") if figures else ()))
    print_table(header, [_row(info, figures.get(info.name)) for info in chosen])
    print()


def _row(info: TensorInfo, found: TensorStats | None) -> tuple[str, ...]:
    turned = " turned" if info.transposed_in_openai else ""
    shape = "×".join(map(str, info.shape))
    own = (info.name, (info.openai_name or "–") + turned, shape, info.dtype, f"{info.parameters:,}")
    if found is None:
        return own
    return (*own, *(f"{value:.4f}" for value in (found.mean, found.std, found.min, found.max)))


def _print_size(found: TensorList, report: SizeReport) -> None:
    where = "" if found.here else f" · not here: llm-lab pull {found.spec}"
    print(f"{found.spec}: {found.parameters:,} parameters in {len(found)} tensors, {found.bytes:,} bytes{where}")
    for part in report.parts:
        print(f"  {part.name:<11}{part.formula}")
    run, train = report.memory_to_run() / 1e6, report.memory_to_train() / 1e6
    cache, work = report.kv_cache_bytes_per_token(), report.forward_flops_per_token()
    print(f"  in float32: {run:,.1f} MB to run, {train:,.1f} MB to train")
    print(f"  a token: {cache:,} bytes of cache, {work:,} operations")
