"""Size classes of a screen: what fits decides which panes are open (SCREENS.md 2.9)."""

from __future__ import annotations

WIDE, NORMAL, NARROW, TINY = 150, 100, 80, 60
"""Columns from which a size class begins."""
HIGH, TALL, SHORT, TINY_ROWS = 50, 30, 24, 16
"""Rows from which one begins."""
LESSON, LESSON_WIDE = 36, 60
"""Columns of the lesson beside the body."""


TOO_SMALL = "-too-small"
"""The class of a size in which nothing but a line fits that says so."""


def is_too_small(width: int, height: int) -> bool:
    """Whether nothing but the message that says so fits."""
    return width < TINY or height < TINY_ROWS


def too_small(width: int, height: int) -> str:
    """The message for a terminal of so many cells.

    >>> too_small(52, 14)
    'needs 60×16, has 52×14'
    """
    return f"needs {TINY}×{TINY_ROWS}, has {width}×{height}"


def size_classes(width: int, height: int) -> tuple[str, ...]:
    """The size classes of a body of so many cells.

    >>> size_classes(120, 36), size_classes(80, 24), size_classes(70, 20), size_classes(50, 12)
    (('-normal',), ('-narrow', '-short'), ('-tiny',), ('-too-small',))
    >>> size_classes(300, 100)
    ('-wide', '-high')
    """
    if is_too_small(width, height):
        return (TOO_SMALL,)
    if width < NARROW or height < SHORT:
        return ("-tiny",)
    across = "-wide" if width >= WIDE else "-normal" if width >= NORMAL else "-narrow"
    down = ("-high",) if height >= HIGH else () if height >= TALL else ("-short",)
    return (across, *down)


ALL_SIZES = ("-high", "-wide", "-normal", "-narrow", "-short", "-tiny", TOO_SMALL)
