"""What the tokens screen finds again at the next start: a text that was typed, or the sample that was opened.

A file and a corpus are not copied into the settings: after them the screen begins as on the first day.
"""

from __future__ import annotations

from typing import Any

from screens.tokens.texts import FIRST, Source

KEPT_AT_MOST = 20_000
"""Characters: the settings are one small file."""


def keep(app: Any, source: Source) -> None:
    """Remembers a text, or forgets the one before it.

    Args:
        app: the lab; one without settings remembers nothing.
        source: the text, and where it came from.
    """
    settings = getattr(app, "settings", None)
    if settings is None:
        return
    elsewhere = source.word or source.python
    if elsewhere or not source.text.strip() or source.text == FIRST or len(source.text) > KEPT_AT_MOST:
        settings.views.pop("tokens", None)
    else:
        settings.views["tokens"] = {"text": source.text, "name": source.name}
    app.save_soon()


def kept(app: Any) -> Source | None:
    """The text of the last time, if there is one; what a newer version or a hand wrote is left out."""
    settings = getattr(app, "settings", None)
    view = settings.views.get("tokens") if settings is not None else None
    text, name = (view.get("text"), view.get("name")) if isinstance(view, dict) else (None, None)
    if not isinstance(text, str) or not text.strip() or len(text) > KEPT_AT_MOST:
        return None
    return Source(text, name if isinstance(name, str) else "")
