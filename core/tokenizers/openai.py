"""GPT-2's own tokenizer, run by tiktoken.

The vocabulary is read from the cache (in tiktoken's layout, so its files serve both) or fetched by our downloader.
Saved, it takes its whole vocabulary along, so a copied run needs neither. Leaves out: how byte-pair encoding works.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import threading
from collections.abc import Iterable, Iterator, Set
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from core.errors import DownloadError, TokenizerError
from core.folders import cache_dir
from core.tokenizers.base import Token, fingerprint_of, id_dtype, place_tokens, read_file, write_file

if TYPE_CHECKING:
    import numpy as np
    import tiktoken
    from numpy.typing import NDArray

    from core.data.download import DownloadProgress

END_OF_TEXT = "<|endoftext|>"

# As tiktoken_ext/openai_public.py has them: r50k_base is GPT-2's vocabulary, with the same ids, in one file of half the
# size of the pair vocab.bpe and encoder.json.
R50K_URL = "https://openaipublic.blob.core.windows.net/encodings/r50k_base.tiktoken"
R50K_SHA256 = "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930"
R50K_SIZE = 835_554
VOCAB_BPE_URL = "https://openaipublic.blob.core.windows.net/gpt-2/encodings/main/vocab.bpe"
VOCAB_BPE_SHA256 = "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5"
GPT2_PATTERN = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"""

# Text is encoded in stretches of about this many characters, so that a large corpus never stands in memory as a second
# and third copy. A lone space between two ASCII letters is always where GPT-2's pattern begins a new piece.
_STRETCH = 4_000_000
_SEAM = re.compile(r"(?<=[A-Za-z]) (?=[A-Za-z])")


class TiktokenTokenizer:
    """A byte-pair vocabulary of OpenAI's, with tiktoken doing the work."""

    def __init__(self, name: str, pattern: str, ranks: dict[bytes, int], special_tokens: dict[str, int]) -> None:
        """Takes the vocabulary itself.

        Args:
            name: what ``get_tokenizer`` calls it.
            pattern: the regular expression that cuts text into pieces before the merges.
            ranks: the id of each token's bytes.
            special_tokens: the ids of tokens that stand for no text.
        """
        import tiktoken

        self.name = name
        self._pattern = pattern
        self._ranks = ranks
        self._special = dict(special_tokens)
        self._encoding: tiktoken.Encoding = tiktoken.Encoding(
            name, pat_str=pattern, mergeable_ranks=ranks, special_tokens=self._special
        )

    @property
    def vocab_size(self) -> int:
        """How many ids there are, special tokens included."""
        return int(self._encoding.n_vocab)

    @property
    def special_tokens(self) -> dict[str, int]:
        """``<|endoftext|>`` and its id."""
        return dict(self._special)

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits of the vocabulary and the pattern."""
        return fingerprint_of(self._content())

    def encode(self, text: str, *, allowed_special: Literal["all"] | Set[str] = frozenset()) -> list[int]:
        """The ids of a text; ``<|endoftext|>`` is plain text unless it is allowed."""
        allowed = set(self._special) if allowed_special == "all" else set(allowed_special)
        return list(self._encoding.encode(text, allowed_special=allowed, disallowed_special=()))

    def encode_array(self, text: str) -> NDArray[np.unsignedinteger[Any]]:
        """The ids of a text as uint16 (uint32 above 65,536 entries); special tokens are plain text."""
        import numpy as np

        dtype = id_dtype(self.vocab_size)
        parts = [self._stretch(text[a:b]).astype(dtype) for a, b in _stretches(text)]
        return np.concatenate(parts) if parts else np.empty(0, dtype)

    def _stretch(self, text: str) -> NDArray[np.uint32]:
        try:
            ids = self._encoding.encode_to_numpy(text, disallowed_special=())
        except UnicodeEncodeError:  # half a surrogate pair: what encode() does in that case
            whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            ids = self._encoding.encode_to_numpy(whole, disallowed_special=())
        array: NDArray[np.uint32] = ids
        return array

    def decode(self, ids: Iterable[int]) -> str:
        """The text of some ids; bytes that are no UTF-8 show as U+FFFD.

        Raises:
            TokenizerError: an id is not in the vocabulary.
        """
        return b"".join(self._pieces([int(i) for i in ids])).decode("utf-8", "replace")

    def tokens(self, text: str) -> list[Token]:
        """The tokens of a text, each with its place."""
        ids = self.encode(text)
        return place_tokens(ids, self._pieces(ids))

    def _pieces(self, ids: list[int]) -> list[bytes]:
        try:
            return [self._encoding.decode_single_token_bytes(i) for i in ids]
        except (KeyError, OverflowError):
            known = self._by_id
            wrong = next(i for i in ids if i not in known)
            raise TokenizerError(
                f"expected ids from 0 to {self.vocab_size - 1:,}, got {wrong:,}",
                "decode with the tokenizer that the model was trained with",
            ) from None

    @cached_property
    def _by_id(self) -> frozenset[int]:
        return frozenset(self._ranks.values()) | frozenset(self._special.values())

    def save(self, directory: str | os.PathLike[str]) -> Path:
        """Writes ``tokenizer.json`` with the whole vocabulary."""
        return write_file(directory, self._content())

    @classmethod
    def load(cls, directory: str | os.PathLike[str]) -> TiktokenTokenizer:
        """Reads what ``save`` wrote.

        Raises:
            TokenizerError: it is missing, damaged, or of another kind.
        """
        return cls.from_content(read_file(directory))

    @classmethod
    def from_content(cls, content: dict[str, Any]) -> TiktokenTokenizer:
        """Builds it from the JSON of ``tokenizer.json``."""
        try:
            if content["kind"] != "tiktoken":
                raise ValueError(f"kind {content['kind']!r}")
            ranks = {base64.b64decode(token, validate=True): i for i, token in enumerate(content["tokens"])}
            special = {str(text): int(i) for text, i in content["special_tokens"].items()}
            if len(ranks) != len(content["tokens"]):
                raise ValueError("a token that stands twice")
            return cls(str(content["name"]), str(content["pattern"]), ranks, special)
        except (KeyError, TypeError, AttributeError, ValueError, binascii.Error) as error:
            raise TokenizerError(
                f"expected a tiktoken tokenizer with name, pattern, tokens and special_tokens, got {error}",
                "copy tokenizer.json from where the run was trained",
            ) from None

    def _content(self) -> dict[str, Any]:
        tokens = sorted(self._ranks, key=self._ranks.__getitem__)
        return {
            "kind": "tiktoken",
            "name": self.name,
            "pattern": self._pattern,
            "special_tokens": self._special,
            "tokens": [base64.b64encode(token).decode("ascii") for token in tokens],
        }


def _stretches(text: str) -> Iterator[tuple[int, int]]:
    """Cuts a text where no token can lie across the cut."""
    start = 0
    while start < len(text):
        seam = _SEAM.search(text, start + _STRETCH) if len(text) - start > _STRETCH else None
        end = seam.start() if seam else len(text)
        yield start, end
        start = end


def gpt2() -> TiktokenTokenizer:
    """GPT-2's tokenizer, from the cache or fetched into it.

    Raises:
        DownloadError: it is not here and could not be fetched.
    """
    return _gpt2_from(_find() or _fetched())


@lru_cache(maxsize=1)  # it is asked for often, and building it takes 70 ms
def _gpt2_from(path: Path) -> TiktokenTokenizer:
    data = path.read_bytes()
    ranks = _ranks_of_merges(data) if path.name == _cache_name(VOCAB_BPE_URL) else _ranks_of_tiktoken(data)
    return TiktokenTokenizer("gpt2", GPT2_PATTERN, ranks, {END_OF_TEXT: len(ranks)})


def gpt2_is_here() -> bool:
    """Whether GPT-2's vocabulary is in the cache, whole."""
    return _find() is not None


def fetch_gpt2(cancelled: threading.Event | None = None) -> Iterator[DownloadProgress]:
    """Fetches GPT-2's vocabulary into the cache, saying how far it is."""
    from core.data.download import download

    dest = cache_dir() / "tiktoken" / _cache_name(R50K_URL)
    try:
        yield from download(R50K_URL, dest, sha256=R50K_SHA256, size=R50K_SIZE, cancelled=cancelled)
    except DownloadError as error:
        raise DownloadError(error.title, f"{error.hint}; --tokenizer char needs no network") from error


def _fetched() -> Path:
    for _ in fetch_gpt2():
        pass
    return cache_dir() / "tiktoken" / _cache_name(R50K_URL)


def _find() -> Path | None:
    """The vocabulary's file in our cache or in tiktoken's own, if its hash is right."""
    folders = [cache_dir() / "tiktoken"]
    if tiktoken_cache := os.environ.get("TIKTOKEN_CACHE_DIR"):
        folders.append(Path(tiktoken_cache))
    for folder in folders:
        for url, sha256 in ((R50K_URL, R50K_SHA256), (VOCAB_BPE_URL, VOCAB_BPE_SHA256)):
            path = folder / _cache_name(url)
            if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
                return path
    return None


def _cache_name(url: str) -> str:
    return hashlib.sha1(url.encode(), usedforsecurity=False).hexdigest()


def _ranks_of_tiktoken(data: bytes) -> dict[bytes, int]:
    """The vocabulary in tiktoken's format: a token in base64 and its id on each line."""
    pairs = (line.split() for line in data.splitlines() if line)
    return {base64.b64decode(token): int(rank) for token, rank in pairs}


def _ranks_of_merges(data: bytes) -> dict[bytes, int]:
    """The vocabulary from GPT-2's ``vocab.bpe``: 256 bytes, then one new token for each merge, in order.

    The file shows each byte as a printable character: the printable ones as themselves, the other 68 from U+0100 on.
    """
    printable = [b for b in range(256) if chr(b).isprintable() and chr(b) != " "]
    order = printable + [b for b in range(256) if b not in set(printable)]
    shown = {chr(b) if i < len(printable) else chr(256 + i - len(printable)): b for i, b in enumerate(order)}
    ranks = {bytes([b]): i for i, b in enumerate(order)}
    for line in data.decode("utf-8").splitlines()[1:]:
        left, _, right = line.partition(" ")
        if right:
            ranks[bytes(shown[c] for c in left + right)] = len(ranks)
    return ranks
