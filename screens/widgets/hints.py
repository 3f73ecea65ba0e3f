"""What is written in the edges of panes and in the last line of dialogs can be clicked: keys, and tabs in brackets.

A hint is a key and a word or two (``m measure``, ``, . step``), hints stand apart by `` · `` or two spaces. Of tabs
(``[Pattern]  Maths  Lens``) the one in brackets is shown, and ``v`` goes to the next. Leaves out what the keys do.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

from textual import events
from textual.content import Content
from textual.errors import NoWidget
from textual.keys import _character_to_key
from textual.screen import Screen
from textual.widget import Widget

_PIECE = re.compile(r"(?:(?! · |  ).)+")
_TABS = re.compile(r"(?:\S+(?: \S+)?  )*\[[^\]]+\](?:  \S+(?: \S+)?)*")
NAMES = {"esc": "escape", "pgup": "pageup", "pgdn": "pagedown"}
WORDS = frozenset({"enter", "esc", "tab", "space", "left", "right", "up", "down", "home", "end", "pgup", "pgdn"})
NEXT_VIEW = "v"


def key_named(word: str) -> str | None:
    """The key that a word of a hint names.

    >>> [key_named(word) for word in ("m", ",", "esc", "ctrl+s", "R", "step", "x:", "·")]
    ['m', 'comma', 'escape', 'ctrl+s', 'R', None, 'x', None]
    """
    word = word.removesuffix(":") or word
    if word in WORDS:
        return NAMES.get(word, word)
    if re.fullmatch(r"ctrl\+[a-z]|f\d+", word):
        return word
    return _character_to_key(word) if len(word) == 1 and word.isascii() and not word.isdigit() else None


def keys_at(text: str, column: int, bound: Collection[str]) -> Sequence[str]:
    """The keys to press for a click on a text: one, or as many ``v`` as lead to a tab; none where nothing is named.

    Args:
        text: what stands there.
        column: of the click, from the text's first character.
        bound: the keys that do something now.

    >>> keys_at("m measure  s axis", 12, {"m", "s"}), keys_at(", . step · p play", 2, {"comma", "full_stop", "p"})
    (['s'], ['full_stop'])
    >>> keys_at("[text]  ids · v    windows · t", 21, {"v", "t"})
    ['t']
    >>> keys_at("[Pattern]  Maths  Lens · L0", 19, {"v"}), keys_at("4×4 heads · entropy", 2, {"m"})
    (['v', 'v'], [])
    """
    if not 0 <= column < len(text):
        return []
    tabs = _TABS.match(text) or re.search(rf"(?:^| ){_TABS.pattern}", text)
    if tabs is not None and tabs.start() <= column < tabs.end():
        return _tab_keys(tabs[0], column - tabs.start()) if NEXT_VIEW in bound else []
    pieces = list(_PIECE.finditer(text))
    at = next((i for i, m in enumerate(pieces) if m.start() <= column < m.end()), None)
    if at is None:
        return []
    piece, after = pieces[at], pieces[at + 1][0].strip(" ·") if at + 1 < len(pieces) else ""
    words = piece[0].strip(" ·").split()
    if words and key_named(words[0]) is None and key_named(after) in bound:  # a name, and its key behind it
        return [str(key_named(after))]
    leading: list[tuple[int, str]] = []
    for word in re.finditer(r"[^\s·]+", piece[0]):
        key = key_named(word[0])
        if key is None or key not in bound:
            break
        leading.append((word.start(), key))
    under = next((key for start, key in leading if start == column - piece.start()), None)
    return [under or leading[0][1]] if leading else []


def _tab_keys(tabs: str, column: int) -> list[str]:
    names = [(m.start(), m.end(), m[0]) for m in re.finditer(r"\S+(?: \S+)*", tabs)]
    now = next(i for i, (_, _, name) in enumerate(names) if name.startswith("["))
    wanted = next((i for i, (start, end, _) in enumerate(names) if start <= column < end), now)
    return [NEXT_VIEW] * ((wanted - now) % len(names))


def edge_text(widget: Widget, x: int, y: int) -> tuple[str, int]:
    """The title or subtitle in the edge of a widget at a place of it, and the column in that text; '' and -1: none."""
    width, height = widget.outer_size
    if not widget.styles.border or y not in (0, height - 1) or not widget.styles.border_top[0]:
        return "", -1
    # The toolkit gives a title back as markup only, in which a tab in brackets is lost.
    said: Content | None = widget._border_title if y == 0 else widget._border_subtitle
    text = said.plain if said is not None else ""
    room = width - 6
    start = 3 if y == 0 or len(text) >= room else width - 3 - len(text)
    return text, x - start


def widget_under(screen: Screen[Any], event: events.Click) -> Widget | None:
    """What was clicked; the event names each widget that it comes by."""
    try:
        return screen.get_widget_at(event.screen_x, event.screen_y)[0]
    except NoWidget:
        return None


async def press_hint(screen: Screen[Any], event: events.Click) -> bool:
    """Presses the keys that a clicked hint names; whether there were any."""
    widget = widget_under(screen, event)
    if widget is None:
        return False
    x, y = event.screen_x - widget.region.x, event.screen_y - widget.region.y
    if widget.id == "keys":
        line = widget.render_line(y - widget.gutter.top).text if 0 <= y < widget.size.height else ""
        text, column = line, x
    else:
        text, column = edge_text(widget, x, y)
    if column < 0 or not text:
        return False
    pane = widget if widget.focusable else next((w for w in widget.query("*") if w.focusable), None)
    if pane is not None and not widget.has_focus_within and widget.id != "keys":
        screen.set_focus(pane)
    bound = {NAMES.get(key, key) for key in screen.active_bindings}
    keys = keys_at(text, column, bound | WORDS)
    kinds = {cls.__name__ for cls in type(screen.focused).__mro__}  # by name: importing TextArea takes long
    if kinds & {"Input", "TextArea"} and any(len(key) == 1 or key in ("comma", "full_stop") for key in keys):
        screen.set_focus(None)  # else the letter would be typed
    for key in keys:
        active = screen.active_bindings.get(key)
        if active is None:
            screen.app.simulate_key(key)
        elif active.enabled:
            await screen.app.run_action(active.binding.action, active.node)
    return bool(keys)
