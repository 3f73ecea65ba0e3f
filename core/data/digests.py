"""Digests of files: those that publishers give, those that a server says with its answer, and those seen here before.

Where nobody publishes one, what came with the first download is noted beside the files and counts from then on.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from core.files import write_json_atomic

if TYPE_CHECKING:
    import httpx

Algorithm = Literal["sha256", "md5", "git-sha1"]
SEEN = "digests.json"
_WORDS = {"sha256": "SHA-256", "md5": "MD5", "git-sha1": "git SHA-1"}
_LENGTHS: dict[int, Algorithm] = {64: "sha256", 40: "git-sha1"}


@dataclass(frozen=True, slots=True)
class Digest:
    """What a file's content hashes to.

    >>> print(Digest("md5", "c289bc5d7f2f02c6dc9f2f9b67641813"))
    MD5 c289bc5d7f2f02c6dc9f2f9b67641813
    """

    algorithm: Algorithm
    value: str
    """Hexadecimal, in lower case."""

    def __str__(self) -> str:
        return f"{_WORDS[self.algorithm]} {self.value}"


def digest_of(path: Path, algorithm: Algorithm, stop: Callable[[], bool] = lambda: False) -> Digest:
    """The digest of a file; that of its beginning if ``stop()`` turns true."""
    if algorithm == "sha256":
        running = hashlib.sha256()
    else:  # neither is asked to withstand an attacker: they say what a publisher has said
        running = (hashlib.md5 if algorithm == "md5" else hashlib.sha1)(usedforsecurity=False)
    if algorithm == "git-sha1":
        running.update(f"blob {path.stat().st_size}\0".encode())
    with path.open("rb") as file:
        while (block := file.read(1 << 20)) and not stop():
            running.update(block)
    return Digest(algorithm, running.hexdigest())


def published(response: httpx.Response) -> Digest | None:
    """What a server says of a whole file: Hugging Face's linked tag, Azure's MD5, or a git hash as entity tag.

    Hugging Face's tag is the SHA-256 of a large file and git's own hash of a small one
    (https://huggingface.co/docs/huggingface_hub/package_reference/file_download).
    """
    headers = response.headers
    hub = "x-repo-commit" in headers  # elsewhere a tag of 40 digits may be anything
    tag = headers.get("x-linked-etag") or (headers.get("etag", "") if hub else "")
    tag = tag.removeprefix("W/").strip('"')
    if re.fullmatch(r"[0-9a-f]+", tag) and len(tag) in _LENGTHS:
        return Digest(_LENGTHS[len(tag)], tag)
    whole = response.status_code == 200
    md5 = headers.get("x-ms-blob-content-md5") or (headers.get("content-md5", "") if whole else "")
    try:
        raw = base64.b64decode(md5, validate=True)
    except binascii.Error:
        return None
    return Digest("md5", raw.hex()) if len(raw) == 16 else None


def seen(folder: Path) -> dict[str, Digest]:
    """The digests noted beside the files of a folder at their first download; a damaged note counts as none."""
    try:
        notes = json.loads((folder / SEEN).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    found = {}
    for name, value in notes.items() if isinstance(notes, dict) else ():
        if isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value):
            found[str(name)] = Digest("sha256", value)
    return found


def remember(folder: Path, name: str, digest: Digest) -> None:
    """Notes what a file's SHA-256 was when it first came.

    Raises:
        LabError: the note cannot be written.
    """
    notes = {known: value.value for known, value in seen(folder).items()}
    write_json_atomic(folder / SEEN, {**notes, name: digest.value})
