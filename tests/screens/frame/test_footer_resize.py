"""The key line follows the terminal's width."""

from textual.app import App
from textual.binding import Binding
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
