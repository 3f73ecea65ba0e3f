"""From what was typed and what was remembered to an app that runs."""

from __future__ import annotations

from typing import Any

from core.workbench import Workbench
from lab.app import LabApp
from lab.leaving import run_and_leave
from lab.look import choose_look
from lab.settings import load_settings
from screens.catalogue import SCREENS


def make_app(
    screen: str | None = None,
    model: str | None = None,
    fresh: bool = False,
    run: str | None = None,
    *,
    lesson: str | None = None,
    tour: int | None = None,
    ascii_only: bool | None = None,
    present: bool = False,
    light: bool | None = None,
    colours: str | None = None,
) -> LabApp:
    """The lab as a person starts it: with what was remembered, and what was typed before that.

    Args:
        screen: its name in ``screens.catalogue``; None: the one that was open the last time.
        model: what the workbench holds at first.
        fresh: ignore what was remembered.
        run: the run that the training screen shows at first.
        lesson: the lesson that is open at first, on its screen: ``L3``.
        tour: the step of the tour that is open at first, from 0; negative: where it was left.
        ascii_only: draw with ASCII alone; None: as remembered.
        present: high contrast, nothing dim.
        light: a light background; None: as the terminal says, where it does.
        colours: true, 256, 16 or none; None: as remembered, or as the terminal says.
    """
    settings, notice = load_settings()
    if fresh:
        settings = settings.fresh()
    look = choose_look(settings, ascii_only=ascii_only, present=present, light=light, colours=colours)
    workbench = Workbench.from_dict(settings.workbench)
    if model:
        workbench.set(a=model)
    name = screen or (settings.screen if settings.screen in SCREENS else "training")
    if name == "attention":
        from screens.attention.early import prepare

        prepare()
    app = LabApp(
        screen=name,
        workbench=workbench,
        settings=settings,
        run=run,
        lesson=lesson,
        tour=tour,
        look=look,
        notice=notice,
        frame_first=True,
    )
    app.remember = True
    app.bench_remembered = not model
    return app


def run_app(*args: Any, **kwargs: Any) -> int:
    """Opens the lab in this terminal and returns the exit code; takes what ``make_app`` takes."""
    return run_and_leave(make_app(*args, **kwargs))
