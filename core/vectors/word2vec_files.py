"""Word vectors as a file that everybody reads: word2vec's binary and text formats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core.errors import InputError
from core.files import write_bytes_atomic, write_error


def save(keyed: Any, path: Path, *, binary: bool = True) -> Path:
    """Writes vectors in word2vec's binary or text format, in one step: the header, then a word and its numbers each.

    Args:
        keyed: gensim's ``KeyedVectors`` or our ``Vectors``.
        path: the file to replace.
        binary: 4 bytes a number; else text, in which every float32 is written so that it reads back as the same.

    Raises:
        DiskFullError: no space is left; what was there stays.
        InputError: a word with white space in it, which the format cannot hold.
        LabError: the file cannot be written.
    """
    keyed = getattr(keyed, "keyed", keyed)
    words, matrix = list(keyed.index_to_key), keyed.vectors
    for word in words:
        if not word or word.split() != [word]:
            raise InputError(f"the word2vec format holds no word with white space in it, got {word!r}", "leave it out")
    lines = [f"{len(words)} {matrix.shape[1]}\n".encode()]
    for word, row in zip(words, matrix, strict=True):
        if binary:
            lines.append(word.encode() + b" " + row.astype("<f4").tobytes() + b"\n")
        else:
            lines.append(f"{word} {' '.join(map(str, row))}\n".encode())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(path, error) from error
    write_bytes_atomic(path, b"".join(lines))
    return path
