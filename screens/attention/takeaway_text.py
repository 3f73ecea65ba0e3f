"""What the attention screen takes away as text: how every snippet begins, and the pictures of views that are no map."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from screens.attention.seen import Seen

if TYPE_CHECKING:
    from core.model.lens import LensRow
    from core.model.worked import Step


def python_start(seen: Seen, *, name: str = "trace", ablated: bool = True) -> str:
    """Lines that make the same trace.

    Args:
        seen: what is shown.
        name: of the variable that holds the trace.
        ablated: whether the heads that are off are off in it.
    """
    ids = "lab.tokenizer.encode(text, disallowed_special=())"
    if seen.cut:
        ids += f"[-{seen.tokens}:]"
    off = f", ablate={sorted(seen.off)!r}" if seen.off and ablated else ""
    return (
        "import core\n\n"
        f"lab = core.load_model({seen.spec!r})\n"
        f"text = {seen.text!r}\n"
        f"ids = {ids}\n"
        f"{name} = core.trace(lab.model, ids{off})\n"
    )


def heads_flag(seen: Seen, flag: str) -> list[str]:
    """The option of a command that switches the same heads off; nothing where all are on."""
    from core.model.head_sets import format_heads

    return [flag, format_heads(seen.off, seen.loaded.config)] if seen.off else []


def steps_text(steps: Iterable[Step]) -> str:
    """Worked steps: what is done, the numbers, and whether they are the model's."""
    lines = []
    for number, step in enumerate(steps, 1):
        lines += [f"{number} {step.title}: {step.why}", *(f"    {line}" for line in step.lines)]
        lines += [f"  {step.check.text}"] if step.check is not None else []
    return "\n".join(lines) + "\n"


def lens_text(title: str, rows: Sequence[LensRow], word: Callable[[int], str]) -> str:
    """What each layer would answer: the entropy in bits, the rank of the model's own answer, the likeliest tokens."""
    lines = [title, "after          bits    rank  likeliest"]
    for row in rows:
        name = "embedding" if row.layer == 0 else f"layer {row.layer - 1}"
        rank = "-" if row.rank is None else f"{row.rank:,}"
        said = "  ".join(f"{word(found.token)} {found.probability:.1%}" for found in row.top) or "not a number"
        lines.append(f"{name:<12}{row.entropy:>7.2f}{rank:>8}  {said}")
    return "\n".join(lines) + "\n"


def heads_text(title: str, grid: Sequence[Sequence[float]]) -> str:
    """One number for each head: a row for each layer.

    >>> print(heads_text("entropy", [[0.5, 1.25]]), end="")
    entropy
               H0      H1
    L0      0.500   1.250
    """
    lines = [title, "     " + "".join(f"{f'H{head}':>8}" for head in range(len(grid[0])))]
    lines += [f"{f'L{layer}':<5}" + "".join(f"{value:>8.3f}" for value in row) for layer, row in enumerate(grid)]
    return "\n".join(lines) + "\n"
