"""Runs to read and to write, made by the real writer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.config import TrainConfig
from core.training.events import StepEvent
from core.training.rundir import RunWriter


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty runs folder that LLM_LAB_RUNS names."""
    folder = tmp_path / "runs"
    folder.mkdir()
    monkeypatch.setenv("LLM_LAB_RUNS", str(folder))
    return folder


@pytest.fixture
def make_run(runs: Path) -> Iterator[Callable[..., RunWriter]]:
    """Makes a run in the runs folder with some steps; all writers are closed at the end."""
    writers = []

    def make(name: str = "shakes", steps: int = 10, **config: object) -> RunWriter:
        meta = {"config": TrainConfig().override(**config).to_dict(), "parameters": 804_096, "tokenizer": "char"}
        writer = RunWriter.create(runs / name, meta)
        writers.append(writer)
        for n in range(1, steps + 1):
            writer.emit(StepEvent(n, n / 4, n * 768, 4.2 / n, 1e-3, 0.5, 60_000.0, 0.41))
        writer.set_status(state="running", step=steps, max_steps=2000)
        return writer

    yield make
    for writer in writers:
        writer.close("stopped")
