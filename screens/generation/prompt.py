"""The prompt: shown as text, edited in place; ``enter`` sends it, ``ctrl+j`` is a new line, up: earlier ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Static

from screens.widgets.guarded import Guarded

STARTERS = (
    "The for statement is used to",
    "A class definition is",
    "The import statement",
    "First Citizen:\n",
    "Once upon a time, there was",
    "In a shocking finding, scientists discovered",
    "Every effort moves you",
)
"""To begin with: the first three are of the demo's own corpus, the manual of Python."""
MOST_KEPT = 50
SHOWN = 2000
"""Characters that the pane draws while the prompt is not edited."""


def remembered(history: Sequence[str], prompt: str) -> list[str]:
    """The history with a prompt as its newest, each prompt once.

    >>> remembered(["a", "b"], "a"), remembered(["a"], "  ")
    (['b', 'a'], ['a'])
    """
    if not prompt.strip():
        return list(history)
    return [*(p for p in history if p != prompt), prompt][-MOST_KEPT:]


class PromptPane(Guarded, Vertical, can_focus=True):
    """The prompt in its pane; ``e``, ``enter`` or a click opens it for typing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "edit", show=False, id="prompt.edit", tooltip="edit the prompt"),
    ]

    starters: Sequence[str] = STARTERS
    """What stands before the history where one goes back in it."""

    class Sent(Message):
        """``enter`` in the field: this is the prompt, answer it."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Left(Message):
        """The field was left; this is the prompt now, whether or not it is another one."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.prompt = ""
        self.history: list[str] = []
        """Earlier prompts, newest last."""

    def compose(self) -> ComposeResult:
        """The text; the field comes when it is wanted."""
        yield Static(id="prompt-text", markup=False)

    @property
    def editing(self) -> bool:
        """Whether the field is open."""
        return self.has_class("-editing")

    def show(self, prompt: str) -> None:
        """Shows another prompt."""
        self.prompt = prompt
        shown = prompt if len(prompt) <= SHOWN else "…" + prompt[-SHOWN:]
        self.query_one("#prompt-text", Static).update(shown or "(empty: the answer starts as a text starts)")
        for box in self.query("PromptBox"):
            box.put(prompt, len(prompt))  # type: ignore[attr-defined]

    async def action_edit(self) -> None:
        """Opens the field."""
        from screens.generation.prompt_box import PromptBox  # the toolkit's text field takes longer than the frame

        if not self.editing:
            self.add_class("-editing")
            self.screen.add_class("-typing")
            box = PromptBox(self.prompt, [*reversed(self.starters), *self.history])
            await self.mount(box)
            box.put(self.prompt, len(self.prompt))
            box.select_all()  # typing begins anew, an arrow key goes on with what is there
            self.screen.set_focus(box)  # at once: the next key may be on its way

    def on_click(self, event: events.Click) -> None:
        """Opens the field."""
        if not self.editing:
            self.call_later(self.action_edit)

    async def close(self) -> None:
        """Closes the field; what was typed stays the prompt."""
        boxes = list(self.query("PromptBox"))
        if not boxes:
            return
        text = boxes[-1].whole  # type: ignore[attr-defined]
        for box in boxes:
            await box.remove()
        self.remove_class("-editing")
        self.screen.remove_class("-typing")
        self.show(text)
        self.post_message(self.Left(text))

    @on(events.DescendantBlur)
    async def _blurred(self) -> None:
        if self.editing and self.app.screen is self.screen:  # not for a dialog that lies over it for a moment
            self.call_later(self._close_if_left)

    async def _close_if_left(self) -> None:
        if self.editing and not any(node is self for node in self._focused_line()):
            await self.close()

    def _focused_line(self) -> Sequence[object]:
        focused = self.screen.focused
        return list(focused.ancestors_with_self) if focused is not None else []

    async def send(self, text: str) -> None:
        """``enter`` in the field."""
        await self.close()
        self.post_message(self.Sent(text))
