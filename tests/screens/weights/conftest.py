from pathlib import Path

import pytest
from small import SHAPE, huggingface, numbers, run_with

from core.folders import runs_dir
from core.workbench import Bench, Workbench
from lab.app import LabApp


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A small model in Hugging Face's layout."""
    return huggingface(tmp_path / "small")


@pytest.fixture
def run(isolated: Path) -> Path:
    """A run with three snapshots, each with larger numbers than the one before."""
    runs_dir().mkdir(parents=True, exist_ok=True)
    steps = {step: numbers(SHAPE, seed=0, scale=0.1 * (1 + step / 100)) for step in (100, 200, 300)}
    return run_with(runs_dir() / "grown", steps)


@pytest.fixture
def lab():
    """Makes a lab on its weights screen with a model on the workbench."""

    def make(a: str = "demo", b: str | None = None, **options) -> LabApp:
        return LabApp(screen="weights", workbench=Workbench(Bench(a=str(a), b=b)), **options)

    return make
