"""What this terminal can show, from its environment and from what its owner chose."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import cast, get_args

from lab.settings import Settings
from screens.widgets.ramps import Colours, Look, detect


def choose_look(
    settings: Settings,
    *,
    ascii_only: bool | None = None,
    present: bool = False,
    light: bool | None = None,
    colours: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Look:
    """How to draw: what was typed stands before what the environment says, and that before what was remembered.

    >>> choose_look(Settings(colours="256"), environ={"TERM": "xterm-256color", "NO_COLOR": "1"}).colours
    'none'
    >>> choose_look(Settings(), environ={"TERM": "xterm", "COLORFGBG": "0;15"}).light
    True
    """
    env = os.environ if environ is None else environ
    wanted = colours or ("none" if env.get("NO_COLOR") else settings.colours)
    kind = cast(Colours, wanted) if wanted in get_args(Colours) else detect(env)
    return Look(
        colours=kind,
        ascii=settings.symbols == "ascii" if ascii_only is None else ascii_only,
        light=background_is_light(env) if light is None else light,
        present=present,
    )


def background_is_light(environ: Mapping[str, str]) -> bool:
    """Whether the terminal says that its background is light (``COLORFGBG``, which some set).

    >>> background_is_light({"COLORFGBG": "15;0"}), background_is_light({"COLORFGBG": "0;default;15"})
    (False, True)
    """
    return environ.get("COLORFGBG", "").rpartition(";")[2] in ("7", "15")
