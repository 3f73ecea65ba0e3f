"""How text becomes numbers, and back."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from core.errors import TokenizerError, nearest
from core.tokenizers.base import Token, Tokenizer, read_file
from core.tokenizers.kinds import KINDS, read_content

if TYPE_CHECKING:
    from core.data.download import DownloadProgress
    from core.tokenizers.listing import TokenizerRef

__all__ = [
    "BPE",
    "NEEDS_TEXT",
    "TOKENIZERS",
    "Token",
    "Tokenizer",
    "check_tokenizer",
    "fetch_tokenizer",
    "get_tokenizer",
    "list_tokenizers",
    "load_tokenizer",
    "no_such_tokenizer",
    "tokenizer_is_here",
]

TOKENIZERS: dict[str, str] = {
    **{name: kind.note for name, kind in KINDS.items()},
    "gpt2": "GPT-2's byte-pair encoding, 50,257 tokens",
    "r50k_base": "GPT-2's under the name that GPT-3 gave it",
    "p50k_base": "that of OpenAI's first code models, with tokens for long runs of spaces",
    "cl100k_base": "GPT-3.5's and GPT-4's byte-pair encoding",
    "o200k_base": "GPT-4o's byte-pair encoding",
}
"""What ``get_tokenizer`` knows by name, each with what it is; ``bpe:PATH`` comes on top."""

NEEDS_TEXT = tuple(name for name, kind in KINDS.items() if kind.needs_text)
"""Those whose vocabulary is made from a text."""

BPE = "bpe:"
"""What the name of a byte-pair encoding in a file begins with."""


def get_tokenizer(name: str, text: str | None = None) -> Tokenizer:
    """A tokenizer by name.

    Args:
        name: one of ``TOKENIZERS``, or ``bpe:PATH``: a folder with a ``tokenizer.json`` or with OpenAI's pair
            ``encoder.json`` and ``vocab.bpe``, one of those files, a ``.tiktoken`` file, or the bare name of one that
            was trained here.
        text: what a tokenizer that is made from a text (``char``, ``words-v1``, ``words-v2``) is made from.

    Raises:
        TokenizerError: no tokenizer has this name, or it needs a text and got none.
        DownloadError: its vocabulary is not here and could not be fetched.

    >>> get_tokenizer("char", "abc").encode("cab")
    [2, 0, 1]
    """
    check_tokenizer(name)
    if name.startswith(BPE):
        from core.tokenizers.listing import bpe_path, open_bpe

        return open_bpe(bpe_path(name))
    if name in KINDS:
        return KINDS[name].make(text)
    from core.tokenizers.openai import openai_tokenizer

    return openai_tokenizer(name)


def tokenizer_is_here(name: str) -> bool:
    """Whether ``get_tokenizer(name)`` needs no network."""
    check_tokenizer(name)
    if name in KINDS or name.startswith(BPE):
        return True
    from core.tokenizers.vocabularies import find_vocabulary

    return find_vocabulary(name) is not None


def fetch_tokenizer(name: str, cancelled: threading.Event | None = None) -> Iterator[DownloadProgress]:
    """Fetches what a tokenizer needs, if anything, saying how far it is.

    Raises:
        DownloadError: it could not be fetched.
    """
    if not tokenizer_is_here(name):
        from core.tokenizers.vocabularies import fetch_vocabulary

        yield from fetch_vocabulary(name, cancelled)


def list_tokenizers() -> list[TokenizerRef]:
    """Every tokenizer that can be named here: those that need no file, the trained ones, OpenAI's, here or missing."""
    from core.tokenizers.listing import listing

    return listing()


def load_tokenizer(directory: str | os.PathLike[str]) -> Tokenizer:
    """Reads ``tokenizer.json`` of any kind from a directory (a run's, for one).

    Raises:
        TokenizerError: it is missing, damaged, or of an unknown kind.
    """
    return read_content(read_file(directory), os.fspath(directory))


def check_tokenizer(name: str) -> None:
    """Makes sure that ``get_tokenizer`` knows a name, without reading a vocabulary.

    Raises:
        TokenizerError: it does not; the hint lists what there is.
    """
    if name.startswith(BPE):
        from core.tokenizers.listing import bpe_path

        bpe_path(name)
    elif name not in TOKENIZERS:
        raise no_such_tokenizer(name)


def no_such_tokenizer(name: str, others: Iterable[str] = ()) -> TokenizerError:
    """The two lines for a tokenizer that means nothing here.

    Args:
        name: what was asked for.
        others: names that would have meant something beside those of tokenizers, such as those of models.
    """
    from core.tokenizers.listing import trained_names

    known = [*TOKENIZERS, *trained_names(), *others]
    return TokenizerError(
        f"no tokenizer is called {name!r}{nearest(name, known)}",
        "there are: " + ", ".join(TOKENIZERS) + "; or bpe:PATH for one from a file",
    )
