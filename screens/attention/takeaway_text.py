"""The beginning of every snippet of the attention screen: the model, the text, the trace, the heads that are off."""

from __future__ import annotations

from screens.attention.seen import Seen


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
