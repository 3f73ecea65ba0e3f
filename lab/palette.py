"""The command palette: everything that has a key, and what has none; found by words in any order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from rich.text import Text
from textual.command import DiscoveryHit, Hit, Hits, Provider

if TYPE_CHECKING:
    from lab.app import LabApp


class Entry(NamedTuple):
    """One line of the palette."""

    title: str
    help: str
    run: Callable[[], object]
    alias: str = ""
    """Other words by which it is found."""


def score(query: str, entry: Entry) -> float:
    """How well an entry fits: 0 unless every word of the query is in it; whole words and the title count more.

    >>> entry = Entry("h.5.attn.c_attn", "a tensor", lambda: None, "h 5 attn c_attn")
    >>> score("attn 5", entry) > 0, score("attn 7", entry)
    (True, 0.0)
    """
    title, rest = entry.title.lower(), f"{entry.alias} {entry.help}".lower()
    words = set(f"{title} {rest}".replace(".", " ").split())
    total = 0.0
    asked = query.lower().split()
    for word in asked:
        if word in words:
            total += 1.0
        elif word in title:
            total += 0.8
        elif word in rest:
            total += 0.5
        else:
            return 0.0
    starts = 0.5 if asked and title.startswith(asked[0]) else 0.0
    return (total / max(1, len(asked)) + starts) / 1.5


WIDTH = 44
"""Cells of the titles; what helps stands beside them."""


def marked(query: str, entry: Entry) -> Text:
    """One line: the title with the found words underlined, then its key or what helps."""
    title = entry.title
    text = Text(f"{title:<{WIDTH}} ", no_wrap=True, overflow="ellipsis")
    text.append(entry.help, "dim")
    for word in query.lower().split():
        at = title.lower().find(word)
        if at >= 0:
            text.stylize("underline", at, at + len(word))
    return text


class LabCommands(Provider):
    """The lab's own commands and those of the screen that is shown."""

    async def startup(self) -> None:
        """Collects them once, when the palette opens."""
        self._entries = list(entries(self._lab))

    @property
    def _lab(self) -> LabApp:
        from lab.app import LabApp

        app = self.app
        assert isinstance(app, LabApp)
        return app

    async def search(self, query: str) -> Hits:
        """Those in which every word of the query is found."""
        for entry in self._entries:
            points = score(query, entry)
            if points:
                yield Hit(points, marked(query, entry), entry.run, text=entry.title)

    async def discover(self) -> Hits:
        """All of them."""
        for entry in self._entries:
            yield DiscoveryHit(marked("", entry), entry.run, text=entry.title)


def entries(app: LabApp) -> Iterator[Entry]:
    """What the palette offers now: the screen's own first."""
    from screens.catalogue import TITLES
    from screens.widgets.lesson import LESSONS

    screen = app.lab_screen
    if screen is not None:
        for title, key, run in screen.commands():
            yield Entry(title, key, run)
        yield Entry(
            "Take away", "y: as Python, command, JSON, CSV, SVG, PNG", screen.action_take_away, "export copy save"
        )
        yield Entry("Copy as Python", "Y", screen.action_copy_python)
        yield Entry("Zoom", "z: the focused pane alone, and back", screen.action_zoom, "maximize")
    for i, title in enumerate(TITLES, 1):
        yield Entry(f"Go to {title}", f"{i}", partial(app.action_go, i), "screen")
    yield Entry("Use model…", "w: choose the model on the workbench", app.action_picker, "picker open compare")
    yield Entry("Use model demo", "the one that ships", app.action_use_demo)
    yield Entry("Compare with nothing", "empties slot B", partial(app.use, b=None))
    yield Entry("Previous checkpoint", "<", partial(app.action_step_model, -1), "earlier model")
    yield Entry("Next checkpoint", ">", partial(app.action_step_model, 1), "later model")
    for info in LESSONS:
        yield Entry(
            f"Lesson {info.id[1:]}: {info.title}", f"screen {info.screen}", partial(app.open_lesson, info.id), "help"
        )
    for title, about, step in app.tour_commands():
        yield Entry(title, about, partial(app.action_tour, step), "help begin first")
    yield Entry("Jobs", "J: progress, cancel", app.action_jobs)
    yield Entry("Keys", "F2: all keys that work now", app.action_keys, "bindings help shortcuts")
    for name in ("auto", "true", "256", "16", "none"):
        yield Entry(f"Colours: {name}", _note(app.settings.colours == name), partial(set_colours, app, name), "colors")
    for name in ("auto", "unicode", "ascii"):
        yield Entry(f"Symbols: {name}", _note(app.settings.symbols == name), partial(set_symbols, app, name))
    yield Entry("Present mode", "high contrast, nothing dim; again: back", partial(toggle_present, app))
    yield Entry("Theme…", "choose the colours of the app", app.search_themes, "dark light")
    yield Entry("Quit", "ctrl+q: training runs keep going", app.action_quit_lab, "exit")


def _note(current: bool) -> str:
    return "now" if current else ""


def set_colours(app: LabApp, name: str) -> None:
    """Remembers which colours to use and puts on the theme for them."""
    from lab.look import choose_look

    app.settings.colours = name
    app.save_soon()
    app.wear(choose_look(app.settings, ascii_only=app.look.ascii, present=app.look.present, light=app.look.light))


def set_symbols(app: LabApp, name: str) -> None:
    """Remembers which symbols to draw with and draws with them at once."""
    from dataclasses import replace

    app.settings.symbols = name
    app.save_soon()
    app.wear(replace(app.look, ascii=name == "ascii"))


def toggle_present(app: LabApp) -> None:
    """High contrast, or back."""
    from dataclasses import replace

    app.wear(replace(app.look, present=not app.look.present))
