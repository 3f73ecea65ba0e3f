"""The beginning of every snippet of the attention screen: the model, the text, the trace, the heads that are off."""

from __future__ import annotations

from screens.attention.seen import Seen


def python_start(seen: Seen, *, name: str = "trace") -> str:
    """Lines that make the same trace."""
    ids = "lab.tokenizer.encode(text, disallowed_special=())"
    if seen.cut:
        ids += f"[-{seen.tokens}:]"
    off = f", ablate={sorted(seen.off)!r}" if seen.off else ""
    return (
        "import core\n\n"
        f"lab = core.load_model({seen.spec!r})\n"
        f"text = {seen.text!r}\n"
        f"ids = {ids}\n"
        f"{name} = core.trace(lab.model, ids{off})\n"
    )
