"""Pictures of screens do not depend on when they are taken: the cursor of a text field stays where it can be seen."""

import pytest
from textual.widgets import Input


@pytest.fixture(autouse=True)
def no_blinking(monkeypatch):
    """A field that waits for its key on a slow machine looks as it does on a fast one."""
    monkeypatch.setattr(Input, "_toggle_cursor", lambda field: None)
