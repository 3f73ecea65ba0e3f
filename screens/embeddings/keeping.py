"""What the embeddings screen finds again at the next start: the last question that was answered, and those before it.

The demo vectors are open then, whatever was asked of others: a question whose words they lack gives way to the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeGuard

from core.vectors.groups import FIRST_QUERY

LONGEST = 500
"""Characters of a question: the settings are one small file."""


def keep(app: Any, query: str, history: Sequence[str]) -> None:
    """Remembers what was asked.

    Args:
        app: the lab; one without settings remembers nothing.
        query: the last question that was answered.
        history: the questions before it, the oldest first.
    """
    settings = getattr(app, "settings", None)
    if settings is None or len(query) > LONGEST:
        return
    view = {"query": query, "history": [text for text in history if len(text) <= LONGEST]}
    if view != settings.views.get("embeddings") and (query != FIRST_QUERY or "embeddings" in settings.views):
        settings.views["embeddings"] = view
        app.save_soon()


def kept(app: Any) -> tuple[str, list[str]]:
    """The question of the last time and those before it; what a newer version or a hand wrote is left out."""
    settings = getattr(app, "settings", None)
    view = settings.views.get("embeddings") if settings is not None else None
    if not isinstance(view, dict):
        return FIRST_QUERY, []
    query, history = view.get("query"), view.get("history")
    texts = [text for text in history if _fits(text)] if isinstance(history, list) else []
    return query if _fits(query) else FIRST_QUERY, texts


def _fits(text: object) -> TypeGuard[str]:
    return isinstance(text, str) and bool(text.strip()) and len(text) <= LONGEST
