"""What the view *Maths* can work out: the line that offers it, and each part as Python and as a command."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text
from textual import events
from textual.message import Message
from textual.widget import Widget

from core.model.parts import PARTS as _PARTS
from screens.attention.seen import Place, Seen
from screens.attention.takeaway_text import python_start
from screens.widgets.guarded import Guarded

PARTS = tuple(_PARTS)
"""All that can be worked out."""
_GAP = 2


class PartsLine(Guarded, Widget):
    """The parts on one line, the shown one in brackets; a click chooses."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "PartsLine { height: 1; width: 1fr; color: $text-muted; }"

    class Chosen(Message):
        """A part was clicked."""

        def __init__(self, part: str) -> None:
            super().__init__()
            self.part = part

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._part = PARTS[0]

    def show(self, part: str) -> None:
        """Another part is shown."""
        self._part = part
        self.refresh()

    def spans(self, width: int) -> list[tuple[int, str, str]]:
        """Where each part begins, its name, and how it is written; as many as fit, the shown one among them."""
        words = [(part, f"[{part}]" if part == self._part else part) for part in PARTS]
        first = 0
        while True:
            at, out = 0, []
            for part, word in words[first:]:
                if at + len(word) > width:
                    break
                out.append((at, part, word))
                at += len(word) + _GAP
            if not out or any(part == self._part for _, part, _ in out):
                return out
            first += 1

    def render(self) -> Text:
        """The line."""
        text = Text(no_wrap=True, end="")
        for at, part, word in self.spans(self.size.width):
            text.append(" " * (at - text.cell_len))
            text.append(word, Style(bold=part == self._part))
        return text

    def on_click(self, event: events.Click) -> None:
        """Chooses."""
        for at, part, word in self.spans(self.size.width):
            if at <= event.x < at + len(word):
                self.post_message(self.Chosen(part))


def python_of(seen: Seen, at: Place, part: str) -> str:
    """A snippet that works out the same."""
    where = f"{at.layer}, {at.head}, {at.row}"
    name, call = {
        "head": ("arithmetic import head_steps", f"head_steps(trace, {where}, column={at.column})"),
        "block": ("arithmetic import block_steps", f"block_steps(trace, {at.layer}, {at.row})"),
        "loss": ("arithmetic import loss_steps", f"loss_steps(trace, {at.row})"),
    }.get(part, ("variants import variant_steps", f"variant_steps(trace, {part!r}, {where})"))
    return (
        python_start(seen)
        + f"from core.model.{name}\n\n"
        + f"for step in {call}:\n"
        + '    print(step.title, step.why, *step.lines, step.check.text if step.check else "", sep="\\n  ")\n'
    )


def command_of(seen: Seen, at: Place, part: str) -> list[str]:
    """The command that prints the same numbers."""
    command = ["llm-lab", "attention", seen.spec, seen.text, "--layer", str(at.layer), "--head", str(at.head)]
    command += ["--row", str(at.row), "--steps"]
    command += ["--column", str(at.column)] if part == "head" else ["--part", part]
    if seen.off:
        command += ["--off", ",".join(f"{layer}.{head}" for layer, head in sorted(seen.off))]
    return [*command, "--json"]
