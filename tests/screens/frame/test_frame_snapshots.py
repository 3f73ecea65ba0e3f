"""How the shared widgets look: dark, light, 16 colours, without colour, ASCII alone, and in a small terminal."""

import time

import pytest
from textual.containers import Horizontal
from textual.widgets import Input, OptionList, Static

from core.errors import LabError
from core.shelf import GPT2_SIZES, ModelRef
from lab.app import LabApp
from screens.base import LabScreen, LessonView, TakeAwayRequest
from screens.widgets.picker import Picker
from screens.widgets.ramps import Look, bar_glyph, shade
from screens.widgets.take_away import TakeAway
from screens.widgets.virtual_list import VirtualList

DEMO = ModelRef(
    "demo", "demo@2000", "bundled", "finished", 901_120, "4L 4H 128", "char", "always here", steps=(500, 2000)
)


class Gallery(LabScreen):
    """One of each."""

    LAB_NAME = "Gallery"

    def compose_body(self):
        plain = self.look.ascii
        with Horizontal():
            rows = VirtualList(50_000, lambda i: f"row {i:,}", id="rows")
            rows.add_class("pane")
            rows.border_title = "rows"
            yield rows
            steps = [i / 15 for i in range(16)]
            text = "".join(bar_glyph(x, ascii_only=plain) for x in steps) + "\n"
            pane = Static(text + "".join(shade(x, ascii_only=plain) for x in steps), classes="pane", markup=False)
            pane.border_title = "glyphs that carry numbers"
            pane.styles.width = 40
            yield pane

    def on_mount(self):
        self.say("row 0 of 50,000 · enter opens it")
        self.count("2 runs keep going")
        doors = [("w", "other model", "app.picker"), ("u", "use demo", "app.use_demo")]
        self.problem(
            "#body", LabError("gpt2-355M is not on this machine (1.42 GB)", "fetch it, or take another"), doors
        )

    def lesson(self):
        return LessonView("L0", {"loss": "1.52"}, [("a rate ten times higher", "nothing")])


class GalleryApp(LabApp):
    """The lab with one screen more, which it opens at once."""

    def __init__(self, **options):
        super().__init__(screen="attention", **options)
        self.add_mode("gallery", self.gallery)

    def gallery(self):
        """In the third screen's place."""
        screen = Gallery(self.workbench)
        screen.lab_index = 3
        return screen

    def look_up_chip(self):
        """The demo may be trained anew; the picture must not change with it."""
        self.chip = "o demo@2000 - char - auto v" if self.look.ascii else "◆ demo@2000 · char · auto ▾"
        self._show_chip()


async def open_gallery(pilot):
    await pilot.app.switch_mode("gallery")
    pilot.app.screen.query_one(VirtualList).focus()
    pilot.app.look_up_chip()
    await pilot.pause()


@pytest.mark.parametrize(
    ("look", "size"),
    [
        pytest.param(Look(), (120, 36), id="dark"),
        pytest.param(Look(), (80, 24), id="dark-80x24"),
        pytest.param(Look(light=True), (120, 36), id="light"),
        pytest.param(Look(colours="16"), (80, 24), id="16-colours"),
        pytest.param(Look(colours="none"), (120, 36), id="no-color"),
        pytest.param(Look(ascii=True, colours="none"), (80, 24), id="ascii"),
    ],
)
def test_frame(snap_compare, monkeypatch, look, size):
    if look.colours == "none":
        monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(GalleryApp(look=look), terminal_size=size, run_before=open_gallery)


def test_picker(snap_compare):
    async def show(pilot):
        await open_gallery(pilot)
        picker = Picker(lambda: [DEMO, *GPT2_SIZES], current="demo")
        await pilot.app.push_screen(picker)
        while not picker.loaded:
            await pilot.pause()
        await pilot.press("down", "right")
        await pilot.app.workers.wait_for_complete()

    assert snap_compare(GalleryApp(), terminal_size=(120, 36), run_before=show)


def test_take_away(snap_compare):
    async def show(pilot):
        await open_gallery(pilot)
        request = TakeAwayRequest(
            "loss", 'import core\n\nrun = core.open_run("demo")\n', "llm-lab watch demo", {"loss": 1.5}
        )
        await pilot.app.push_screen(TakeAway("training", request))
        await pilot.pause()

    assert snap_compare(GalleryApp(), terminal_size=(80, 24), run_before=show)


def test_lesson(snap_compare):
    async def show(pilot):
        await open_gallery(pilot)
        await pilot.press("question_mark")
        await pilot.pause()

    assert snap_compare(GalleryApp(), terminal_size=(120, 36), run_before=show)


def test_jobs(snap_compare):
    async def show(pilot):
        await open_gallery(pilot)
        for name, done in (("pull gpt2", 120_000_000), ("ablate all heads", 0)):
            job = pilot.app.jobs.add(name, lambda: None)
            job.started = time.monotonic() + 1e6  # nothing is said of a speed
            if done:
                job.done, job.total, job.text = done, 498_000_000, "120 MB of 498 MB"
        failed = pilot.app.jobs.add("twin demo")
        failed.fail(LabError("TensorFlow is not installed", "pip install 'llm-lab[keras]'"))
        await pilot.press("J")
        await pilot.pause()

    assert snap_compare(GalleryApp(), terminal_size=(80, 24), run_before=show)


@pytest.mark.parametrize("size", [(120, 36), (80, 24)], ids=["normal", "narrow"])
def test_palette(snap_compare, size):
    async def show(pilot):
        await open_gallery(pilot)
        await pilot.press("ctrl+p")
        palette = pilot.app.screen
        palette.query_one(Input).value = "lesson atten"
        rows = palette.query_one(OptionList)
        # Until then the list may be the one before anything was typed.
        while rows.option_count != 1 or palette._show_busy or any(not w.is_finished for w in palette.workers):
            await pilot.pause(0.01)
        await pilot.pause()

    assert snap_compare(GalleryApp(), terminal_size=size, run_before=show)


@pytest.mark.parametrize("size", [(70, 20), (52, 14)], ids=["tiny", "too-small"])
def test_small_terminals(snap_compare, size):
    assert snap_compare(GalleryApp(), terminal_size=size, run_before=open_gallery)
