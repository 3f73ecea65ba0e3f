"""The texts of the training screen's panes: numbers, samples, log, and what stands in their borders. Pure."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rich.style import Style
from rich.text import Text

from screens.training.plots import Axes

if TYPE_CHECKING:
    from core.training.events import SampleEvent
    from screens.training.reader import Detail


def folder_text(folder: Path, room: int) -> str:
    """A folder as a person would type it, its end if there is no room for all of it.

    >>> folder_text(Path("/home/ada/experiments/runs"), 16)
    '…xperiments/runs'
    """
    text = str(folder)
    with suppress(ValueError):
        text = f"./{folder.absolute().relative_to(Path.cwd()).as_posix()}"
    return text if len(text) <= room else "…" + text[1 - room :]


def plot_keys(axes: Axes, no_references: str = "") -> str:
    """What x counts, and the keys of the big plot; or why the references that were asked for are not there."""
    if axes.references and no_references:
        return f"x: {axes.unit} · {no_references.partition(',')[0]}"
    return f"x: {axes.unit} · m measure  s axis  L log  R references"


def rows_text(rows: list[tuple[str, str]]) -> Text:
    """Name and value in two columns."""
    text = Text()
    for name, value in rows:
        text.append(f"{name:<11}", Style(dim=True))
        text.append(f"{value}\n")
    return text


def samples_text(samples: list[SampleEvent]) -> Text:
    """What the model wrote, newest first, each under its step."""
    text = Text()
    for sample in samples:
        prompt = sample.prompt.replace("\n", "⏎")
        text.append(f"step {sample.step} · prompt ‘{prompt}’\n", Style(dim=True))
        body = sample.text if sample.text.startswith(sample.prompt) else sample.prompt + sample.text
        text.append(body.strip("\n") + "\n\n")
    return text if samples else Text("no sample yet", Style(dim=True))


def log_text(detail: Detail) -> Text:
    """The log, newest first; warnings and errors stand out by a sign too."""
    text = Text()
    for line in detail.log:
        sign = {"info": " ", "warning": "!", "error": "✗"}[line.level]
        text.append(f"{sign} {line.line}\n", Style(bold=line.level != "info"))
    return text if detail.log else Text("nothing happened yet", Style(dim=True))
