"""A corpus as ids, encoded once and then memory-mapped.

The file ``ids/SHA256-FINGERPRINT.npy`` in the cache is an ordinary numpy array (readable by ``numpy.load``) with the
CRC-32 of its ids behind it; the name says which text and which tokenizer. A cache that cannot be written costs speed at
the next start, never the run.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from core.errors import CorpusError, LabError
from core.files import Beside, write_error
from core.folders import cache_dir
from core.tokenizers.base import SEAM, id_dtype

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.data.corpora import Corpus
    from core.tokenizers.base import Tokenizer

_CRC_BYTES = 4
_STRETCH = 4_000_000  # characters of a large file that are encoded at a time


def encode_corpus(corpus: Corpus, tokenizer: Tokenizer, cache: Path | None = None) -> NDArray[np.integer[Any]]:
    """The ids of a corpus, memory-mapped where the cache can be written.

    Args:
        corpus: the text and its hash.
        tokenizer: what turns it into ids.
        cache: the cache folder, in which ``ids/`` is made; left out, this machine's.

    Returns:
        (N,) uint16, or uint32 for a vocabulary above 65,536; read-only.

    Raises:
        TokenizerError: the tokenizer cannot encode this text.
    """
    folder = cache_dir() if cache is None else cache
    path = folder / "ids" / f"{corpus.sha256}-{tokenizer.fingerprint}.npy"
    if (known := _mapped(path, tokenizer.vocab_size)) is not None:
        return known
    ids = tokenizer.encode_array(corpus.text)
    _write(path, ids)
    if (written := _mapped(path, tokenizer.vocab_size)) is not None:
        return written
    ids.flags.writeable = False
    return ids


def encode_file(path: Path, tokenizer: Tokenizer, cache: Path | None = None) -> NDArray[np.integer[Any]]:
    """The ids of a text file that may be larger than memory: read, encoded and written a stretch at a time.

    The file of ids is the one that ``encode_corpus`` would make. A tokenizer whose pieces may lie across any place
    (``has_seams`` says whether) reads the whole text at once.

    Args:
        path: a UTF-8 text.
        tokenizer: what turns it into ids; none that is made from this text.
        cache: the cache folder; left out, this machine's.

    Returns:
        (N,) uint16, or uint32 for a vocabulary above 65,536; memory-mapped, read-only.

    Raises:
        CorpusError: it is no UTF-8, or cannot be read.
        TokenizerError: the tokenizer cannot encode this text.
        LabError: the ids cannot be written.
    """
    folder = cache_dir() if cache is None else cache
    digest, size = hashlib.sha256(), 0
    for text in _stretches(path, seams=False):
        digest.update(text.encode())
        size += len(text)
    if not size:
        raise CorpusError(f"expected a text, {path} is empty", "give a file with some text in it")
    target = folder / "ids" / f"{digest.hexdigest()}-{tokenizer.fingerprint}.npy"
    if (known := _mapped(target, tokenizer.vocab_size)) is None:
        texts = _stretches(path, seams=True) if tokenizer.has_seams else iter(["".join(_stretches(path, seams=False))])
        _write_stretches(target, (tokenizer.encode_array(text) for text in texts), id_dtype(tokenizer.vocab_size))
        known = _mapped(target, tokenizer.vocab_size)
    if known is None:
        raise LabError(f"{target} was written and cannot be read back", "look at the disk of the cache folder")
    return known


def _stretches(path: Path, *, seams: bool) -> Iterator[str]:
    """A text a few million characters at a time, with ``seams`` cut where no token lies across."""
    kept, seen = "", 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            while text := file.read(_STRETCH):
                seen += len(text)
                kept += text
                cut = _last_seam(kept) if seams else len(kept)
                if cut:
                    yield kept[:cut]
                    kept = kept[cut:]
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"expected UTF-8, {path} has 0x{error.object[error.start]:02x} after character {seen:,}",
            f"if it is an older encoding, convert it: iconv -f LATIN1 -t UTF-8 {path}",
        ) from None
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror}", "look at its path and its permissions") from None
    if kept:
        yield kept


def _last_seam(text: str) -> int:
    """Where the last token begins that certainly begins there; 0: nowhere."""
    return max((found.start() for found in SEAM.finditer(text, max(0, len(text) - 10_000))), default=0) or max(
        (found.start() for found in SEAM.finditer(text)), default=0
    )


def _write_stretches(path: Path, parts: Iterable[NDArray[np.integer[Any]]], dtype: type[np.generic]) -> None:
    """As ``_write``, a part at a time; the number of ids is filled into the header at the end."""
    count = crc = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with Beside(path) as new, new.path.open("wb") as file:
            start = _header(file, dtype, 0)
            for part in parts:
                data = np.ascontiguousarray(part, dtype=dtype)
                file.write(data.data)
                crc = zlib.crc32(data.data, crc)
                count += len(data)
            file.write(crc.to_bytes(_CRC_BYTES, "little"))
            file.seek(0)
            end = _header(file, dtype, count)
            assert end == start  # numpy leaves room for any number in it
            file.close()
            new.put()
    except OSError as error:
        raise write_error(path, error) from error


def _header(file: BinaryIO, dtype: type[np.generic], count: int) -> int:
    """Writes numpy's header for so many ids; where the ids begin."""
    description = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": (count,)}
    np.lib.format.write_array_header_1_0(file, description)
    return file.tell()


def _mapped(path: Path, vocab_size: int) -> NDArray[np.integer[Any]] | None:
    """The array in a file, or None unless it is whole and what was written."""
    try:
        ids = np.load(path, mmap_mode="r", allow_pickle=False)
        if ids.ndim != 1 or ids.dtype != np.dtype(id_dtype(vocab_size)):
            return None
        with path.open("rb") as file:
            file.seek(-_CRC_BYTES, os.SEEK_END)
            crc = int.from_bytes(file.read(), "little")
    except (OSError, ValueError, EOFError):  # not there, not readable, cut short: encode again
        return None
    return ids if zlib.crc32(ids.data) == crc else None


def _write(path: Path, ids: NDArray[np.integer[Any]]) -> None:
    """Writes the file beside its name and renames it; leaves nothing where that cannot be done."""
    # Where it is read-only, full, or in use on Windows, the ids stay in memory.
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with Beside(path) as new:
            with new.path.open("wb") as file:
                np.save(file, ids, allow_pickle=False)
                file.write(zlib.crc32(ids.data).to_bytes(_CRC_BYTES, "little"))
            new.put()
