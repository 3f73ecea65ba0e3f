"""What every tokenizer can do, and the self-contained file that each is saved in.

A tokenizer turns text into ids and back, and shows where each token lies in the text, in characters and in bytes.
Leaves out: how any of them cuts the text; each kind has its own file.
"""

from __future__ import annotations

import builtins
import hashlib
import json
import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from functools import partial
from itertools import accumulate, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, runtime_checkable

from core.errors import TokenizerError
from core.files import write_bytes_atomic

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FILE_NAME = "tokenizer.json"
"""The file in a run's directory, whatever the kind of tokenizer."""

FORMAT = 1
"""Version of that file; a reader refuses a newer one."""

END_OF_TEXT = "<|endoftext|>"
"""The special token that stands between two documents."""

UNKNOWN = -1
"""The id of a piece for which a tokenizer has none, where such pieces are shown and not refused."""

LETTERS = "A-Za-z\u03b1-\u03c9\u0410-\u044f\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fa5\uac00-\ud7a3"
"""Characters that every tokenizer takes for letters, for a class of a regular expression."""

SEAM = re.compile(f"(?<=[{LETTERS}])[ ,\\n](?=[{LETTERS}])")
"""Where tokenizers that have seams are certain to begin a new token: a text may be cut there and its parts encoded."""

Allowed = Literal["all"] | Set[str]
Disallowed = Literal["all"] | Collection[str]


class Token(NamedTuple):
    """One token in its place.

    A token may hold a part of a character (GPT-2 cuts an emoji into several): ``text`` then shows U+FFFD, and the
    character span covers every character of which the token holds a byte, so neighbours may share one.
    """

    id: int
    bytes: builtins.bytes
    char_start: int
    char_end: int
    byte_start: int
    byte_end: int

    @property
    def text(self) -> str:
        """Its bytes as text; bytes that are no UTF-8 show as U+FFFD."""
        return self.bytes.decode("utf-8", "replace")

    def moved(self, chars: int, size: int) -> Token:
        """The same token so many characters and bytes further on."""
        return Token(
            self.id,
            self.bytes,
            self.char_start + chars,
            self.char_end + chars,
            self.byte_start + size,
            self.byte_end + size,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; bytes in hexadecimal.

        >>> Token(5, b"a", 0, 1, 0, 1).to_dict()
        {'id': 5, 'text': 'a', 'bytes': '61', 'chars': [0, 1], 'byte_span': [0, 1]}
        """
        return {
            "id": self.id,
            "text": self.text,
            "bytes": self.bytes.hex(),
            "chars": [self.char_start, self.char_end],
            "byte_span": [self.byte_start, self.byte_end],
        }


class Tokenizer(Protocol):
    """The protocol of all tokenizers."""

    @property
    def name(self) -> str:
        """What ``get_tokenizer`` calls it."""
        ...

    @property
    def vocab_size(self) -> int:
        """One more than the largest id, special tokens included."""
        ...

    @property
    def has_seams(self) -> bool:
        """Whether a text may be cut at every ``SEAM``, and its parts encoded by themselves."""
        ...

    @property
    def special_tokens(self) -> dict[str, int]:
        """Tokens that stand for no text, such as ``<|endoftext|>``."""
        ...

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits; equal exactly when two tokenizers give the same ids."""
        ...

    def encode(
        self, text: str, *, allowed_special: Allowed = frozenset(), disallowed_special: Disallowed = "all"
    ) -> list[int]:
        """The ids of a text, with special tokens treated as tiktoken does.

        Args:
            text: what is encoded.
            allowed_special: the special tokens whose text becomes their id; ``"all"``: all of them.
            disallowed_special: those whose text is an error; ``"all"``: all that are not allowed; ``()``: none, so
                that what is not allowed is plain text.

        Raises:
            TokenizerError: the text of a special token stands in it, or something that has no id.
        """
        ...

    def encode_array(self, text: str) -> NDArray[np.unsignedinteger[Any]]:
        """The ids of a text as a compact array, the fast way for a whole corpus; special tokens are plain text."""
        ...

    def decode(self, ids: Iterable[int]) -> str:
        """The text of some ids.

        Raises:
            TokenizerError: an id is not in the vocabulary.
        """
        ...

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes of one token; a special token's are its text in UTF-8.

        Raises:
            TokenizerError: the id is not in the vocabulary.
        """
        ...

    def tokens(self, text: str) -> list[Token]:
        """The tokens of a text, each with its place in it; special tokens are plain text."""
        ...

    def save(self, directory: str | os.PathLike[str]) -> Path:
        """Writes ``tokenizer.json`` into a directory; it needs nothing else to be loaded again."""
        ...

    @classmethod
    def load(cls, directory: str | os.PathLike[str]) -> Tokenizer:
        """Reads what ``save`` wrote; ``load_tokenizer`` does so whatever the kind.

        Raises:
            TokenizerError: it is missing, damaged, or of another kind.
        """
        ...


@runtime_checkable
class Gapped(Protocol):
    """A tokenizer that has no id of its own for some pieces of a text: those made from another text."""

    def tokens_marked(self, text: str, limit: int | None = None) -> list[Token]:
        """As ``tokens``, or the first ``limit`` of them; a piece without an id is no error."""
        ...

    def count(self, text: str) -> int:
        """How many tokens the text has, unknown ones included."""
        ...

    def unknown_in(self, text: str) -> dict[str, int]:
        """The pieces that have no id of their own, in the order of the text, and how often each stands there."""
        ...


def id_dtype(vocab_size: int) -> type[np.uint16] | type[np.uint32]:
    """The smallest of the two types that holds every id of a vocabulary."""
    import numpy as np

    return np.uint16 if vocab_size <= 1 << 16 else np.uint32


_CONTINUATION = bytes(range(0x80, 0xC0))  # the bytes of UTF-8 with which no character begins


def place_tokens(ids: Sequence[int], pieces: Sequence[bytes]) -> list[Token]:
    """Gives each token its span in characters and bytes.

    Args:
        ids: one id for each piece.
        pieces: the bytes of each token; together they are the UTF-8 of the text.

    >>> [(t.char_start, t.char_end, t.byte_start, t.byte_end) for t in place_tokens([0, 1], [b"a\\xc3", b"\\xa9"])]
    [(0, 2, 0, 2), (1, 2, 2, 3)]
    """
    byte_ends = list(accumulate(map(len, pieces)))
    byte_starts = [0, *byte_ends[:-1]]
    char_starts, char_ends = byte_starts, byte_ends
    if not all(map(bytes.isascii, pieces)):
        # A token ends behind every character that has begun, and starts at the one whose rest it begins with.
        char_ends = list(accumulate([len(piece.translate(None, _CONTINUATION)) for piece in pieces]))
        rest = [bool(piece) and 0x80 <= piece[0] < 0xC0 for piece in pieces]
        char_starts = [begun - r for begun, r in zip([0, *char_ends[:-1]], rest, strict=True)]
    rows = zip(ids, pieces, char_starts, char_ends, byte_starts, byte_ends, strict=False)
    assert len(ids) == len(pieces)
    made = map(_new_token, rows)
    tokens: list[Token] = []
    while some := list(islice(made, 2_000)):  # in one call, it would hold up every other thread
        tokens += some
    return tokens


_new_token = partial(tuple.__new__, Token)  # half a million tokens of a long text: without __new__'s argument parsing


def utf8(text: str) -> bytes:
    """A text in UTF-8, which has no place for half a surrogate pair.

    Raises:
        TokenizerError: there is one; the title names it and its place.
    """
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise TokenizerError(
            f"expected a text, got half a surrogate pair (U+{ord(text[error.start]):04X}) at character {error.start:,}",
            'mend it first: text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")',
        ) from None


def split_special(
    text: str, special_tokens: dict[str, int], allowed_special: Allowed, disallowed_special: Disallowed
) -> Iterator[str | int]:
    """The plain stretches of a text and the ids of the special tokens between them, in order; as tiktoken does it.

    >>> list(split_special("a<|x|>b", {"<|x|>": 9}, "all", "all"))
    ['a', 9, 'b']

    Raises:
        TokenizerError: the text of a disallowed special token stands in it.
    """
    allowed = set(special_tokens) if allowed_special == "all" else set(allowed_special)
    disallowed = set(special_tokens) - allowed if disallowed_special == "all" else set(disallowed_special)
    if disallowed and (found := any_of(disallowed).search(text)):
        raise TokenizerError(
            f"the text of the special token {found[0]} stands at character {found.start():,}",
            "say what it means: allowed_special (--allowed-special) makes it that token, "
            "disallowed_special=() (--plain-special) plain text",
        )
    allowed &= special_tokens.keys()
    at = 0
    for found in any_of(allowed).finditer(text) if allowed else ():
        if found.start() > at:
            yield text[at : found.start()]
        yield special_tokens[found[0]]
        at = found.end()
    if at < len(text):
        yield text[at:]


def any_of(words: Set[str]) -> re.Pattern[str]:
    """What finds any of some texts, the longer ones first where one begins with another."""
    return re.compile("|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)))


def not_an_id(wrong: int, vocab_size: int) -> TokenizerError:
    """The error for an id that is not in a vocabulary."""
    if 0 <= wrong < vocab_size:
        return TokenizerError(f"no token has the id {wrong:,} in this vocabulary", "ids in between are left free in it")
    return TokenizerError(
        f"expected ids from 0 to {vocab_size - 1:,}, got {wrong:,}",
        "decode with the tokenizer that the model was trained with",
    )


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
    if path.name != FILE_NAME and not path.is_file():
        path = path / FILE_NAME
    again = "copy it from where the run was trained, or train again"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TokenizerError(f"expected a tokenizer at {path}, found none", again) from None
    except OSError as error:
        raise TokenizerError(f"{path} cannot be read: {error.strerror or error}", "look at its permissions") from None
    except (ValueError, RecursionError) as error:
        raise TokenizerError(f"{path} is damaged: {error}", again) from None
    if isinstance(content, dict) and isinstance(content.get("model"), dict):
        raise TokenizerError(
            f"{path} is a tokenizer of Hugging Face's, which is not read here",
            "save its vocab.json and merges.txt: Tokenizer.from_file(path).model.save(folder), and name that folder",
        )
    if not isinstance(content, dict) or type(content.get("format")) is not int:
        raise TokenizerError(f"{path} is not a tokenizer of llm-lab", again)
    if content["format"] > FORMAT:
        raise TokenizerError(
            f"{path} has format {content['format']}, this version reads up to {FORMAT}", "pip install --upgrade llm-lab"
        )
    return content


def expect_kind(content: dict[str, Any], kind: str) -> None:
    """Makes sure that the JSON of a ``tokenizer.json`` is of one kind.

    Raises:
        TokenizerError: it is of another.
    """
    if content.get("kind") != kind:
        raise TokenizerError(
            f"expected a {kind} tokenizer, got kind {content.get('kind')!r}", "load it with load_tokenizer(directory)"
        )
