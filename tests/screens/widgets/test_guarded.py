"""A widget that fails is told of, and the rest of the screen goes on."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import Input

from screens.widgets.guarded import NOT_DRAWN
from screens.widgets.lab_bar import LabBar
from screens.widgets.spark import Spark


class Broken(Spark):
    """Fails to draw until it is mended, and whenever it is clicked."""

    mended = False

    def render(self):
        if not self.mended:
            raise ZeroDivisionError("drawing")
        return super().render()

    def on_click(self) -> None:
        raise RuntimeError("a handler")


class Host(App[None]):
    """Collects what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Exception] = []

    def compose(self) -> ComposeResult:
        yield LabBar(("A", "B", "C", "D"), 4, "a chip")
        yield Broken()
        yield Input()

    def show_exception(self, error: Exception) -> None:
        self.told.append(error)


def drawn(app: App[None]) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


async def test_a_failing_drawing_is_told_once_and_comes_back_when_mended():
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        spark = app.query_one(Broken)
        for _ in range(3):
            spark.refresh()
            await pilot.pause()
        assert [type(e) for e in app.told] == [ZeroDivisionError]
        assert NOT_DRAWN in drawn(app) and "a chip" in drawn(app)
        spark.mended = True
        spark.show((1.0, 2.0))
        await pilot.pause()
        assert NOT_DRAWN not in drawn(app) and "▁█" in drawn(app)


async def test_a_failing_handler_is_told_and_keys_still_work():
    app = Host()
    async with app.run_test(size=(80, 24)) as pilot:
        app.query_one(Broken).mended = True
        await pilot.click(Broken)
        await pilot.pause()
        assert [str(e) for e in app.told if isinstance(e, RuntimeError)] == ["a handler"]
        app.query_one(Input).focus()
        await pilot.press("o", "k")
        assert app.query_one(Input).value == "ok"
