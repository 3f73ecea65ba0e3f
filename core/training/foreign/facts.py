"""What is learnt of a foreign run beside its numbers, and names of strangers made safe to show."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

_LONGEST = 120
_MOST = 500


def plain(text: str, longest: int = _LONGEST) -> str:
    r"""A name from a stranger's file, fit for a terminal: nothing in it is a control character, and it is short.

    >>> plain("loss\x1b[2J"), plain("train/loss")
    ('loss⟨1B⟩[2J', 'train/loss')
    """
    short = text if len(text) <= longest else text[:longest] + "…"
    return "".join(c if c.isprintable() else f"⟨{ord(c):02X}⟩" for c in short)


@dataclass
class Facts:
    """Filled by whoever reads the run; what is not known is 0, empty or false."""

    max_steps: int = 0
    parameters: int = 0
    finished: bool = False
    """Whether the files say that the run has come to its end."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Values of our configuration's fields that the files name."""
    corpus: str = ""
    shown: dict[str, str] = field(default_factory=dict)
    """Which of its names stands for which of our columns."""
    others: set[str] = field(default_factory=set)
    """Names of numbers for which we have no column; they are listed and not shown."""
    more_others: bool = False
    """Whether there are so many that not all are listed."""

    def note_other(self, name: str) -> None:
        """Keeps the name of a number that is not shown."""
        if len(self.others) < _MOST:
            self.others.add(plain(name))
        else:
            self.more_others |= plain(name) not in self.others

    def sentence(self) -> str:
        """What was read as what, and what was left out."""
        read = ", ".join(f"{ours} from {theirs}" for ours, theirs in sorted(self.shown.items()))
        said = [read or "no number that is known here"]
        if self.others:
            names = sorted(self.others)
            rest = f" and {len(names) - 6}{'+' if self.more_others else ''} more" if len(names) > 6 else ""
            said.append(f"not shown: {', '.join(names[:6])}{rest}")
        return " · ".join(said)
