"""How the page of the twins leaves the app, and the numbers of its lesson."""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from screens.weights.view import count_text
from screens.widgets.take_away import TakeAwayRequest

if TYPE_CHECKING:
    from core.keras_twin.report import TwinReport
    from screens.weights.offers import WeightOffers


def twin_take_away(screen: WeightOffers) -> TakeAwayRequest | None:
    """The comparison that is shown; None where there is none."""
    report = screen.body.twins.report
    if report is None:
        return None
    fields = ("name", "largest", "max_abs", "max_relative", "alone", "token", "channel")
    header = ("step", *fields[1:], "torch_s", "keras_s")
    timed = (*fields, "torch_seconds", "keras_seconds")
    return TakeAwayRequest(
        what=f"twins-{report.spec}",
        python=(
            "from core.keras_twin.compare import twin_diff\n\n"
            f"report = twin_diff({report.spec!r}, {report.text!r}, threshold={report.threshold!r})\n"
            "for stage in report.stages:\n"
            "    print(stage.name, stage.max_abs, stage.max_relative, stage.torch_seconds, stage.keras_seconds)\n"
            "print(report.first_beyond and report.first_beyond.name)\n"
        ),
        command=shlex.join(
            ["llm-lab", "twin", report.spec, report.text, "--threshold", f"{report.threshold:g}", "--json"]
        ),
        data=report.to_dict(),
        table=(header, [tuple(getattr(stage, name) for name in timed) for stage in report.stages]),
        figure=partial(_print, report),
        pane=screen.body.twins.box,
    )


def _print(report: TwinReport, path: Path) -> None:
    """The differences of all steps, for print."""
    from matplotlib.figure import Figure as Print

    names = [stage.name for stage in report.stages]
    sheet = Print(figsize=(8, 4.5), dpi=150)
    axes = sheet.add_subplot()
    for field, label in (("max_abs", "each on its own way"), ("alone", "from the same input")):
        values = [getattr(stage, field) or float("nan") for stage in report.stages]
        axes.semilogy(range(len(names)), values, marker="o", markersize=3, label=label)
    axes.axhline(report.threshold, linestyle="--", linewidth=0.8)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=6)
    axes.set_ylabel("largest difference")
    axes.legend()
    sheet.savefig(path, bbox_inches="tight")


def twin_lesson_values(screen: WeightOffers) -> dict[str, str]:
    """The live numbers of lesson L8: of the comparison that is shown, as far as there is one."""
    opened, report = screen.opened, screen.body.twins.report
    values = {"model": screen.spec, "prompt": screen.workbench.prompt.replace("\n", " ")[:60]}
    if opened is not None:
        values |= {"tensors": str(len(opened.tensors)), "parameters": count_text(opened.tensors.parameters)}
    if report is None or report.spec != screen.spec:  # another model's numbers are not this one's
        return values
    first, worst, last = report.first_beyond, report.worst, report.stages[-1]
    return values | {
        "identical": f"{report.identical} of {report.tensors}",
        "worst": worst.name,
        "most": f"{worst.max_abs:.1e}",
        "largest": f"{worst.largest:.4g}",
        "relative": f"{worst.max_relative:.1e}",
        "logits": f"{last.max_abs:.1e}",
        "threshold": f"{report.threshold:g}",
        "beyond": f"first exceeded in {first.name}" if first else "exceeded nowhere",
        "agreeing": f"{report.agreeing} of {len(report.tokens)}",
        "first_alone": f"{report.stages[1].alone:.1e}",
        "torch_ms": f"{1e3 * sum(s.torch_seconds for s in report.stages):.1f}",
        "keras_ms": f"{1e3 * sum(s.keras_seconds for s in report.stages):.1f}",
    }
