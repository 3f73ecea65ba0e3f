"""The key line follows the terminal's width."""

from textual.app import App
from textual.binding import Binding
from textual.widgets import Static
from textual.widgets._footer import FooterKey

from screens.widgets.lab_footer import MOST, MOST_NARROW, LabFooter


class Keys(App[None]):
    """More keys than fit."""

    BINDINGS = [Binding(key, f"do('{key}')", f"Key {key}", id=f"x.{key}") for key in "abcdefghijkl"]  # noqa: RUF012

    def compose(self):
        yield LabFooter()


async def test_a_terminal_that_became_narrow_or_wide_has_the_keys_that_fit():
    app = Keys()
    async with app.run_test(size=(120, 36)) as pilot:
        for width, most in ((120, MOST + 1), (80, MOST_NARROW), (120, MOST + 1), (160, MOST + 1), (99, MOST_NARROW)):
            await pilot.resize_terminal(width, 24)
            await pilot.pause()
            await pilot.pause()
            shown = app.query(FooterKey)
            assert len(shown) == most, width  # the palette's beside them where there is room
            assert max(key.region.right for key in shown) <= width


class Panes(App[None]):
    """Two panes, one with a key of its own, and a third place like the first."""

    CSS = "Pane, Keyed { height: 3; }"
    BINDINGS = [Binding("a", "do('a')", "Key a", id="x.a")]  # noqa: RUF012

    def compose(self):
        yield Pane(id="first")
        yield Pane(id="second")
        yield Keyed(id="keyed")
        yield LabFooter()


class Pane(Static, can_focus=True):
    """Has no keys of its own."""


class Keyed(Static, can_focus=True):
    """Has one."""

    BINDINGS = [Binding("k", "app.bell", "Own key", id="x.k")]  # noqa: RUF012


async def test_keys_are_made_anew_only_where_they_are_others():
    app = Panes()
    async with app.run_test(size=(120, 36)) as pilot:

        async def keys_at(name: str):
            app.query_one(f"#{name}").focus()
            for _ in range(3):
                await pilot.pause()
            return list(app.query(FooterKey))

        first = await keys_at("first")
        assert first and all(a is b for a, b in zip(first, await keys_at("second"), strict=True)), "the very same"
        own = await keys_at("keyed")
        assert [key.description for key in own].count("Own key") == 1
        assert "Own key" not in [key.description for key in await keys_at("first")]
