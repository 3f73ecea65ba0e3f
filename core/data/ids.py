"""A corpus as ids, encoded once and then memory-mapped.

The file ``ids/SHA256-FINGERPRINT.npy`` in the cache is an ordinary numpy array (readable by ``numpy.load``) with the
CRC-32 of its ids behind it; the name says which text and which tokenizer. A cache that cannot be written costs speed at
the next start, never the run.
"""

from __future__ import annotations

import os
import tempfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.folders import cache_dir
from core.tokenizers.base import id_dtype

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.data.corpora import Corpus
    from core.tokenizers.base import Tokenizer

_CRC_BYTES = 4


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
    beside = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, beside = tempfile.mkstemp(prefix=f".{path.stem[:16]}-", suffix=".tmp", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            np.save(file, ids, allow_pickle=False)
            file.write(zlib.crc32(ids.data).to_bytes(_CRC_BYTES, "little"))
            file.flush()
            os.fsync(file.fileno())
        Path(beside).replace(path)
    except OSError:  # read-only, full, or in use on Windows: the ids stay in memory
        if beside is not None:
            with suppress(OSError):
                Path(beside).unlink()
