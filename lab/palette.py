"""The command palette: everything that has a key, and what has none."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from inspect import isawaitable
from typing import TYPE_CHECKING

from rich.text import Text
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider

from lab.palette_search import Entry, found

if TYPE_CHECKING:
    from textual.binding import ActiveBinding, Binding

    from lab.app import LabApp
    from screens.base import LabScreen

CURSOR = {"up", "down", "left", "right", "home", "end", "pageup", "pagedown", "j", "k", "tab", "shift+tab", "escape"}
"""Keys that go somewhere: nobody looks for them by name."""


class Palette(CommandPalette):
    """The toolkit's, which stumbles over a page key while its list is still being filled."""

    def _action_command_list(self, action: str) -> None:
        try:
            super()._action_command_list(action)
        except KeyError:  # there are rows, but no lines of them yet: the next press finds them
            return


WIDTH = 44
"""Cells of the titles; what helps stands beside them."""
LESSON = "Lesson of what is shown"


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
        """Those in which every word of the query is found; where there are none, those that are meant."""
        for points, entry in found(query, self._entries):
            yield Hit(points, marked(query, entry), entry.run, text=entry.title)

    async def discover(self) -> Hits:
        """All of them."""
        for entry in self._entries:
            yield DiscoveryHit(marked("", entry), entry.run, text=entry.title)


def entries(app: LabApp) -> Iterator[Entry]:
    """What the palette offers now: the screen's own first, with each key that has no words of its own here."""
    screen = app.lab_screen
    own, everywhere = list(of_screen(screen)) if screen is not None else [], list(of_app(app))
    yield from (in_sight(screen, entry) for entry in own) if screen is not None and screen.lesson_covers else own
    if screen is not None:
        yield from unnamed(screen, set().union(*map(keys_of, own + everywhere)))
    yield from everywhere


def in_sight(screen: LabScreen, entry: Entry) -> Entry:
    """The same behind a lesson that covers the screen: the lesson makes way, so that what happens is seen."""
    if entry.title == LESSON:
        return entry

    async def act() -> None:
        if screen.lesson_covers:
            await screen.close_lesson()
        done = entry.run()
        if isawaitable(done):
            await done

    return entry._replace(run=act)


def keys_of(entry: Entry) -> set[str]:
    """The keys that an entry's help begins with.

    >>> sorted(keys_of(Entry("Merge", ", .: one back, one on", print))), keys_of(Entry("Jobs", "J: progress", print))
    ([',', '.'], {'J'})
    """
    head = entry.help.split(": ")[0].removesuffix(":")
    return {word if len(word) == 1 else word.rstrip(",") for word in head.split()}


def unnamed(screen: LabScreen, named: set[str]) -> Iterator[Entry]:
    """The keys that work now, also those of the pane that has the focus, and that no entry has named."""
    groups: dict[tuple[str, int], list[ActiveBinding]] = {}
    for found_key in screen.active_bindings.values():
        groups.setdefault((found_key.binding.action, id(found_key.node)), []).append(found_key)
    for (action, _), group in groups.items():
        bindings = [one.binding for one in group]
        about, keys = bindings[0].tooltip, [shown_key(screen, binding) for binding in bindings]
        goes = not CURSOR.isdisjoint(binding.key for binding in bindings)
        a_door = action.startswith("door(")  # of a card, which says itself where it leads
        if group[0].enabled and about and named.isdisjoint(keys) and not (goes or a_door):
            run = partial(screen.app.run_action, action, group[0].node)
            yield Entry(about[:1].upper() + about[1:], " ".join(keys), run)


def shown_key(screen: LabScreen, binding: Binding) -> str:
    """A key as the key line writes it; of one that stands there for two, its own."""
    from dataclasses import replace

    return screen.app.get_key_display(replace(binding, key_display=None))


def of_screen(screen: LabScreen) -> Iterator[Entry]:
    """What the screen has words for, and what each of them can do."""
    for title, key, run in screen.commands():
        yield Entry(title, key, run)
    yield Entry("Take away", "y: as Python, command, JSON, CSV, SVG, PNG", screen.action_take_away, "export copy save")
    yield Entry("Copy as Python", "Y", screen.action_copy_python)
    yield Entry("Zoom", "z: the focused pane alone, and back", screen.action_zoom, "maximize")
    yield Entry(LESSON, "? f1: beside its numbers; again: away", screen.action_lesson, "help explain")


def of_app(app: LabApp) -> Iterator[Entry]:
    """What is the same on every screen."""
    from screens.catalogue import TITLES
    from screens.widgets.lesson import LESSONS

    for i, title in enumerate(TITLES, 1):
        yield Entry(f"Go to {title}", f"{i}", partial(app.action_go, i), "screen")
    yield Entry("Go to…", "g: a screen, from a list", app.action_go_list)
    yield Entry("Use model…", "w ^o: choose the model on the workbench", app.action_picker, "picker open compare")
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
    yield Entry("Keys", "f2: all keys that work now", app.action_keys, "bindings help shortcuts")
    for name in ("auto", "true", "256", "16", "none"):
        yield Entry(f"Colours: {name}", _note(app.settings.colours == name), partial(set_colours, app, name), "colors")
    for name in ("auto", "unicode", "ascii"):
        yield Entry(f"Symbols: {name}", _note(app.settings.symbols == name), partial(set_symbols, app, name))
    yield Entry("Present mode", "high contrast, nothing dim; again: back", partial(toggle_present, app))
    yield Entry("Theme…", "choose the colours of the app", app.search_themes, "dark light")
    yield Entry("Quit", "^q ctrl+q: training runs keep going", app.action_quit_lab, "exit")


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
