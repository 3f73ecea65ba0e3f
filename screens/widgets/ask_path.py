"""Asks for the path of a model: a run's folder, or one with weights."""

from __future__ import annotations

from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input, Static

from screens.widgets.dialog import Dialog

WEIGHTS = ("model.safetensors", "run.json", "model.safetensors.index.json", "hparams.json")
"""A file by which a folder is known: of weights, of a run, of weights in several files, of OpenAI's originals."""


def reason_against(text: str) -> str:
    """Why this cannot be a model's path; empty if it can."""
    path = Path(text.strip()).expanduser()
    if not text.strip():
        return "type the path of a run, or of a folder with weights"
    if not path.exists():
        return f"there is no {path}"
    if path.is_dir() and not any((path / name).is_file() for name in WEIGHTS):
        return f"{path} holds neither {WEIGHTS[0]} nor {WEIGHTS[1]}"
    if path.is_file() and path.suffix != ".safetensors":
        return f"{path.name} is not a .safetensors file"
    return ""


class AskPath(Dialog[str]):
    """The path, or None."""

    HEADING = "open a path"
    KEYS = "enter open · esc close"
    DEFAULT_CSS = """
    AskPath #reason { color: $text-warning; height: auto; }
    """

    def compose_box(self) -> ComposeResult:
        """Field and reason."""
        yield Input(placeholder="runs/NAME, or a folder with model.safetensors")
        yield Static(id="reason", markup=False)

    def on_mount(self) -> None:
        """Ready to type."""
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        reason = reason_against(event.value)
        if reason:
            self.query_one("#reason", Static).update(reason)
        else:
            self.dismiss(str(Path(event.value.strip()).expanduser()))
