"""The themes of the lab, and which one fits a terminal."""

from __future__ import annotations

from textual.theme import Theme

from screens.widgets.ramps import Look

DARK = Theme(
    name="lab-dark",
    primary="#56B4E9",
    secondary="#3a6f95",
    accent="#E69F00",
    warning="#E69F00",
    error="#e8728d",
    success="#37b98b",
    foreground="#e4e6ea",
    background="#0f1216",
    surface="#151a20",
    panel="#1f2730",
    dark=True,
)
LIGHT = Theme(
    name="lab-light",
    primary="#005a8d",
    secondary="#3a7ca5",
    accent="#8a5200",
    warning="#8a5200",
    error="#a3123f",
    success="#00694b",
    foreground="#16191d",
    background="#f6f7f9",
    surface="#ffffff",
    panel="#dfe4ea",
    dark=False,
)
CONTRAST = Theme(
    name="lab-contrast",
    primary="#7fd0ff",
    secondary="#ffffff",
    accent="#ffd24a",
    warning="#ffd24a",
    error="#ff8aa5",
    success="#7dffc8",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#202020",
    dark=True,
    text_alpha=1.0,
)
OURS = (DARK, LIGHT, CONTRAST)


def theme_for(look: Look, wanted: str = "") -> str:
    """The theme's name: without colour ramps the terminal's own colours, otherwise what is wanted, or ours.

    >>> theme_for(Look(colours="none")), theme_for(Look()), theme_for(Look(light=True)), theme_for(Look(), "nord")
    ('ansi-dark', 'lab-dark', 'lab-light', 'nord')
    """
    if not look.ramps:
        return "ansi-light" if look.light else "ansi-dark"
    if look.present:
        return CONTRAST.name
    return wanted or (LIGHT.name if look.light else DARK.name)
