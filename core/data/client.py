"""How files are asked for over HTTP: the client, its patience, and how a few headers are read."""

from __future__ import annotations

import math
import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from core.errors import DownloadError, InputError

if TYPE_CHECKING:
    import httpx

TIMEOUT = 10.0
"""Seconds without a byte after which a connection counts as broken; a cancelled call hardly goes on for longer.
``LLM_LAB_TIMEOUT`` sets another number."""


def host_of(url: str) -> str:
    """The host of an address; the address itself if it has none."""
    try:
        return urlsplit(url).netloc or url
    except ValueError:  # httpx will say what is wrong with it
        return url


def new_client(host: str) -> httpx.Client:
    """A client that follows redirects and gives up on silence.

    Raises:
        DownloadError: what the proxy variables say cannot be used.
        InputError: LLM_LAB_TIMEOUT is no number of seconds.
    """
    import httpx

    try:
        return httpx.Client(timeout=patience(), follow_redirects=True)
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        hint = "look at HTTP_PROXY, HTTPS_PROXY and ALL_PROXY"
        raise DownloadError(f"{host} cannot be reached: {error}", hint) from error


def patience() -> float:
    """Seconds without a byte before a connection is given up: LLM_LAB_TIMEOUT, or ``TIMEOUT``.

    Raises:
        InputError: LLM_LAB_TIMEOUT is no number of seconds.
    """
    chosen = os.environ.get("LLM_LAB_TIMEOUT", "")
    if not chosen:
        return TIMEOUT
    with suppress(ValueError):
        if 0 < float(chosen) < math.inf:
            return float(chosen)
    raise InputError(f"LLM_LAB_TIMEOUT must be a number of seconds above 0, got {chosen!r}", "for example 30")


def reason(error: BaseException) -> str:
    """What an error of the network says in words, without the numbers of the system; or at least what it is called.

    >>> import socket
    >>> reason(ConnectionRefusedError(111, "Connection refused"))
    'connection refused'
    >>> reason(socket.gaierror(-2, "Name or service not known"))
    'nobody knows this name: is this machine offline?'
    >>> reason(OSError("[Errno 101] Network is unreachable")), reason(ValueError())
    ('Network is unreachable', 'ValueError')
    """
    import socket
    import ssl

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            return "nobody knows this name: is this machine offline?"
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not accepted ({cause.verify_message})"
        if isinstance(cause, OSError) and cause.strerror and cause.errno:
            return cause.strerror[:1].lower() + cause.strerror[1:]
        cause = cause.__cause__ or cause.__context__
    return re.sub(r"^\[[^\]]*\]\s*", "", str(error).strip()) or type(error).__name__


def content_range(response: httpx.Response) -> tuple[int | None, int | None]:
    """Start and total of ``bytes 5-9/10`` or ``bytes */10``."""
    unit, _, rest = response.headers.get("content-range", "").partition(" ")
    span, _, total = rest.partition("/")
    start = span.partition("-")[0]
    if unit != "bytes":
        return None, None
    return int(start) if start.isdecimal() else None, int(total) if total.isdecimal() else None


def retry_after(response: httpx.Response) -> float | None:
    """Seconds that a server asks for before another try; half a minute at most."""
    seconds = response.headers.get("retry-after", "")
    return min(float(seconds), 30.0) if seconds.isdecimal() else None
