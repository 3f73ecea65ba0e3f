"""From what was typed and what was remembered to an app that runs."""

from __future__ import annotations

from core.workbench import Workbench
from lab.app import LabApp
from lab.leaving import run_and_leave
from lab.look import choose_look
from lab.opening import AS_BEFORE, Opening
from lab.settings import load_settings
from screens.catalogue import SCREENS


def make_app(opening: Opening = AS_BEFORE) -> LabApp:
    """The lab as a person starts it; the screen by its name in ``screens.catalogue``."""
    settings, notice = load_settings()
    if opening.fresh:
        settings = settings.fresh()
    look = choose_look(
        settings,
        ascii_only=opening.ascii_only,
        present=opening.present,
        light=opening.light,
        colours=opening.colours,
    )
    workbench = Workbench.from_dict(settings.workbench)
    if opening.model:
        workbench.set(a=opening.model)
    if opening.text:
        workbench.set(prompt=opening.text)
    name = opening.screen or (settings.screen if settings.screen in SCREENS else "training")
    if name == "attention":
        from screens.attention.early import prepare

        prepare()
    app = LabApp(
        screen=name,
        workbench=workbench,
        settings=settings,
        run=opening.run,
        lesson=opening.lesson,
        tour=opening.tour,
        look=look,
        notice=notice,
        frame_first=True,
    )
    app.remember = True
    app.bench_remembered = not opening.model
    return app


def run_app(opening: Opening = AS_BEFORE) -> int:
    """Opens the lab in this terminal and returns the exit code."""
    return run_and_leave(make_app(opening))
