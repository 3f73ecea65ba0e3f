"""What can be done to the runs of the training screen: pause, checkpoint, stop, open, delete, load.

Abstract: ``TrainingScreen`` completes it. Whatever touches the disk or a process runs in a worker.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on, work
from textual.message import Message

from core.errors import LabError
from core.folders import runs_dir
from core.shelf import split_spec
from screens.training.control import Requests, why_not
from screens.training.dialogs import AskText, exactly, folder_or_run
from screens.training.starting import RunStarter
from screens.training.view import ENDED, LIVE

if TYPE_CHECKING:
    from core.training.requests import Request
    from core.workbench import Workbench
    from screens.training.doors import Alert
    from screens.training.reader import Reading

QUESTION = 8.0


class RunActions(RunStarter):
    """The verbs of the training screen."""

    class Sent(Message):
        """A request is written."""

        def __init__(self, request: Request, run: Path) -> None:
            super().__init__()
            self.request = request
            self.run = run

    class Deleted(Message):
        """A run is in the trash."""

        def __init__(self, path: Path, trash: Path) -> None:
            super().__init__()
            self.path = path
            self.trash = trash

    def __init__(self, workbench: Workbench, runs_dir: Path, *, name: str | None = None) -> None:
        super().__init__(workbench, runs_dir, name=name)
        self.requests = Requests()
        self._question: tuple[str, Path, float] | None = None

    # --- to be completed

    @abstractmethod
    def forget_run(self, path: Path) -> None:
        """A run is gone."""

    @abstractmethod
    def open_path(self, path: Path) -> None:
        """Opens a run from elsewhere, or another folder of runs."""

    @abstractmethod
    def look_now(self) -> None:
        """Looks at the disk at once."""

    @property
    @abstractmethod
    def alert(self) -> Alert | None:
        """The card that is shown."""

    # --- steering

    def action_pause(self) -> None:
        """Pauses or goes on; an ended run is resumed, a finished one extended."""
        view = self.view
        if view is None:
            self.hold("there is no run to pause: n starts one")
        elif view.state == "finished" and not view.made_by:
            self.action_extend()
        elif view.state in ENDED and not view.read_only:
            self.action_resume_dead()
        else:
            self._ask("resume" if view.state == "paused" else "pause")

    def action_checkpoint(self) -> None:
        """Saves a full checkpoint now."""
        self._ask("checkpoint")

    def action_stop(self) -> None:
        """Asks once, in the status line; the second press stops."""
        view = self.view
        if view is None:
            self.hold("there is no run to stop")
            return
        refused = why_not(view, "stop")
        if refused is not None:
            self.hold(refused)
            return
        path, now = Path(view.path), time.monotonic()
        if self._question is not None and self._question[:2] == ("stop", path) and now < self._question[2]:
            self._question = None
            self._ask("stop")
            return
        self._question = ("stop", path, now + QUESTION)
        self.hold(f"stop {view.name} after a checkpoint? x again · esc", QUESTION)

    def drop_question(self) -> bool:
        """Takes the question of ``x`` back; says whether there was one."""
        asked = self._question is not None and time.monotonic() < self._question[2]
        self._question = None
        if asked:
            self.hold("not stopped", 2)
        return asked

    def _ask(self, kind: str) -> None:
        view = self.view
        if view is None:
            self.hold(f"there is no run to {kind}")
            return
        refused = why_not(view, kind)
        if refused is not None:
            self.hold(refused)
        else:
            self._send(Path(view.path), kind)

    @work(thread=True, group="send", exit_on_error=False, description="ask a run")
    def _send(self, path: Path, kind: str) -> None:
        from core.training.runs import open_run

        try:
            self.post_message(self.Sent(open_run(path).send(kind), path))
        except LabError as error:
            self.post_message(self.Refused(error))

    @on(Sent)
    def _sent(self, message: Sent) -> None:
        self.hold(self.requests.sent(message.request, message.run).asked, 12, of_state=True)
        self.look_now()

    def answer_requests(self, reading: Reading) -> None:
        """Says what the shown run has answered."""
        detail = reading.detail
        if detail is None:
            return
        path = Path(detail.view.path)
        for sentence in self.requests.take(path, detail.answers):
            self.hold(sentence, of_state=True)
        if detail.view.state not in LIVE and detail.view.state != "silent":
            self.requests.forget(path)

    def action_repeat_request(self) -> None:
        """Asks again what was not answered."""
        late = self.requests.waiting(Path(self.view.path)) if self.view is not None else None
        if late is not None:
            self.requests.forget(late.run)
            self._send(late.run, late.request.request)

    def action_door(self, key: str) -> None:
        """Runs the door of the card that is shown, so that its keys work wherever the focus is."""
        door = next((d for d in self.alert.doors if d[0] == key), None) if self.alert is not None else None
        if door is not None:
            self.call_later(self.run_action, door[2])

    # --- opening, deleting, loading

    def action_open(self) -> None:
        """Asks for a run's directory, or a folder of runs."""

        def answered(text: str | None) -> None:
            if text is not None:
                self.open_path(Path(text).expanduser())

        self.app.push_screen(
            AskText(
                "open",
                "A run, or a folder that holds runs; also TensorBoard's folders, trainer_state.json, nanoGPT's logs:",
                folder_or_run,
                verb="opens it",
            ),
            answered,
        )

    def action_delete(self) -> None:
        """Asks for the run's name, then moves it to the trash."""
        view = self.view
        if view is None:
            self.hold("there is no run to delete")
            return
        if view.made_by:
            self.hold(f"{view.name} is a run of {view.made_by}: the lab deletes runs of its own alone")
            return
        if view.live:
            self.hold(f"{view.name} is {view.state}: stop it first (x)")
            return

        def answered(text: str | None) -> None:
            if text is not None:
                self._delete(Path(view.path))

        self.app.push_screen(
            AskText(
                f"delete {view.name}",
                f"Its folder goes to the trash beside it, not away. Type its name: {view.name}",
                exactly(view.name),
                verb="deletes",
            ),
            answered,
        )

    @work(thread=True, group="delete", exit_on_error=False, description="delete a run")
    def _delete(self, path: Path) -> None:
        from core.training.runs import delete_run, open_run

        try:
            self.post_message(self.Deleted(path, delete_run(open_run(path))))
        except LabError as error:
            self.post_message(self.Refused(error))

    @on(Deleted)
    def _deleted(self, message: Deleted) -> None:
        bench = self.workbench.bench
        lost = {spec for spec in (bench.a, bench.b) if spec and _is_of(spec, message.path)}
        if lost:
            self.workbench.set(a="demo" if bench.a in lost else bench.a, b=None if bench.b in lost else bench.b)
        instead = f" · the workbench holds {self.workbench.a} now" if lost else ""
        self.hold(f"{message.path.name} is in the trash: {message.trash}{instead}")
        self.forget_run(message.path)

    def load_step(self, step: int) -> None:
        """Puts a step's weights on the workbench as model A."""
        reading = self.reading
        if reading is None or reading.detail is None:
            return
        spec = reading.detail.spec(step)
        self.workbench.set(a=spec)
        self.hold(f"{spec} is on the workbench")


def _is_of(spec: str, run: Path) -> bool:
    """Whether a model's name means a run, or a step of it."""
    name = split_spec(spec)[0]
    return run.absolute() in (Path(name).expanduser().absolute(), (runs_dir() / name).absolute())
