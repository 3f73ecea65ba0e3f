"""Text of an exact width in terminal cells: wide characters take two, so counting characters would shift columns."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size


def fit(text: str, room: int, ellipsis: str = "…") -> str:
    """A text in exactly ``room`` cells: padded with spaces, or cut with an ellipsis.

    >>> fit("demo", 6), fit("shakespeare", 6), fit("莎士比亚", 6)
    ('demo  ', 'shake…', '莎士 …')
    """
    if cell_len(text) <= room:
        return set_cell_size(text, room)
    return set_cell_size(text, room - 1) + ellipsis if room > 0 else ""


def fit_label(label: str, room: int, ellipsis: str = "…") -> str:
    """A model's label in exactly ``room`` cells; a long run name is cut and the step behind the ``@`` stays.

    >>> fit_label("shakespeare-1min@800", 14), fit_label("demo@2000", 14)
    ('shakespea…@800', 'demo@2000     ')
    """
    name, at, step = label.rpartition("@")
    if not at or cell_len(label) <= room or len(step) + 2 >= room:
        return fit(label, room, ellipsis)
    return fit(name, room - len(step) - 1, ellipsis) + at + step
