"""What the app remembers between starts: one small JSON file, replaced in one piece."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from core.files import Beside
from core.folders import state_dir


@dataclass(slots=True)
class Settings:
    """Plain values; a key that this version does not know is left out when read."""

    screen: str = "training"
    theme: str = ""
    """A theme by name; empty: chosen by what the terminal can do."""
    colours: str = "auto"
    """auto, true, 256, 16 or none."""
    symbols: str = "auto"
    """auto, unicode or ascii."""
    lesson_open: bool = False
    tour_seen: bool = False
    """Whether the tour was begun, or refused for good."""
    tour_offers: int = 0
    """How many starts have offered it."""
    tour_at: int = 0
    """The step at which it was left, from 0."""
    workbench: dict[str, Any] = field(default_factory=dict)
    keymap: dict[str, str] = field(default_factory=dict)
    """Other keys for bindings, by their id: ``{"app.picker": "f5"}``."""
    views: dict[str, Any] = field(default_factory=dict)
    """What each screen wants to find again, by its name."""

    def fresh(self) -> Settings:
        """As on the first day, but for the keys that a person chose, and for what was said to the tour."""
        kept = ("keymap", "tour_seen", "tour_offers", "tour_at")
        return Settings(**{name: getattr(self, name) for name in kept})


def settings_path() -> Path:
    """Where they are kept."""
    return state_dir() / "settings.json"


def load_settings(path: Path | None = None) -> tuple[Settings, str]:
    """The remembered settings, and what was wrong with the file (empty: nothing).

    A file that cannot be read is put aside as ``settings.json.bad``, so that nothing that was in it is lost.
    """
    path = path or settings_path()
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings(), ""
    except OSError as error:
        return Settings(), f"the remembered settings could not be read ({error.strerror}); the lab starts fresh"
    except (ValueError, RecursionError):
        return Settings(), _set_aside(path)
    if not isinstance(raw, dict):
        return Settings(), _set_aside(path)
    settings = Settings()
    for f in fields(Settings):
        if f.name in raw and type(raw[f.name]) is type(getattr(settings, f.name)):
            setattr(settings, f.name, raw[f.name])
    return settings, ""


def _set_aside(path: Path) -> str:
    bad = path.with_name(path.name + ".bad")
    try:
        path.replace(bad)
    except OSError:
        return f"the remembered settings in {path} are damaged; the lab starts fresh"
    return f"the remembered settings were damaged and are kept in {bad}; the lab starts fresh"


def save_settings(settings: Settings, path: Path | None = None) -> None:
    """Writes them beside their name and renames them into place.

    Raises:
        OSError: they cannot be written.
    """
    path = path or settings_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with Beside(path) as new:
        new.path.touch(0o600)  # prompts and questions are nobody else's
        new.path.write_text(json.dumps(asdict(settings), indent=1, ensure_ascii=False), encoding="utf-8")
        new.put()
