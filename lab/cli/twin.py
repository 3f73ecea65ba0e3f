"""``llm-lab twin MODEL TEXT``: how far PyTorch's model and its Keras twin are apart, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from core.errors import InputError
from lab.cli.control import AsJson
from lab.cli.drawing import drawing_console
from lab.cli.progress import drawable
from lab.cli.report import print_json
from lab.cli.signals import stop_on_signals
from lab.cli.weights import ModelName

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.keras_twin.report import TwinProgress, TwinReport

HEADER = ("step", "largest value", "difference", "relative", "alone", "at token", "PyTorch", "Keras")


def twin(
    model: ModelName,
    text: Annotated[str, Parameter(name="TEXT", help="What both read.")],
    /,
    *,
    threshold: Annotated[str, Parameter(help="Say where the difference first exceeds this.")] = "1e-4",
    as_json: AsJson = False,
) -> int:
    """Runs a model in PyTorch and in Keras on TensorFlow, and compares what each layer makes of a text."""
    import threading

    from core.keras_twin.compare import twin_steps

    cancelled = threading.Event()
    with stop_on_signals(cancelled.set, lambda said: None) as received:
        found = _follow(twin_steps(model, text, threshold=_number(threshold), cancelled=cancelled), as_json)
    if found is None:
        return received.exit_code or 1
    if as_json:
        print_json(found.to_dict())
    else:
        _print(found)
    return 0


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"--threshold must be a number, got {text!r}", "--threshold 1e-4, for one") from None


def _follow(steps: Iterator[TwinProgress | TwinReport], as_json: bool) -> TwinReport | None:
    """Shows how far it is on a terminal; returns the report, None where it was cancelled."""
    from core.keras_twin.report import TwinReport

    if as_json or not drawable():
        return next((found for found in steps if isinstance(found, TwinReport)), None)
    from rich.progress import BarColumn, Progress, TextColumn

    columns = TextColumn("{task.description}", markup=False), BarColumn()
    with Progress(*columns, transient=True, console=drawing_console()) as bar:
        task = bar.add_task("loading TensorFlow", total=None)
        for found in steps:
            if isinstance(found, TwinReport):
                return found
            if found.phase != "loading":
                bar.update(task, description=found.phase, completed=found.done, total=found.total)
    return None


def _print(report: TwinReport) -> None:
    from lab.cli.runs import print_table

    rows: list[tuple[str, ...]] = []
    for stage in report.stages:
        mark = " !" if stage.max_abs > report.threshold else ""
        rows.append(
            (
                stage.name,
                f"{stage.largest:.4g}",
                f"{stage.max_abs:.2e}{mark}",
                f"{stage.max_relative:.1e}",
                f"{stage.alone:.1e}",
                repr(report.tokens[stage.token]),
                f"{1e3 * stage.torch_seconds:.2f} ms",
                f"{1e3 * stage.keras_seconds:.2f} ms",
            )
        )
    print_table(HEADER, rows)
    print()
    for line in summary(report):
        print(line)


def summary(report: TwinReport) -> list[str]:
    """What a comparison comes to, in a few lines."""
    first, worst, t = report.first_beyond, report.worst, len(report.tokens)
    lines = [
        f"{report.spec}: {report.identical} of {report.tensors} tensors are the same bits in both "
        f"({report.parameters:,} numbers)",
        f"largest difference {worst.max_abs:.2e} in {worst.name}, the logits' {report.stages[-1].max_abs:.2e}",
        f"{report.threshold:g} is first exceeded in {first.name}"
        if first
        else f"nowhere more than {report.threshold:g}",
        f"the same likeliest next token at {report.agreeing} of {t} places",
    ]
    if report.loss_torch is not None and report.loss_keras is not None:
        lines.append(f"loss {report.loss_torch:.7f} in PyTorch, {report.loss_keras:.7f} in Keras")
    ours, theirs = (1e3 * sum(getattr(s, f"{n}_seconds") for s in report.stages) for n in ("torch", "keras"))
    versions = f"torch {report.versions['torch']}, tensorflow {report.versions['tensorflow']}"
    return [*lines, f"{ours:.1f} ms in PyTorch, {theirs:.1f} ms in Keras, {report.threads} threads each ({versions})"]
