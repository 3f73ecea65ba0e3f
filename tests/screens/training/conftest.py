from pathlib import Path

import pytest

from core.folders import runs_dir
from lab.app import LabApp


@pytest.fixture
def folder() -> Path:
    """The runs folder of this test."""
    runs_dir().mkdir(parents=True, exist_ok=True)
    return runs_dir()


@pytest.fixture
def app(folder: Path) -> LabApp:
    """The lab on its training screen."""
    return LabApp(screen="training")
