"""The tokenizers that need no vocabulary of anybody else's: one line for each, in the order of every list.

A new one is a file with a class of its own and a line here; whoever names, lists or loads tokenizers reads this table.
Leaves out: byte-pair encodings, which come by the file (``listing.py``) or from OpenAI (``vocabularies.py``).
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import TokenizerError

if TYPE_CHECKING:
    from core.tokenizers.base import Tokenizer


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of tokenizer; its module is imported when it is first used."""

    name: str
    """What ``get_tokenizer`` calls it, and ``kind`` in its ``tokenizer.json``."""
    note: str
    """One line: what it is."""
    home: str
    """``module:Class``. The class has ``from_content``, and ``from_text`` if its vocabulary is made from a text."""
    vocab_size: int | None = None
    """How many ids it has; None: its vocabulary is made from a text."""

    @property
    def needs_text(self) -> bool:
        """Whether its vocabulary is made from a text."""
        return self.vocab_size is None

    def make(self, text: str | None = None) -> Tokenizer:
        """The tokenizer.

        Raises:
            TokenizerError: it is made from a text, and none came.
        """
        cls = _load(self.home)
        if not self.needs_text:
            made: Tokenizer = cls()
        elif text is not None:
            made = cls.from_text(text)
        else:
            raise TokenizerError(
                f"the tokenizer {self.name} is made from a text, got none",
                f'hand it one: get_tokenizer("{self.name}", text); a trained model brings its own: '
                "load_tokenizer(run_dir)",
            )
        return made


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "words-v1",
            "a word is a token; words that its text does not have are an error",
            "core.tokenizers.words:SimpleTokenizerV1",
        ),
        Kind(
            "words-v2",
            "a word is a token; <|unk|> stands for words that its text does not have",
            "core.tokenizers.words:SimpleTokenizerV2",
        ),
        Kind("char", "one id for each character of the text", "core.tokenizers.chars:CharTokenizer"),
        Kind("byte", "one id for each byte of UTF-8", "core.tokenizers.raw_bytes:ByteTokenizer", 256),
    )
}

_FILES = {"bpe": "core.tokenizers.bpe:BPETokenizer", "tiktoken": "core.tokenizers.openai:TiktokenTokenizer"}
"""The kinds of ``tokenizer.json`` beside those: byte-pair encodings with their whole vocabulary."""


def read_content(content: dict[str, Any], where: str) -> Tokenizer:
    """The tokenizer of the JSON of a ``tokenizer.json``, whatever its kind.

    Args:
        content: the JSON.
        where: the directory, for the error.

    Raises:
        TokenizerError: its kind is unknown, or the content is damaged.
    """
    homes = {**{name: kind.home for name, kind in KINDS.items()}, **_FILES}
    kind = content.get("kind")
    if not isinstance(kind, str) or kind not in homes:
        *most, last = homes
        raise TokenizerError(
            f"expected a tokenizer of kind {', '.join(most)} or {last} in {where}, got {kind!r}",
            "pip install --upgrade llm-lab",
        )
    made: Tokenizer = _load(homes[kind]).from_content(content)
    return made


def _load(home: str) -> Any:
    module, _, name = home.partition(":")
    return getattr(importlib.import_module(module), name)
