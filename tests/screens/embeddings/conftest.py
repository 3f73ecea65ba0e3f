import pytest

from core.workbench import Bench, Workbench
from lab.app import LabApp


@pytest.fixture
def lab():
    """Makes a lab on its embeddings screen."""

    def make(a: str = "demo", b: str | None = None, **options) -> LabApp:
        return LabApp(screen="embeddings", workbench=Workbench(Bench(a=a, b=b)), **options)

    return make
