"""The prompt row: one line of text, edited in place; what is typed is traced while one types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.widgets import Static

from screens.generation.prompt import PromptPane

TWICE = "NameError: name 'spam' is not defined. NameError: name 'spam'"
"""A message that begins anew: a head that does induction is told from all others on it, also in a small model."""
TEXTS: tuple[tuple[str, str], ...] = (
    ("The for statement is used to", "of the demo's own manual; m finds the head that looks at the token just before"),
    (TWICE, "a message said twice: measure induction (m) finds the head that looks at what followed the first time"),
    (
        "The exception is raised. The exception is raised. The exception",
        "a sentence repeated: induction heads look at what followed the earlier copy",
    ),
    ("A class is defined by the class statement; the class", "a word three times: duplicate-token heads"),
    (
        "The cat sat on the mat because it was very tired",
        "what does ‘it’ look at? a classic for GPT-2 (Vig, 2019)",
    ),
    (
        "When Mary and John went to the store, John gave a drink to",
        "GPT-2: name movers L9 H9, L9 H6, L10 H0 (Wang et al., 2022)",
    ),
    (
        "one two three four five one two three four five one two three",
        "GPT-2: induction heads L5 H1, L5 H5, L6 H9 (Wang et al., 2022)",
    ),
    (
        "The war lasted from the year 1732 to the year 17",
        "GPT-2: greater-than, L5 H5, L6 H9, L9 H1 look at the first year (Hanna et al., 2023)",
    ),
)
"""Texts to begin with, and what can be seen in each."""
SHOWN = 400
"""Characters that the row draws."""


class AttentionPrompt(PromptPane):
    """``e``, ``enter`` or a click opens it; leaving it keeps what was typed."""

    starters: Sequence[str] = tuple(text for text, _ in TEXTS)
    DEFAULT_CSS: ClassVar[str] = """
    AttentionPrompt { layout: horizontal; height: 1; width: 1fr; padding: 0 1; }
    AttentionPrompt:focus { background: $boost; }
    AttentionPrompt #a-prompt-name { width: 8; color: $text-muted; }
    AttentionPrompt #prompt-text { width: 1fr; height: 1; }
    AttentionPrompt #a-prompt-count {
        dock: right; width: auto; max-width: 70%; height: 1; padding: 0 0 0 2; color: $text-muted;
    }
    AttentionPrompt.-editing { height: 4; background: $boost; }
    AttentionPrompt.-editing #prompt-text { display: none; }
    AttentionPrompt PromptBox, AttentionPrompt PromptBox:focus { width: 1fr; height: 4; }
    """

    def compose(self) -> ComposeResult:
        """Name, text, counts."""
        yield Static("prompt", id="a-prompt-name", markup=False)
        yield Static(id="prompt-text", markup=False)
        yield Static(id="a-prompt-count", markup=False)

    def show(self, prompt: str) -> None:
        """Shows another prompt; the part around its end where it is long."""
        super().show(prompt)
        line = prompt if len(prompt) <= SHOWN else "…" + prompt[-SHOWN:]
        self.query_one("#prompt-text", Static).update(
            line.replace("\n", "↵ ") or "(empty: e types a text)", layout=False
        )

    def count(self, text: str) -> None:
        """What stands at the right: tokens, what is cut, what is off."""
        self.query_one("#a-prompt-count", Static).update(text)

    @property
    def typed(self) -> str:
        """What is in the field, or else the prompt."""
        boxes = list(self.query("PromptBox"))
        return boxes[-1].whole if boxes else self.prompt  # type: ignore[attr-defined]
