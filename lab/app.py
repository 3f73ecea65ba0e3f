"""The app: six screens in one frame, what they share, and what holds everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from textual import on
from textual.app import App
from textual.binding import Binding, BindingType

from core.folders import asset, runs_dir
from core.workbench import Workbench
from lab.settings import Settings
from lab.themes import OURS, theme_for
from screens.base import LabScreen
from screens.widgets.jobs import JobStore
from screens.widgets.lab_bar import LabBar
from screens.widgets.ramps import Look

SCREENS = ("tokenizer", "embeddings", "attention", "training", "generation", "weights")


class LabApp(App[int]):
    """LLM Lab."""

    TITLE = "LLM Lab"
    ESCAPE_TO_MINIMIZE = False
    NOTIFICATION_TIMEOUT = 5
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(str(i), f"go({i})", name.capitalize(), show=False, id=f"app.go-{i}", tooltip=f"the {name} screen")
            for i, name in enumerate(SCREENS, 1)
        ),
        Binding("ctrl+q", "quit_lab", "Quit", show=False, priority=True, id="app.quit", tooltip="runs keep going"),
    ]

    def __init__(
        self,
        *,
        screen: str = "training",
        workbench: Workbench | None = None,
        settings: Settings | None = None,
        runs: Path | None = None,
        run: str | None = None,
        look: Look | None = None,
    ) -> None:
        self.DEFAULT_MODE = screen  # type: ignore[misc]  # the toolkit looks it up on the instance
        super().__init__(css_path=asset("lab.tcss"))
        self.settings = settings or Settings()
        self.workbench = workbench or Workbench()
        self.jobs = JobStore()
        self.look = look or Look()
        self.runs_dir = runs or runs_dir()
        self._run = run
        self.chip = ""
        for theme in OURS:
            self.register_theme(theme)
        self.theme = theme_for(self.look, self.settings.theme)
        for name in SCREENS:
            self.add_mode(name, self._maker(name))

    @property
    def ascii_only(self) -> bool:
        """Whether only ASCII may be drawn."""
        return self.look.ascii

    def _maker(self, name: str) -> Callable[[], LabScreen]:
        return lambda: self._make_screen(name)

    def _make_screen(self, name: str) -> LabScreen:
        if name == "training":
            from screens.training import TrainingScreen

            return TrainingScreen(self.workbench, self.runs_dir)
        from screens.coming import COMING, ComingScreen

        return ComingScreen(self.workbench, next(c for c in COMING if c.name == name))

    def action_go(self, number: int) -> None:
        """Goes to a screen by its number."""
        self.switch_mode(SCREENS[number - 1])

    @on(LabBar.Go)
    def _go(self, event: LabBar.Go) -> None:
        self.action_go(event.screen)

    def action_quit_lab(self) -> None:
        """Quits; training runs go on."""
        self.exit(0)


def run_app(
    screen: str = "training", model: str | None = None, fresh: bool = False, run: str | None = None, **_: Any
) -> int:
    """Opens the lab in this terminal and returns the exit code."""
    app = LabApp(screen=screen, run=run)
    return app.run() or app.return_code or 0
