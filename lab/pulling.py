"""What the app does about a model that is not here: says what it takes, fetches it as a job, and uses it afterwards."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on
from textual.app import App
from textual.message import Message

from core.errors import LabError, ModelSpecError
from core.workbench import Workbench
from screens.pulling import Pulled, start_pull

if TYPE_CHECKING:
    from core.shelf import ModelRef
    from screens.base import LabScreen


class MissingLookedUp(Message):
    """What it would take to have a model here."""

    def __init__(self, ref: ModelRef, words: str) -> None:
        super().__init__()
        self.ref = ref
        self.words = words


class PullActions(App[int]):
    """The part of the app that fetches models."""

    workbench: Workbench
    _wanted: dict[str, int] | None = None

    @property
    @abstractmethod
    def lab_screen(self) -> LabScreen | None:
        """The lab's screen that is shown."""

    @abstractmethod
    def use(self, **changes: str | None) -> None:
        """Changes the workbench."""

    def tell_missing(self, ref: ModelRef) -> None:
        """Shows the card of a model that is not here; the disk is looked at in a thread."""
        if ref.group in ("bundled", "runs"):
            hint = "it has kept no weights yet: its first checkpoint brings them (b in the dashboard asks for one)"
            self._show_missing(ModelSpecError(f"{ref.label} is not on this machine", hint), None)
            return

        def look() -> None:
            self.post_message(MissingLookedUp(ref, what_it_takes(ref.spec)))

        self.run_worker(look, thread=True, group="missing", exclusive=True, exit_on_error=False, description="look up")

    @on(MissingLookedUp)
    def _looked_up(self, event: MissingLookedUp) -> None:
        error = ModelSpecError(f"{event.ref.label} is not on this machine", event.words)
        self._show_missing(error, event.ref.spec)

    def _show_missing(self, error: LabError, spec: str | None) -> None:
        screen = self.lab_screen
        if screen is None:
            return
        doors = [("d", "download", f"app.download({spec!r})")] if spec else []
        doors += [
            ("w", "other model", "app.picker"),
            ("o", "open files you have", "app.open_path"),
            ("u", "use the demo", "app.use_demo"),
            ("escape", "put away", "solved"),
        ]
        screen.problem("#body", error, doors).focus()

    def action_download(self, name: str, source: str | None = None) -> None:
        """Fetches a model in the background; it goes on the workbench when it is here, if nothing else has since."""
        if self._wanted is None:
            self._wanted = {}
        self._wanted[name] = self.workbench.generation
        start_pull(self, name, source=source)
        if self.lab_screen is not None:
            self.lab_screen.solved()
            self.lab_screen.say(f"fetching {name} in the background · J shows how far it is, and cancels")

    @on(Pulled)
    def _pull_ended(self, event: Pulled) -> None:
        generation = (self._wanted or {}).pop(event.name, None)
        if generation is None:  # a screen asked for it, and has been told
            return
        if self.lab_screen is not None:
            ended = "is here" if event.came else "has not come whole; what arrived is kept"
            self.lab_screen.say(f"{event.name} {ended}")
        if event.error is not None:
            self._show_failed(event.name, event.error)
        elif event.came and generation == self.workbench.generation:
            if self.workbench.a == event.name:
                self.workbench.refresh()
            else:
                self.use(a=event.name)

    def _show_failed(self, name: str, error: LabError) -> None:
        if self.lab_screen is not None:
            doors = [
                ("d", "try again", f"app.download({name!r})"),
                ("w", "other model", "app.picker"),
                ("o", "open files you have", "app.open_path"),
                ("escape", "put away", "solved"),
            ]
            self.lab_screen.problem("#body", error, doors).focus()


def what_it_takes(name: str) -> str:
    """What a pull would mean: ``1.42 GB in 4 files · 41 GB free · goes to ... · can resume``."""
    import shutil

    from core.data.pull import pull_item

    try:
        item = pull_item(name)
        there = next((path for path in (item.folder, *item.folder.parents) if path.exists()), Path())
        free = f"{shutil.disk_usage(there).free / 1e9:.0f} GB free"
    except (LabError, OSError) as error:
        return f"fetch it: llm-lab pull {name} ({error})"
    so_far = f" · {item.partial_bytes / 1e6:,.0f} MB are here already" if item.partial_bytes else ""
    size = f"{item.size / 1e9:.2f} GB" if item.size else "a size that its host knows,"
    return f"{size} in {len(item.files)} files · {free} · goes to {item.folder} · can resume{so_far}"
