"""Where OpenAI's published vocabularies are, at their source and in the cache, and how their files are read.

The cache has tiktoken's layout (a file's name is the SHA-1 of its address), so that its files serve both. Leaves out:
the tokenizers made of them (``openai.py``).
"""

from __future__ import annotations

import base64
import hashlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import DownloadError
from core.folders import cache_dir
from core.tokenizers.base import END_OF_TEXT

if TYPE_CHECKING:
    from core.data.download import DownloadProgress

_HOST = "https://openaipublic.blob.core.windows.net"
VOCAB_BPE_URL = f"{_HOST}/gpt-2/encodings/main/vocab.bpe"
VOCAB_BPE_SHA256 = "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5"
GPT2_PATTERN = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"""
CL100K_PATTERN = (
    r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]"""
    r"""|\s+(?!\S)|\s"""
)
O200K_PATTERN = "|".join(
    (
        r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?""",
        r"""[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?""",
        r"""\p{N}{1,3}""",
        r""" ?[^\s\p{L}\p{N}]+[\r\n/]*""",
        r"""\s*[\r\n]+""",
        r"""\s+(?!\S)""",
        r"""\s+""",
    )
)

_PRINTABLE = [b for b in range(256) if chr(b).isprintable() and chr(b) != " "]
PRINTABLE_FIRST = _PRINTABLE + [b for b in range(256) if b not in set(_PRINTABLE)]
"""The bytes in the order of GPT-2's ids, so that everything that reads its files reads ours."""

SHOWN = {b: chr(b) if i < len(_PRINTABLE) else chr(256 + i - len(_PRINTABLE)) for i, b in enumerate(PRINTABLE_FIRST)}
"""Each byte as its files show it, as a printable character: most as themselves, the other 68 from U+0100 on."""

BYTE_SHOWN_AS = {character: byte for byte, character in SHOWN.items()}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Where one of OpenAI's vocabularies is, and what makes a tokenizer of it."""

    file: str
    """Its file at OpenAI's, in tiktoken's format."""
    sha256: str
    pattern: str
    special_tokens: dict[str, int]
    vocab_size: int
    size: int | None = None
    """Bytes of the file, where known."""

    @property
    def url(self) -> str:
        """Where the file is fetched from."""
        return f"{_HOST}/encodings/{self.file}"

    @property
    def place(self) -> Path:
        """Where it lies in the cache, under the name that tiktoken gives it."""
        return cache_dir() / "tiktoken" / _cache_name(self.url)


# As tiktoken_ext/openai_public.py has them: r50k_base is GPT-2's vocabulary, with the same ids, in one file of half the
# size of the pair vocab.bpe and encoder.json.
_R50K = Vocabulary(
    "r50k_base.tiktoken",
    "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930",
    GPT2_PATTERN,
    {END_OF_TEXT: 50256},
    50257,
    835_554,
)
VOCABULARIES: dict[str, Vocabulary] = {
    "gpt2": _R50K,
    "r50k_base": _R50K,
    "p50k_base": Vocabulary(
        "p50k_base.tiktoken",
        "94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069",
        GPT2_PATTERN,
        {END_OF_TEXT: 50256},
        50281,
    ),
    "cl100k_base": Vocabulary(
        "cl100k_base.tiktoken",
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
        CL100K_PATTERN,
        {
            END_OF_TEXT: 100257,
            "<|fim_prefix|>": 100258,
            "<|fim_middle|>": 100259,
            "<|fim_suffix|>": 100260,
            "<|endofprompt|>": 100276,
        },
        100277,
    ),
    "o200k_base": Vocabulary(
        "o200k_base.tiktoken",
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
        O200K_PATTERN,
        {END_OF_TEXT: 199999, "<|endofprompt|>": 200018},
        200019,
    ),
}
"""OpenAI's vocabularies by the names that tiktoken gives them."""


def find_vocabulary(name: str) -> Path | None:
    """The file of a vocabulary in our cache or in tiktoken's own, if its hash is right."""
    vocabulary = VOCABULARIES[name]
    folders = [cache_dir() / "tiktoken"]
    if tiktoken_cache := os.environ.get("TIKTOKEN_CACHE_DIR"):
        folders.append(Path(tiktoken_cache))
    files = [(vocabulary.url, vocabulary.sha256)]
    if vocabulary is VOCABULARIES["gpt2"]:
        files.append((VOCAB_BPE_URL, VOCAB_BPE_SHA256))
    for folder in folders:
        for url, sha256 in files:
            path = folder / _cache_name(url)
            try:
                stat = path.stat()
                if _sha256(path, stat.st_size, stat.st_mtime_ns) == sha256:
                    return path
            except OSError:
                continue
    return None


@lru_cache(maxsize=16)  # every list of tokenizers asks anew for what rarely changes
def _sha256(path: Path, size: int, changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fetch_vocabulary(name: str, cancelled: threading.Event | None = None) -> Iterator[DownloadProgress]:
    """Fetches a vocabulary into the cache, from a mirror (LLM_LAB_MIRROR) or its source, saying how far it is.

    Raises:
        DownloadError: it could not be fetched; says which file goes where, and what works offline.
        DiskFullError: no space is left.
        InputError: LLM_LAB_MIRROR holds no addresses.
    """
    from core.data.partfile import UnwritableError
    from core.data.pull_catalogue import vocabulary_file
    from core.data.pull_mirrors import download_from_any

    vocabulary = VOCABULARIES[name]
    try:
        yield from download_from_any(vocabulary_file(vocabulary), cancelled)
    except UnwritableError:
        raise
    except DownloadError as error:
        raise DownloadError(
            f"{name} needs {vocabulary.file}: {error.title}",
            f"put {vocabulary.url} at {vocabulary.place}, or take one that works offline: char, byte, "
            "words-v1, words-v2 or bpe:PATH",
        ) from error


def _cache_name(url: str) -> str:
    return hashlib.sha1(url.encode(), usedforsecurity=False).hexdigest()


def _ranks_of_tiktoken(data: bytes) -> dict[bytes, int]:
    """The vocabulary in tiktoken's format: a token in base64 and its id on each line."""
    pairs = (line.split() for line in data.splitlines() if line)
    return {base64.b64decode(token): int(rank) for token, rank in pairs}


def _ranks_of_merges(data: bytes) -> dict[bytes, int]:
    """The vocabulary from GPT-2's ``vocab.bpe``: 256 bytes, then one new token for each merge, in order."""
    ranks = {bytes([b]): i for i, b in enumerate(PRINTABLE_FIRST)}
    for line in data.decode("utf-8").splitlines()[1:]:
        left, _, right = line.partition(" ")
        if right:
            ranks[bytes(BYTE_SHOWN_AS[c] for c in left + right)] = len(ranks)
    return ranks


def read_ranks(path: Path) -> dict[bytes, int]:
    """The id of each token's bytes from a file that ``find_vocabulary`` found."""
    data = path.read_bytes()
    return _ranks_of_merges(data) if path.name == _cache_name(VOCAB_BPE_URL) else _ranks_of_tiktoken(data)
