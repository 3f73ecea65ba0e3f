"""What outlives the screen: the tree of the last time, prompts, settings; and transcripts that are saved and opened.

Abstract: ``GenerationScreen`` completes it.
"""

from __future__ import annotations

from abc import abstractmethod
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import on
from textual.message import Message
from textual.timer import Timer

from core.errors import LabError
from core.folders import state_dir
from core.generation.branches import Tree
from core.generation.settings import SamplingConfig
from screens.generation.looking import Looking
from screens.generation.prompt import STARTERS
from screens.guard import log_exception

if TYPE_CHECKING:
    from core.workbench import Workbench

KEPT = "generation.json"
AFTER = 1.5
"""Seconds after a change until the tree is written."""
MOST = 4000
"""Tokens of a tree that is kept; a longer one keeps its newest prompts."""


class Keeping(Looking):
    """Remembering and saving."""

    class Recalled(Message):
        """The tree of the last time was read, or not."""

        def __init__(self, tree: Tree | None, shown: int | None) -> None:
            super().__init__()
            self.tree = tree
            self.shown = shown

    class Saved(Message):
        """Transcripts are written."""

        def __init__(self, paths: list[Path]) -> None:
            super().__init__()
            self.paths = paths

    class Found(Message):
        """A transcript was opened."""

        def __init__(self, tree: Tree, path: Path) -> None:
            super().__init__()
            self.found = tree
            self.path = path

    class Failed(Message):
        """It could not be saved or opened."""

        def __init__(self, error: LabError) -> None:
            super().__init__()
            self.error = error

    def __init__(self, workbench: Workbench, *, name: str | None = None) -> None:
        super().__init__(workbench, name=name)
        self.history: list[str] = []
        self.measure = "probability"
        self._keep_timer: Timer | None = None
        self._recalling = False

    # --- the last time

    @property
    def _views(self) -> dict[str, Any]:
        settings = getattr(self.app, "settings", None)
        return settings.views if settings is not None else {}

    def recall(self) -> None:
        """Takes up settings and prompts of the last time at once, and its tree as soon as it is read."""
        view = self._views.get("generation")
        if not isinstance(view, dict):
            return
        self.history = [p for p in view.get("history", []) if isinstance(p, str)]
        if view.get("measure") in ("probability", "rank", "entropy", "none"):
            self.measure = view["measure"]
        with suppress(LabError):  # from a newer version, or edited by hand
            self.sampling = SamplingConfig.from_dict(view.get("sampling", {}))
        if view.get("tree"):
            self._recalling = True
            self.run_worker(
                self._recall_in_thread, thread=True, group="recall", exit_on_error=False, description="the last tree"
            )

    @property
    def recalling(self) -> bool:
        """Whether the tree of the last time is still being read."""
        return self._recalling

    def _recall_in_thread(self) -> None:
        from core.files import read_json

        raw = read_json(state_dir() / KEPT) or {}
        try:
            tree: Tree | None = Tree.from_dict(raw)
        except LabError as error:
            log_exception(error)
            tree = None
        shown = raw.get("shown")
        self.post_message(self.Recalled(tree, shown if isinstance(shown, int) else None))

    @on(Recalled)
    def _recalled(self, message: Recalled) -> None:
        self._recalling = False
        if message.tree is not None and len(message.tree) and not len(self.answers):
            self.answers = message.tree
            if self.opened is not None:
                self.read_prompts(self.opened)
            last = [b.id for _, b in self.answers.walk() if not b.is_root]
            shown = message.shown if message.shown in self.answers else last[-1] if last else None
            self.show_branch(shown, at=0)
            answers = len(last)
            self.say(
                f"the tree of the last time: {answers} {'answer' if answers == 1 else 'answers'} · N begins a new one"
            )
        else:
            self.first_answer()

    @abstractmethod
    def first_answer(self) -> None:
        """Answers the prompt where nothing was ever answered."""

    def keep_soon(self) -> None:
        """Writes the tree a little later, so that many changes are one file."""
        if not getattr(self.app, "remember", False) or not self.is_running:
            return
        if self._keep_timer is not None:
            self._keep_timer.stop()
        self._keep_timer = self.set_timer(AFTER, self._keep, name="keep the tree")

    def _view(self) -> dict[str, Any]:
        return {
            "history": self.history,
            "measure": self.measure,
            "sampling": self.sampling.to_dict(),
            "tree": bool(len(self.answers)),
        }

    def _keep(self) -> None:
        self._keep_timer = None
        self._views["generation"] = self._view()
        save = getattr(self.app, "save_soon", None)
        if save is not None:
            save()
        work = partial(self._write, copied(self.answers), self.shown)
        self.run_worker(
            work, thread=True, group="keep", exclusive=True, exit_on_error=False, description="keep the tree"
        )

    def _write(self, tree: Tree, shown: int | None) -> None:
        from core.files import write_json_atomic

        path = state_dir() / KEPT
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json_atomic(path, tree.to_dict() | {"shown": shown}, sync=False)
        except (OSError, LabError) as error:  # a disk that refuses is no reason to bother anyone
            log_exception(error)

    def keep_now(self) -> None:
        """Writes the tree at once: the app ends."""
        if getattr(self.app, "remember", False) and not self._recalling:
            self._views["generation"] = self._view()
            self._write(copied(self.answers), self.shown)

    def on_unmount(self) -> None:
        """Nothing streams on, and what is there is kept."""
        self.stop_streams()
        self.keep_now()

    def action_new_tree(self) -> None:
        """An empty tree; what was there can be brought back as long as the app runs."""
        self.stop_streams()
        self._before = (self.answers, self.pieces, self.shown)
        self.answers, self.pieces, self.shown, self.beside = Tree(), {}, None, None
        self.show_branch(None)
        self.tree_changed()
        self.say("an empty tree · n answers the prompt · U brings the old tree back")

    def action_old_tree(self) -> None:
        """The tree that was there before the new one."""
        before, self._before = self._before, None
        if before is None:
            self.say("there is no earlier tree")
            return
        self.stop_streams()
        self.answers, self.pieces, shown = before
        self.show_branch(shown)
        self.tree_changed()
        self.say("the old tree is back")

    _before: tuple[Tree, dict[int, tuple[bytes, ...]], int | None] | None = None

    # --- transcripts

    def action_save(self) -> None:
        """Saves the tree as Markdown and as JSON."""
        if not len(self.answers):
            self.say("there is nothing to save yet: n answers the prompt")
            return
        work = partial(self._save_in_thread, copied(self.answers))
        self.run_worker(work, thread=True, group="save", exit_on_error=False, description="save the transcript")

    def _save_in_thread(self, tree: Tree) -> None:
        from core.generation.transcript import save_transcript
        from screens.widgets.take_away import export_path

        try:
            paths = [export_path("generate", "transcript", suffix) for suffix in ("md", "json")]
            for path in paths:
                save_transcript(tree, path)
            self.post_message(self.Saved(paths))
        except LabError as error:
            self.post_message(self.Failed(error))

    @on(Saved)
    def _saved(self, message: Saved) -> None:
        names = " and ".join(str(path) for path in message.paths)
        self.app.notify(f"saved {names}", title="transcript", markup=False)
        self.say(f"saved {names}")

    @on(Failed)
    def _failed(self, message: Failed) -> None:
        self.show_trouble(message.error, "")

    def action_open(self) -> None:
        """Opens a transcript that was saved."""
        from screens.training.dialogs import AskText
        from screens.widgets.take_away import FOLDER

        def reason(text: str) -> str | None:
            path = Path(text.strip()).expanduser()
            if not text.strip():
                return "the path of a transcript"
            return None if path.is_file() else f"there is no file {path}"

        def answered(text: str | None) -> None:
            if text is not None:
                self.open_transcript(Path(text).expanduser())

        newest = sorted(Path(FOLDER).glob("generate-transcript-*.json"))[-1:]
        value = str(newest[0]) if newest else ""
        dialog = AskText("open", "A transcript, FILE.json or FILE.md:", reason, value=value, verb="opens it")
        self.app.push_screen(dialog, answered)

    def open_transcript(self, path: Path) -> None:
        """Opens a transcript in the background."""
        work = partial(self._open_transcript_in_thread, path)
        self.run_worker(work, thread=True, group="open", exit_on_error=False, description="open a transcript")

    def _open_transcript_in_thread(self, path: Path) -> None:
        from core.generation.transcript import open_transcript

        try:
            self.post_message(self.Found(open_transcript(path), path))
        except LabError as error:
            self.post_message(self.Failed(error))

    @on(Found)
    def _found(self, message: Found) -> None:
        self.stop_streams()
        self._before = (self.answers, self.pieces, self.shown)
        self.answers, self.pieces, self.beside = message.found, {}, None
        if self.opened is not None:
            self.read_prompts(self.opened)
        answers = [b.id for _, b in self.answers.walk() if not b.is_root]
        self.show_branch(answers[0] if answers else None, at=0)
        self.tree_changed()
        self.say(f"{message.path.name}: {len(answers)} answers · U brings the tree before back")

    # --- prompts

    def action_starters(self) -> None:
        """Chooses among earlier prompts and some to begin with."""
        from screens.widgets.choose import Choice, Choose

        prompts = [*dict.fromkeys([*reversed(self.history), *STARTERS])]
        choices = [Choice(prompt, " ".join(prompt.split())[:50]) for prompt in prompts]

        def chosen(prompt: str | None) -> None:
            if prompt is not None:
                self.body.prompt.show(prompt)
                self.workbench.set(prompt=prompt)
                self.action_generate()

        self.app.push_screen(Choose("prompts", choices, current=self.prompt_text), chosen)


def copied(tree: Tree) -> Tree:
    """A tree that doesn't grow with this one, for a thread to write; long ones lose their oldest prompts."""
    return tree.copy(MOST)
