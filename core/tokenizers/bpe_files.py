"""The files that byte-pair vocabularies come in: OpenAI's pair for GPT-2, and tiktoken's list of ranks.

`vocab.bpe` holds the merges in their order and `encoder.json` the id of every token; both show each byte as a printable
character. A `.tiktoken` file has a token in base64 and its rank, which is its id, on each line. Leaves out: our own
`tokenizer.json`, which holds everything in one file.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import TokenizerError
from core.files import write_bytes_atomic
from core.tokenizers.vocabularies import BYTE_SHOWN_AS, SHOWN, VOCABULARIES, Vocabulary

if TYPE_CHECKING:
    from core.tokenizers.bpe import BPETokenizer

ENCODER_JSON, VOCAB_BPE = "encoder.json", "vocab.bpe"
_PAIRS = ((ENCODER_JSON, VOCAB_BPE), ("vocab.json", "merges.txt"))  # OpenAI's names, and Hugging Face's for the same

_SPECIAL = re.compile(r"<.+>|\[.+\]", re.DOTALL)
_WHOLE = "fetch or copy the files again, both from the same place"


def shown(token: bytes) -> str:
    """A token as these files write it.

    >>> shown(b" the")
    'Ġthe'
    """
    return "".join(map(SHOWN.__getitem__, token))


def open_bpe(path: str | os.PathLike[str]) -> BPETokenizer:
    """A byte-pair tokenizer from whatever it lies in.

    Args:
        path: a folder with ``tokenizer.json`` or with OpenAI's pair (under its names or Hugging Face's), or such a file
            itself, or a ``.tiktoken`` file.

    Raises:
        TokenizerError: nothing of the kind is there, or it is damaged.
    """
    from core.tokenizers.bpe import BPETokenizer

    place = Path(path)
    if place.suffix == ".tiktoken":
        return BPETokenizer.from_tiktoken_ranks(place)
    for pair in _PAIRS:
        if place.name in pair:
            return BPETokenizer.from_openai_files(place.parent / pair[0], place.parent / pair[1])
    if place.is_dir() and not (place / "tokenizer.json").exists():
        for ids, merges in _PAIRS:
            if (place / ids).exists() or (place / merges).exists():
                return BPETokenizer.from_openai_files(place / ids, place / merges)
        ranks = sorted(place.glob("*.tiktoken"))
        if len(ranks) == 1:
            return BPETokenizer.from_tiktoken_ranks(ranks[0])
        raise TokenizerError(
            f"expected tokenizer.json, or encoder.json and vocab.bpe, in {place}, found neither",
            "llm-lab train-tokenizer CORPUS -o DIR makes one",
        )
    return BPETokenizer.load(place)


def read_openai(encoder_json: Path, vocab_bpe: Path) -> tuple[dict[bytes, int], dict[str, int]]:
    """The ranks and the special tokens of OpenAI's pair.

    Raises:
        TokenizerError: one of them is missing, damaged or something else, or they do not belong together.
    """
    ids = _read_encoder(encoder_json)
    merges = _read_merges(vocab_bpe)
    return join_pair(ids, merges, encoder_json, vocab_bpe)


def read_tiktoken(path: Path) -> dict[bytes, int]:
    """The ranks in a file of tiktoken's.

    Raises:
        TokenizerError: it is missing, damaged or something else.
    """
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(_read(path).split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            encoded, rank = line.split()
            token = base64.b64decode(encoded, validate=True)
            value = int(rank)
        except (ValueError, binascii.Error):
            raise TokenizerError(
                f"expected a token in base64 and its rank in line {number:,} of {path}, got {_short(line)}",
                "the file is cut off or of another kind: fetch or copy it again",
            ) from None
        if token in ranks:
            raise TokenizerError(f"{path} has the token {token!r} twice, in line {number:,} again", _WHOLE)
        ranks[token] = value
    return ranks


def published(path: Path) -> Vocabulary | None:
    """Which of OpenAI's vocabularies a file of tiktoken's is, whatever its name."""
    digest = hashlib.sha256(_read(path)).hexdigest()
    return next((known for known in VOCABULARIES.values() if known.sha256 == digest), None)


def write_openai(
    folder: Path, ranks: dict[bytes, int], special: dict[str, int], merges: list[tuple[bytes, bytes]]
) -> None:
    """Writes the pair into a folder; first the merges, then the ids."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["#version: 0.2", *(f"{shown(left)} {shown(right)}" for left, right in merges)]
    write_bytes_atomic(folder / VOCAB_BPE, ("\n".join(lines) + "\n").encode())
    ids = {shown(token): rank for token, rank in sorted(ranks.items(), key=lambda item: item[1])} | special
    write_bytes_atomic(folder / ENCODER_JSON, json.dumps(ids).encode())


def write_tiktoken(path: Path, ranks: dict[bytes, int]) -> None:
    """Writes the ranks as tiktoken reads them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [base64.b64encode(token) + b" %d\n" % rank for token, rank in sorted(ranks.items(), key=lambda i: i[1])]
    write_bytes_atomic(path, b"".join(lines))


def _read_encoder(path: Path) -> dict[str, int]:
    try:
        ids = json.loads(_read(path))
    except (ValueError, RecursionError) as error:
        raise TokenizerError(
            f"expected JSON with the id of each token in {path}, got damage: {error}", _WHOLE
        ) from None
    if not isinstance(ids, dict) or not all(type(i) is int and i >= 0 for i in ids.values()):
        raise TokenizerError(f"expected a JSON object of tokens and their ids in {path}, got something else", _WHOLE)
    if len(set(ids.values())) < len(ids):
        seen: dict[int, str] = {}
        first, second, twice = next((seen[i], t, i) for t, i in ids.items() if seen.setdefault(i, t) != t)
        raise TokenizerError(f"{path} gives the id {twice:,} to both {first!r} and {second!r}", _WHOLE)
    return ids


def _read_merges(path: Path) -> list[tuple[str, str]]:
    try:
        lines = _read(path).decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise TokenizerError(f"expected merges in UTF-8 in {path}, got binary data: {error.reason}", _WHOLE) from None
    merges = []
    for number, line in enumerate(lines, 1):
        line = line.rstrip("\r")
        if not line or (number == 1 and line.startswith("#version")):
            continue
        left, _, right = line.partition(" ")
        if not left or not right or not BYTE_SHOWN_AS.keys() >= set(left + right):
            raise TokenizerError(
                f"expected two tokens in line {number:,} of {path}, got {_short(line.encode())}",
                "the file is cut off or of another kind: fetch or copy it again",
            )
        merges.append((left, right))
    return merges


def join_pair(
    ids: dict[str, int], merges: list[tuple[str, str]], encoder_json: Path, vocab_bpe: Path
) -> tuple[dict[bytes, int], dict[str, int]]:
    """Holds the two against each other: every merge is of tokens made before it, and every token comes of a merge."""
    if missing := [byte for byte in range(256) if SHOWN[byte] not in ids]:
        raise TokenizerError(
            f"expected all 256 bytes in {encoder_json}, {len(missing)} are missing, first {SHOWN[missing[0]]!r}", _WHOLE
        )
    made = set(BYTE_SHOWN_AS)
    all_made = made | {left + right for left, right in merges}
    last = -1
    for number, (left, right) in enumerate(merges, 1):
        token = left + right
        for part in (left, right):
            if part not in made:
                when = "only later (a cycle)" if part in all_made else "nowhere (a gap)"
                raise TokenizerError(f"merge {number:,} of {vocab_bpe} takes {part!r}, which is made {when}", _WHOLE)
        if token in made:
            raise TokenizerError(f"merge {number:,} of {vocab_bpe} makes {token!r}, which is there already", _WHOLE)
        if token not in ids:
            raise TokenizerError(
                f"merge {number:,} of {vocab_bpe} makes {token!r}, which has no id in {encoder_json.name}", _WHOLE
            )
        if ids[token] <= last:
            raise TokenizerError(
                f"merge {number:,} of {vocab_bpe} makes {token!r} with id {ids[token]:,}, after one with id {last:,}: "
                f"expected ids in the order of the merges",
                _WHOLE,
            )
        made.add(token)
        last = ids[token]
    special = {token: i for token, i in ids.items() if token not in made}
    if strange := [token for token in special if not _SPECIAL.fullmatch(token)]:
        raise TokenizerError(
            f"{encoder_json} has {len(strange):,} tokens that {vocab_bpe.name} does not make, first {strange[0]!r}",
            _WHOLE,
        )
    return {bytes(map(BYTE_SHOWN_AS.__getitem__, token)): ids[token] for token in ids if token not in special}, special


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise TokenizerError(f"expected a vocabulary at {path}, found none", "look at the name of the file") from None
    except OSError as error:
        raise TokenizerError(f"{path} cannot be read: {error.strerror or error}", "look at its permissions") from None


def _short(line: bytes) -> str:
    text = line[:40].decode("utf-8", "replace")
    return repr(text) + ("..." if len(line) > 40 else "")
