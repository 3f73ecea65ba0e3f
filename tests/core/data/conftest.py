from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from file_server import FileServer, serving

from core.data import download as download_module


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """A server of 300,000 bytes; failures are tried again almost at once."""
    monkeypatch.setattr(download_module, "FIRST_PAUSE", 0.001)
    with serving(random.Random(7).randbytes(300_000)) as running:
        yield running
