"""Where things live on this machine: the cache, the runs, and what ships with the package. Nothing is created here."""

from __future__ import annotations

import os
from pathlib import Path

from core.errors import InputError


def cache_dir() -> Path:
    """The cache folder: ``LLM_LAB_CACHE``, or the platform's user cache."""
    if chosen := os.environ.get("LLM_LAB_CACHE"):
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("llm-lab", appauthor=False))


def runs_dir() -> Path:
    """The folder of runs: ``LLM_LAB_RUNS``, or ``./runs``."""
    return Path(os.environ.get("LLM_LAB_RUNS") or "runs").expanduser()


def state_dir() -> Path:
    """The folder of the app's remembered settings and its log: ``LLM_LAB_STATE``, or the platform's user state."""
    if chosen := os.environ.get("LLM_LAB_STATE"):
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_state_dir("llm-lab", appauthor=False))


def asset(*parts: str) -> Path:
    """The path of a file or folder that ships, in a checkout (``assets/``) and in a wheel (``core/_assets/``).

    Raises:
        InputError: it is in neither place.
    """
    here = Path(__file__).resolve().parent
    for root in (here / "_assets", here.parent / "assets"):
        path = root.joinpath(*parts)
        if path.exists():
            return path
    raise InputError(
        f"{'/'.join(parts)} did not come with this installation",
        "in a checkout `make assets` makes it; otherwise install llm-lab again",
    )
