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


def fit_end(text: str, room: int, ellipsis: str = "…") -> str:
    """The same of a text that is known by its end: what there is no room for goes from its beginning.

    >>> fit_end("demo", 6), fit_end("shakespeare", 6), fit_end("莎士比亚", 6)
    ('demo  ', '…peare', '…比亚 ')
    """
    if cell_len(text) <= room:
        return fit(text, room, ellipsis)
    start = next((i for i in range(len(text)) if cell_len(text[i:]) < room), len(text))
    return fit(ellipsis + text[start:], room, ellipsis)


def fit_label(label: str, room: int, ellipsis: str = "…") -> str:
    """A model's label in exactly ``room`` cells; a long run name is cut and the step behind the ``@`` stays.

    >>> fit_label("shakespeare-1min@800", 14), fit_label("demo@2000", 14)
    ('shakespea…@800', 'demo@2000     ')
    """
    name, at, step = label.rpartition("@")
    if not at or cell_len(label) <= room or len(step) + 2 >= room:
        return fit(label, room, ellipsis)
    return fit(name, room - len(step) - 1, ellipsis) + at + step


def spread(text: str) -> list[str]:
    """A text as one string for each cell, so that it can be laid into a row by its columns.

    What is two cells wide is followed by nothing, and marks without a width stay with what they stand over.

    >>> spread("a猫b"), spread("e\u0301!")
    (['a', '猫', '', 'b'], ['e\u0301', '!'])
    """
    out: list[str] = []
    for sign in text:
        width = cell_len(sign)
        if width == 0 and out:
            out[-1 if out[-1] else -2] += sign
        else:
            out += [sign, *[""] * (width - 1)]
    return out
