"""How text becomes numbers, and back."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from core.errors import TokenizerError, nearest
from core.tokenizers.base import Token, Tokenizer, read_file

if TYPE_CHECKING:
    from core.data.download import DownloadProgress

__all__ = [
    "TOKENIZERS",
    "Token",
    "Tokenizer",
    "fetch_tokenizer",
    "get_tokenizer",
    "load_tokenizer",
    "tokenizer_is_here",
]

TOKENIZERS: dict[str, str] = {
    "char": "one id for each character of the text",
    "gpt2": "GPT-2's byte-pair encoding, 50,257 tokens",
}
"""What ``get_tokenizer`` knows, each with what it is."""


def get_tokenizer(name: str, text: str | None = None) -> Tokenizer:
    """A tokenizer by name.

    Args:
        name: ``char`` or ``gpt2``.
        text: what a tokenizer that is made from a text (``char``) is made from.

    Raises:
        TokenizerError: no tokenizer has this name, or it needs a text and got none.
        DownloadError: its vocabulary is not here and could not be fetched.

    >>> get_tokenizer("char", "abc").encode("cab")
    [2, 0, 1]
    """
    _check(name)
    if name == "gpt2":
        from core.tokenizers.openai import gpt2

        return gpt2()
    from core.tokenizers.chars import CharTokenizer

    if text is None:
        raise TokenizerError(
            "the tokenizer char is made from a text, got none",
            'hand it one: get_tokenizer("char", text); a trained model brings its own: load_tokenizer(run_dir)',
        )
    return CharTokenizer.from_text(text)


def tokenizer_is_here(name: str) -> bool:
    """Whether ``get_tokenizer(name)`` needs no network."""
    _check(name)
    if name == "gpt2":
        from core.tokenizers.openai import gpt2_is_here

        return gpt2_is_here()
    return True


def fetch_tokenizer(name: str, cancelled: threading.Event | None = None) -> Iterator[DownloadProgress]:
    """Fetches what a tokenizer needs, if anything, saying how far it is."""
    if not tokenizer_is_here(name):
        from core.tokenizers.openai import fetch_gpt2

        yield from fetch_gpt2(cancelled)


def load_tokenizer(directory: str | os.PathLike[str]) -> Tokenizer:
    """Reads ``tokenizer.json`` of any kind from a directory (a run's, for one).

    Raises:
        TokenizerError: it is missing, damaged, or of an unknown kind.
    """
    content = read_file(directory)
    kind = content.get("kind")
    if kind == "char":
        from core.tokenizers.chars import CharTokenizer

        return CharTokenizer.from_content(content)
    if kind == "tiktoken":
        from core.tokenizers.openai import TiktokenTokenizer

        return TiktokenTokenizer.from_content(content)
    raise TokenizerError(
        f"expected a tokenizer of kind char or tiktoken in {os.fspath(directory)}, got {kind!r}",
        "pip install --upgrade llm-lab",
    )


def _check(name: str) -> None:
    if name not in TOKENIZERS:
        raise TokenizerError(
            f"no tokenizer is called {name!r}{nearest(name, TOKENIZERS)}", "there are: " + ", ".join(TOKENIZERS)
        )
