"""How the console looks, with an answer made by hand: no model, nothing that differs between machines."""

import math
from types import SimpleNamespace

import pytest
from console_pilots import step, until

from core.generation.score import TokenScore
from core.generation.settings import SamplingConfig
from core.generation.steps import Alternative, Choice
from core.workbench import Bench, Workbench
from lab.app import LabApp
from screens.generation.screen import GenerationScreen
from screens.widgets.ramps import Look

PROMPT = "First Citizen:"
ANSWER = (
    (b"\n", 0.97), (b"We", 0.24), (b" are", 0.81), (b" accounted", 0.04), (b" poor", 0.33), (b" citizens", 0.62),
    (b",", 0.9), (b" the", 0.41), (b" king", 0.31), (b" caf", 0.02), (b"\xc3", 0.6), (b"\xa9", 0.99), (b".", 0.7),
    (b"\n", 0.88), (b"What", 0.2), (b" authority", 0.01), (b" surfeits", 0.005), (b" on", 0.95),
)  # fmt: skip
SAMPLING = SamplingConfig(temperature=0.8, top_k=20)


class ConsoleApp(LabApp):
    """The lab on the console; the chip does not change with the demo."""

    def look_up_chip(self):
        """Says what the demo is called, whichever it is."""
        self.chip = "o demo@2000 - bpe512 - cpu v" if self.look.ascii else "◆ demo@2000 · bpe512 · cpu ▾"
        self._show_chip()


@pytest.fixture
def no_model(monkeypatch):
    """Nothing is opened: what is shown was made by hand."""
    monkeypatch.setattr(GenerationScreen, "open_model", lambda self: None)


async def fill_in(pilot):
    screen = pilot.app.screen
    tree = screen.answers
    screen.sampling = SAMPLING
    root = tree.add_root(PROMPT, (1, 2, 3))
    screen.pieces[root.id] = (b"First", b" Citizen", b":")
    first = tree.add(root.id, "demo", SAMPLING)
    for place, (piece, p) in enumerate(ANSWER):
        shown = step(place, piece, p, drawn=min(1.0, 1.2 * p), rank=1 + round(3 / p), entropy=8 * (1 - p))
        tree.extend(first.id, shown)
    other = tree.branch(first.id, 8)
    for place, piece in enumerate((b" queen", b" and", b" her"), 8):
        tree.extend(other.id, step(place, piece, 0.2))
    tree.extend(tree.branch(first.id, 4).id, step(4, b" good", 0.1))
    screen.tree_changed()
    screen.show_branch(first.id, at=8)
    await pilot.pause()


@pytest.mark.parametrize(
    ("look", "size"),
    [
        pytest.param(Look(), (120, 36), id="normal"),
        pytest.param(Look(), (80, 24), id="narrow"),
        pytest.param(Look(), (200, 50), id="roomy"),
        pytest.param(Look(light=True), (120, 36), id="light"),
        pytest.param(Look(colours="none"), (120, 36), id="no-color"),
        pytest.param(Look(ascii=True, colours="none"), (80, 24), id="ascii"),
    ],
)
def test_the_console(snap_compare, no_model, monkeypatch, look, size):
    """Check 7: without colour the row of bars carries the probabilities."""
    if look.colours == "none":
        monkeypatch.setenv("NO_COLOR", "1")
    app = ConsoleApp(screen="generation", workbench=Workbench(Bench(a="demo", prompt=PROMPT)), look=look)
    assert snap_compare(app, terminal_size=size, run_before=fill_in)


def test_two_answers_side_by_side(snap_compare, no_model):
    async def compare(pilot):
        await fill_in(pilot)
        screen = pilot.app.screen
        screen.compare_with(screen.shown + 1)
        await pilot.pause()

    app = ConsoleApp(screen="generation", workbench=Workbench(Bench(a="demo", prompt=PROMPT)))
    assert snap_compare(app, terminal_size=(120, 36), run_before=compare)


def scored_by_hand(screen, number, text, cancelled, spec, device):
    """What the thread that scores posts, without a model."""
    pieces = (b"First", b" Citizen", b":", *(piece for piece, _ in ANSWER))
    tokens = [TokenScore(0, pieces[0], None, None, None)]
    for place, (piece, p) in enumerate(zip(pieces[1:], (0.3, 0.99, *(p for _, p in ANSWER)), strict=True), 1):
        tokens.append(TokenScore(place, piece, math.log(p), math.ceil(0.6 / p), 8 * (1 - p)))
    screen.post_message(screen.Scored(number, spec, tokens, True))


def seen_by_hand(screen, ids, prompt_length, sampling, *, spec="", slot="strip"):
    """A distribution, without a model."""
    screen._probing[slot] = number = screen.next_number()
    chances = ((b" people", 0.34), (b" king", 0.31), (b" gods", 0.15))
    seen = tuple(Alternative(11 if b == b" king" else 900, b, b.decode(), p, p) for b, p in chances)
    screen.post_message(screen.Probed(number, slot, Choice(5.52, 5.52, seen, {})))
    return number


class OpenModel:
    """What is asked of a model that is open: the size of its vocabulary and of its window."""

    vocabulary = 512
    loaded = SimpleNamespace(config=SimpleNamespace(context_length=256))


@pytest.mark.parametrize(
    ("look", "size"),
    [
        pytest.param(Look(), (120, 36), id="normal"),
        pytest.param(Look(colours="none"), (80, 24), id="narrow-no-color"),
    ],
)
def test_a_scored_text(snap_compare, no_model, monkeypatch, look, size):
    monkeypatch.setattr(GenerationScreen, "_score_in_thread", scored_by_hand)
    monkeypatch.setattr(GenerationScreen, "probe", seen_by_hand)

    async def score(pilot):
        await fill_in(pilot)
        screen = pilot.app.screen
        screen.opened = OpenModel()
        await pilot.press("v")
        await until(pilot, lambda: screen.scored)
        screen.body.strip.cursor = 11
        await until(pilot, lambda: screen.body.bars.rows)
        await pilot.pause()

    app = ConsoleApp(screen="generation", workbench=Workbench(Bench(a="demo", prompt=PROMPT)), look=look)
    assert snap_compare(app, terminal_size=size, run_before=score)


@pytest.mark.parametrize(
    ("keys", "look"),
    [
        pytest.param(("s", "down", "down"), Look(light=True), id="sampling-light"),
        pytest.param(("a",), Look(), id="alternatives"),
        pytest.param(("t",), Look(colours="16"), id="branches-16-colours"),
    ],
)
def test_what_shares_a_place_where_there_is_little_room(snap_compare, no_model, keys, look):
    async def go_there(pilot):
        await fill_in(pilot)
        await pilot.press(*keys)
        await pilot.pause()

    app = ConsoleApp(screen="generation", workbench=Workbench(Bench(a="demo", prompt=PROMPT)), look=look)
    assert snap_compare(app, terminal_size=(80, 24), run_before=go_there)


async def test_without_colour_the_bars_say_the_probability_of_each_token(no_model, monkeypatch):
    """Check 7, by the glyphs themselves."""
    monkeypatch.setenv("NO_COLOR", "1")
    app = ConsoleApp(
        screen="generation", workbench=Workbench(Bench(a="demo", prompt=PROMPT)), look=Look(colours="none")
    )
    async with app.run_test(size=(120, 36)) as pilot:
        await fill_in(pilot)
        strip = app.screen.body.strip
        rows = [strip.render_line(y).text for y in range(4)]
        assert "We" in rows[2] and "accounted" in rows[2]
        under = rows[3]
        glyphs = {piece: under[rows[2].index(piece)] for piece in ("We", "·are", "·accounted", ",", "·king")}
        assert glyphs == {"We": "▂", "·are": "▇", "·accounted": "▁", ",": "█", "·king": "▃"}


async def test_the_tokens_one_below_the_other_follow_the_cursor_and_a_click_moves_it(no_model):
    app = ConsoleApp(screen="generation", workbench=Workbench(Bench(a="demo", prompt=PROMPT)))
    async with app.run_test(size=(200, 50)) as pilot:
        await fill_in(pilot)
        body = app.screen.body
        await until(pilot, lambda: body.steps.length == body.strip.length and body.steps.cursor == body.strip.cursor)
        assert "·king" in body.steps.text_of(body.steps.cursor).plain
        await pilot.press("right")
        await until(pilot, lambda: body.steps.cursor == body.strip.cursor)
        await pilot.click(body.steps, offset=(20, 4))
        await until(pilot, lambda: body.strip.cursor == body.steps.cursor == 4 and body.strip.has_focus)
        await pilot.resize_terminal(120, 36)
        await until(pilot, lambda: not body.steps.is_on_screen)


async def test_halves_of_a_character_are_chips_and_never_a_broken_glyph(no_model):
    app = ConsoleApp(screen="generation", workbench=Workbench(Bench(a="demo", prompt=PROMPT)))
    async with app.run_test(size=(120, 36)) as pilot:
        await fill_in(pilot)
        line = app.screen.body.strip.render_line(1).text
        assert "⟨C3⟩" in line and "⟨A9⟩" in line and "�" not in line


async def test_the_palette_has_every_key_of_the_console(no_model):
    app = ConsoleApp(screen="generation", workbench=Workbench(Bench(a="demo", prompt=PROMPT)))
    async with app.run_test(size=(120, 36)) as pilot:
        await fill_in(pilot)
        screen = app.screen
        commands = {title: (key, run) for title, key, run in screen.commands()}
        assert {key for key, _ in commands.values()} >= set("enbscroatmBxupfvSONUE")
        commands["Measure: rank"][1]()
        assert screen.measure == "rank"
        await commands["Cut this branch"][1]()
        assert len(screen.answers) == 1
