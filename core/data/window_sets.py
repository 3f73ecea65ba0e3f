"""From a named text to windows in one call, with how many windows and batches that makes.

The text is cut into its training and validation parts by characters, before it is encoded, as the classic notebooks do
(the trainer cuts the ids: its parts differ by a few tokens). Where tokens are words the cut is at the next white space.
Leaves out: batches as tensors (``torch_windows.py``).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from core.data.window_setting import WindowSetting
from core.data.windows import WindowKind, Windows, batch_indices, check_length
from core.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.tokenizers import Tokenizer

Part = Literal["training", "validation", "all"]
LARGE = 256 * 2**20
"""Bytes of a file above which its text is never held in memory as a whole."""


@dataclass(frozen=True)
class WindowSet:
    """The windows of one part of a text."""

    setting: WindowSetting
    part: Part
    tokenizer: Tokenizer
    characters: int
    """Of the part; 0 where a file was too large to be held in memory."""
    windows: Windows

    @property
    def tokens(self) -> int:
        """Ids in the part."""
        return len(self.windows.ids)

    @property
    def full_batches(self) -> int:
        """Batches of ``batch_size`` windows in one pass."""
        return len(self.windows) // self.setting.batch_size

    @property
    def left_over(self) -> int:
        """Windows after the last full batch."""
        return len(self.windows) % self.setting.batch_size

    def batch(self, step: int, *, seed: int = 1337, kind: WindowKind = "sliding") -> tuple[NDArray[np.int64], ...]:
        """The batch of a step as x and y (B, T), a pure function of seed and step (``windows.py`` says which)."""
        return self.windows.gather(batch_indices(kind, len(self.windows), self.setting.batch_size, seed, step))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            **asdict(self.setting),
            "stride": self.windows.stride,
            "part": self.part,
            "vocab_size": self.tokenizer.vocab_size,
            "characters": self.characters,
            "tokens": self.tokens,
            "windows": len(self.windows),
            "full_batches": self.full_batches,
            "left_over": self.left_over,
        }


def windows_of(setting: WindowSetting, part: Part = "training", tokenizer: Tokenizer | None = None) -> WindowSet:
    """Reads, cuts, encodes (once; the ids are kept in the cache and mapped from there) and windows a text.

    Args:
        setting: what decides the windows; ``core.presets.WINDOW_PRESETS`` has named ones.
        part: which part of the text, or all of it.
        tokenizer: one that is at hand; left out, the one that the setting names, made from the whole text if need be.

    Raises:
        CorpusError: no usable text, or one too short for a window; the title names both lengths.
        TokenizerError: an unknown tokenizer, or a text that it cannot encode.
    """
    from core.data.corpora import CORPORA, Corpus, corpus
    from core.data.ids import encode_corpus, encode_file
    from core.tokenizers import NEEDS_TEXT, get_tokenizer
    from core.tokenizers.words import SimpleTokenizerV1

    path = Path(setting.corpus).expanduser()
    if setting.corpus not in CORPORA and path.is_file() and path.stat().st_size > LARGE:
        if tokenizer is None and setting.tokenizer in NEEDS_TEXT:
            raise InputError(
                f"{setting.tokenizer} is made from the whole text, and {path} is too large to hold",
                "take byte, gpt2 or bpe:PATH",
            )
        tokenizer = tokenizer or get_tokenizer(setting.tokenizer)
        ids = encode_file(path, tokenizer)
        cut = int(len(ids) * (1 - setting.val_fraction))  # by tokens: counting characters would need the text
        ids = {"training": ids[:cut], "validation": ids[cut:], "all": ids}[part]
        return _set(setting, part, tokenizer, 0, ids)
    whole = corpus(setting.corpus)
    tokenizer = tokenizer or get_tokenizer(setting.tokenizer, whole.text)
    text = _part(whole.text, setting.val_fraction, part, at_space=isinstance(tokenizer, SimpleTokenizerV1))
    piece = Corpus(whole.name, text, hashlib.sha256(text.encode()).hexdigest())
    return _set(setting, part, tokenizer, len(text), encode_corpus(piece, tokenizer))


def _part(text: str, val_fraction: float, part: Part, *, at_space: bool) -> str:
    cut = int(len(text) * (1 - val_fraction))
    if at_space:  # half a word is in no vocabulary of words
        space = re.compile(r"\s").search(text, cut)
        cut = space.start() if space else len(text)
    return {"training": text[:cut], "validation": text[cut:], "all": text}[part]


def _set(
    setting: WindowSetting, part: Part, tokenizer: Tokenizer, characters: int, ids: NDArray[np.integer[Any]]
) -> WindowSet:
    named = "" if part == "all" else part
    check_length(len(ids), setting.context_length, named)
    windows = Windows(ids, setting.context_length, setting.stride, part=named)
    return WindowSet(setting, part, tokenizer, characters, windows)
