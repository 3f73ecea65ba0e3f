"""The one downloader."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """How far a download is."""

    received: int
    total: int | None
    seconds: float
    rate: float
    resumed_from: int


def download(
    url: str,
    dest: Path,
    *,
    sha256: str | None = None,
    size: int | None = None,
    cancelled: threading.Event | None = None,
    client: Any = None,
) -> Iterator[DownloadProgress]:
    """Fetches ``url`` to ``dest``."""
    yield DownloadProgress(0, None, 0.0, 0.0, 0)
    raise NotImplementedError
