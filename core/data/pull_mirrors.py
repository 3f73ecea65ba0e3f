"""Where files come from: the published addresses, those that LLM_LAB_MIRROR puts before or in place of them, and what a
server says of a file before it is fetched.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from core.data.digests import Digest, published
from core.data.download import DownloadProgress, download
from core.data.partfile import UnwritableError, is_plain
from core.data.pull_catalogue import PullFile
from core.errors import DownloadError, InputError

if TYPE_CHECKING:
    import httpx

MIRROR = "LLM_LAB_MIRROR"
_HOPS = 10


@dataclass(frozen=True, slots=True)
class Offer:
    """What a server says of a file; None where it keeps quiet."""

    size: int | None = None
    digest: Digest | None = None
    reached: bool = True
    """False if no answer came."""


def addresses(file: PullFile) -> list[str]:
    """Where a file is looked for, in order.

    ``LLM_LAB_MIRROR`` holds addresses with spaces between. ``http://HOST/DIR`` is looked at first and must serve the
    files of a cache folder in its own layout (``python -m http.server`` in another machine's cache folder does).
    ``https://FROM=https://TO`` takes the place of every address that begins with ``https://FROM``.

    Raises:
        InputError: LLM_LAB_MIRROR holds something else.
    """
    first, instead = _mirrors()
    found = [f"{base}/{file.path}" for base in first]
    for url in file.urls:
        to = next(((a, b) for a, b in instead if url == a or url.startswith(f"{a}/")), None)
        found.append(to[1] + url[len(to[0]) :] if to else url)
    return list(dict.fromkeys(found))


def _mirrors() -> tuple[list[str], list[tuple[str, str]]]:
    first, instead = [], []
    for word in os.environ.get(MIRROR, "").split():
        parts = [part.rstrip("/") for part in word.split("=", 1)]
        if not all(_is_address(part) for part in parts):
            raise InputError(
                f"{MIRROR} must hold http addresses, got {word!r}",
                f"as in {MIRROR}=http://192.168.1.5:8000 or {MIRROR}=https://huggingface.co=https://mirror.example",
            )
        if len(parts) == 2:
            instead.append((parts[0], parts[1]))
        else:
            first.append(parts[0])
    return first, instead


def _is_address(word: str) -> bool:
    with suppress(ValueError):
        parts = urlsplit(word)
        return parts.scheme in ("http", "https") and bool(parts.netloc)
    return False


def download_from_any(file: PullFile, cancelled: threading.Event | None = None) -> Iterator[DownloadProgress]:
    """Fetches a file from the first of its addresses that gives it.

    Raises:
        DownloadError: none did.
        DiskFullError: no space is left.
    """
    errors: list[DownloadError] = []
    for url in addresses(file):
        try:
            yield from download(url, file.dest, digest=file.digest, size=file.size, cancelled=cancelled)
        except UnwritableError:
            raise
        except DownloadError as error:
            errors.append(error)
        else:
            return
    raise DownloadError("; then ".join(error.title for error in errors), errors[0].hint)


def ask(client: httpx.Client, url: str) -> Offer:
    """Asks a server for the size and the digest of a file, without its content; never raises for what it answers.

    Hugging Face answers with a redirect that says both; where it leads to is not asked (signed addresses refuse it).
    """
    import httpx

    try:
        for _ in range(_HOPS):
            headers = {"Accept-Encoding": "identity", "User-Agent": "llm-lab"}
            response = client.head(url, headers=headers, follow_redirects=False)
            linked = response.headers.get("x-linked-size", "")
            if linked.isdecimal():
                return Offer(int(linked), published(response))
            if not (response.is_redirect and response.headers.get("location")):
                break
            url = urljoin(url, response.headers["location"])
        else:
            return Offer()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return Offer(reached=False)
    if response.status_code != 200:
        return Offer()
    length = response.headers.get("content-length", "")
    return Offer(int(length) if length.isdecimal() and is_plain(response) else None, published(response))
