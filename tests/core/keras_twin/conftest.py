"""XLA takes seconds for each function that it compiles: here it stays off unless a test is about it."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def without_xla(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_LAB_XLA", "0")
