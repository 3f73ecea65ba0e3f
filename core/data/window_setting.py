"""What decides the windows of a text, as plain values. Leaves out: cutting them (``window_sets.py``)."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import ConfigError

MAX_BATCH_SIZE = 1 << 16
"""Windows in a batch; one that is far larger than any model takes would fill the memory."""


@dataclass(frozen=True)
class WindowSetting:
    """What decides the windows of a text."""

    corpus: str
    """A corpus by name, a text file, or a folder."""
    tokenizer: str = "gpt2"
    """What turns it into ids."""
    context_length: int = 256
    """Tokens in a window."""
    stride: int | None = None
    """Tokens from the start of one window to the next; None: the context length."""
    batch_size: int = 8
    """Windows in a batch."""
    val_fraction: float = 0.1
    """Share of the characters, at the end, that is kept for validation."""

    def __post_init__(self) -> None:
        wrong = [
            f"{name} must be at least 1, got {value}"
            for name, value in (
                ("context_length", self.context_length),
                ("stride", 1 if self.stride is None else self.stride),
                ("batch_size", self.batch_size),
            )
            if value < 1
        ]
        if self.batch_size > MAX_BATCH_SIZE:
            wrong.append(f"batch_size must be at most {MAX_BATCH_SIZE:,}, got {self.batch_size:,}")
        if not 0 <= self.val_fraction < 1:
            wrong.append(f"val_fraction must be from 0 up to (not including) 1, got {self.val_fraction}")
        if wrong:
            raise ConfigError("; ".join(wrong), "mend it and try again; llm-lab windows --help lists the options")
