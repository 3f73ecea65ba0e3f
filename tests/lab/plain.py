"""The lab with one screen that does nothing, for tests of what holds on all of them."""

from textual.widgets import Static

from lab.app import LabApp
from screens.base import LabScreen


class PlainScreen(LabScreen):
    """A pane of words, and nothing of its own."""

    LAB_NAME = "Plain"

    def compose_body(self):
        pane = Static("A pane of words.", classes="pane plain", markup=False)
        pane.border_title = "Plain"
        yield pane


class PlainApp(LabApp):
    """The lab; where the third screen would be is the plain one."""

    def _make_screen(self, name):
        return PlainScreen(self.workbench) if name == "attention" else super()._make_screen(name)


def lab(**options):
    """The lab on the plain screen."""
    return PlainApp(screen=options.pop("screen", "attention"), **options)
