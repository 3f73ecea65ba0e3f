"""How worked steps look: dark, light, 16 colours, without colour, ASCII alone, wide and narrow."""

from dataclasses import dataclass

import pytest
from textual.app import App

from screens.widgets.math_steps import MathSteps
from screens.widgets.ramps import Look


@dataclass(frozen=True)
class OneCheck:
    ok: bool
    text: str


@dataclass(frozen=True)
class OneStep:
    title: str
    why: str
    lines: tuple[str, ...]
    check: OneCheck | None = None


STEPS = (
    OneStep("input", "the 128 numbers that stand for #9 ‘·to’", ("x             1.4753  -0.6140   2.3296 …",)),
    OneStep(
        "softmax",
        "e to each score less the largest, over their sum: a row that makes 1",
        ("    #    score   weight  token", "    0  -0.4280   0.0617  The", "    1  -2.1263   0.0113  日本"),
        OneCheck(True, "equals the trace's row of attention to 1e-7"),
    ),
    OneStep("join", "side by side", ("out",), OneCheck(False, "differs from the fast path by 2.5e-01")),
)


class Sheet(App[None]):
    """The steps alone."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self.look = look
        self.theme = "textual-light" if look.light else "textual-dark"

    def compose(self):
        yield MathSteps()

    async def on_mount(self):
        sheet = self.query_one(MathSteps)
        sheet.wear(self.look)
        sheet.show(STEPS)
        sheet.focus()


async def second_step(pilot):
    await pilot.press("full_stop")
    await pilot.pause()


@pytest.mark.parametrize(
    ("look", "size"),
    [
        pytest.param(Look(), (76, 24), id="dark"),
        pytest.param(Look(), (44, 12), id="dark-narrow"),
        pytest.param(Look(light=True), (76, 24), id="light"),
        pytest.param(Look(colours="16"), (76, 24), id="16-colours"),
        pytest.param(Look(colours="none"), (76, 24), id="no-color"),
        pytest.param(Look(colours="none", ascii=True), (76, 24), id="ascii"),
    ],
)
def test_worked_steps(snap_compare, monkeypatch, look, size):
    if look.colours == "none":
        monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(Sheet(look), terminal_size=size, run_before=second_step)
