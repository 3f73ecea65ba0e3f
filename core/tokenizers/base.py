"""What every tokenizer can do, and the self-contained file that each is saved in.

A tokenizer turns text into ids and back, and shows where each token lies in the text, in characters and in bytes.
Leaves out: how any of them cuts the text; each kind has its own file.
"""

from __future__ import annotations

import builtins
import hashlib
import json
import os
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from core.errors import TokenizerError
from core.files import write_bytes_atomic

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FILE_NAME = "tokenizer.json"
"""The file in a run's directory, whatever the kind of tokenizer."""

FORMAT = 1
"""Version of that file; a reader refuses a newer one."""


@dataclass(frozen=True, slots=True)
class Token:
    """One token in its place.

    A token may hold a part of a character (GPT-2 cuts an emoji into several): ``text`` then shows U+FFFD, and the
    character span covers every character of which the token holds a byte, so neighbours may share one.
    """

    id: int
    bytes: builtins.bytes
    text: str
    char_start: int
    char_end: int
    byte_start: int
    byte_end: int


class Tokenizer(Protocol):
    """The protocol of all tokenizers."""

    @property
    def name(self) -> str:
        """What ``get_tokenizer`` calls it."""
        ...

    @property
    def vocab_size(self) -> int:
        """How many ids there are, special tokens included."""
        ...

    @property
    def special_tokens(self) -> dict[str, int]:
        """Tokens that stand for no text, such as ``<|endoftext|>``."""
        ...

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits; equal exactly when two tokenizers give the same ids."""
        ...

    def encode(self, text: str, *, allowed_special: Literal["all"] | Set[str] = frozenset()) -> list[int]:
        """The ids of a text; special tokens are read as plain text unless they are allowed."""
        ...

    def encode_array(self, text: str) -> NDArray[np.unsignedinteger[Any]]:
        """The ids of a text as a compact array, the fast way for a whole corpus."""
        ...

    def decode(self, ids: Iterable[int]) -> str:
        """The text of some ids."""
        ...

    def tokens(self, text: str) -> list[Token]:
        """The tokens of a text, each with its place in it."""
        ...

    def save(self, directory: str | os.PathLike[str]) -> Path:
        """Writes ``tokenizer.json`` into a directory; it needs nothing else to be loaded again."""
        ...


def id_dtype(vocab_size: int) -> type[np.uint16] | type[np.uint32]:
    """The smallest of the two types that holds every id of a vocabulary."""
    import numpy as np

    return np.uint16 if vocab_size <= 1 << 16 else np.uint32


def place_tokens(ids: Sequence[int], pieces: Sequence[bytes]) -> list[Token]:
    """Gives each token its span in characters and bytes.

    Args:
        ids: one id for each piece.
        pieces: the bytes of each token; together they are the UTF-8 of the text.

    >>> [(t.char_start, t.char_end, t.byte_start, t.byte_end) for t in place_tokens([0, 1], [b"a\\xc3", b"\\xa9"])]
    [(0, 2, 0, 2), (1, 2, 2, 3)]
    """
    placed = []
    byte_start = chars = 0  # chars: characters that have begun before this token
    for token_id, piece in zip(ids, pieces, strict=True):
        begun = sum((byte & 0xC0) != 0x80 for byte in piece)
        continues = bool(piece) and (piece[0] & 0xC0) == 0x80
        start = chars - 1 if continues else chars
        chars += begun
        byte_end = byte_start + len(piece)
        text = piece.decode("utf-8", "replace")
        placed.append(Token(token_id, piece, text, start, chars, byte_start, byte_end))
        byte_start = byte_end
    return placed


def fingerprint_of(content: dict[str, Any]) -> str:
    """Sixteen digits of the SHA-256 of what decides a tokenizer's ids."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()[:16]


def write_file(directory: str | os.PathLike[str], content: dict[str, Any]) -> Path:
    """Writes ``tokenizer.json``, beside its name first and then renamed into place; returns its path.

    Raises:
        DiskFullError: no space is left; what was there stays.
    """
    target = Path(directory) / FILE_NAME
    target.parent.mkdir(parents=True, exist_ok=True)
    write_bytes_atomic(target, json.dumps({"format": FORMAT, **content}).encode("ascii"))
    return target


def read_file(directory: str | os.PathLike[str]) -> dict[str, Any]:
    """Reads ``tokenizer.json`` (of a directory, or named itself).

    Raises:
        TokenizerError: it is missing, damaged, or of a newer format.
    """
    path = Path(directory)
    if path.name != FILE_NAME:
        path = path / FILE_NAME
    again = "copy it from where the run was trained, or train again"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TokenizerError(f"expected a tokenizer at {path}, found none", again) from None
    except OSError as error:
        raise TokenizerError(f"{path} cannot be read: {error.strerror or error}", "look at its permissions") from None
    except ValueError as error:
        raise TokenizerError(f"{path} is damaged: {error}", again) from None
    if not isinstance(content, dict) or not isinstance(content.get("format"), int):
        raise TokenizerError(f"{path} is not a tokenizer of llm-lab", again)
    if content["format"] > FORMAT:
        raise TokenizerError(
            f"{path} has format {content['format']}, this version reads up to {FORMAT}", "pip install --upgrade llm-lab"
        )
    return content
