"""What the screen shows of a text, and how one moves in it: with the keyboard alone, and with the mouse."""

import threading

import numpy as np
import pytest
import torch
from alike import alike
from attention_pilots import REPEATED, attention, same, sentence, subtitle, title, traced, until

import core
from screens.attention import engine
from screens.attention.panes import FRAMES
from screens.attention.prompt import TWICE
from screens.attention.saying import MEASURING
from screens.attention.view import MEASURES, VIEWS, head_text
from screens.base import NOTHING_YET
from screens.widgets.ramps import Look

SIZE = (120, 36)


def by_hand(screen, **how):
    """The same pass, asked of core."""
    loaded = core.load_model(screen.workbench.a)
    return core.trace(loaded.model, list(screen.seen.ids), **how)


async def test_the_map_the_strip_and_the_bars_say_what_core_says():
    app = attention()
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        at, run = screen.place, by_hand(screen)
        pattern = run.pattern(at.layer, at.head).numpy()
        assert same(screen.body.pattern.drawn, pattern)
        assert np.allclose(pattern.sum(1), 1, atol=1e-6) and not np.triu(pattern, 1).any()
        row = pattern[at.row, : at.row + 1]
        shown = [bar.value for bar in screen.body.looks.rows]
        assert alike(shown, sorted(row.tolist(), reverse=True))
        assert alike(screen.body.strip.values[: at.row + 1], row.tolist())
        assert screen.body.strip._notes[at.column] == f"{row[at.column]:.2f}"[1:]
        assert at.column == row.argmax(), "the column is what the token looks at most"
        assert f"weight {row[at.column]:.3f}" in sentence(screen)
        mask = screen.body.pattern.map.mask
        assert mask is not None and mask[0, 1:].all() and not mask[:, 0].any(), "later tokens are left blank"


async def test_the_grid_says_what_core_measures_and_every_measure_has_its_turn():
    app = attention(REPEATED)
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        profiles = core.head_profiles(core.load_model("demo").model, list(screen.seen.ids))
        seen = set()
        for _ in MEASURES:
            name = screen.measure
            seen.add(name)
            if name in ("norm", "effect"):
                assert screen.grid_values() is None or name == "norm"
            else:
                assert same(screen.body.grid.values, profiles[name].numpy()), name
            named = {m.name: m.short if m.name == "effect" else m.title for m in MEASURES}[name]
            assert named in title(screen, "#a-grid-pane")
            await pilot.press("m")
        assert seen == {m.name for m in MEASURES} and screen.measure == "entropy"


async def test_what_cannot_be_measured_on_a_text_says_so_and_random_tokens_can():
    app = attention("The for")
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        screen.set_measure("induction")
        assert subtitle(screen, "#a-grid-pane") == "nothing repeats · x: random"
        assert "no token of this text repeats" in sentence(screen) and "E: texts" in sentence(screen)
        await pilot.press("S")
        assert not screen.body.ranks.order, "a list of the measure before would be a lie"
        await pilot.press("S")
        await pilot.press("x")
        await until(pilot, lambda: "random" in screen.measured)
        await pilot.pause()
        profiles = core.head_profiles(core.load_model("demo").model)
        assert same(screen.body.grid.values, profiles["induction"].numpy())
        assert "random tokens" in subtitle(screen, "#a-grid-pane")


async def test_the_keyboard_alone_reaches_any_cell_and_pins_it():
    app = attention()
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        await pilot.press(*["up"] * 20, *["left"] * 20)
        assert (screen.place.row, screen.place.column) == (0, 0)
        await pilot.press(*["down"] * 7, *["right"] * 3, "enter")
        assert (screen.place.row, screen.place.column) == (7, 3)
        assert screen.body.pattern.map.pin == (7, 3) and sentence(screen).endswith("pinned")
        await pilot.press("escape")
        assert screen.body.pattern.map.pin is None
        await pilot.press("right", "right", "right", "right", "right")
        assert screen.place.column == 8 and "comes later" in sentence(screen), "a masked cell says why it is blank"


async def test_one_cursor_for_grid_map_strip_and_bars():
    app = attention()
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        screen.go_to_pane("grid")
        await pilot.press(*["up"] * 4, *["left"] * 4, "down", "right", "right")
        assert (screen.place.layer, screen.place.head) == (1, 2)
        pattern = by_hand(screen).pattern(1, 2).numpy()
        assert same(screen.body.pattern.drawn, pattern)
        screen.go_to_pane("strip")
        await pilot.press("left", "left")
        await pilot.pause()
        assert screen.place.row == 7 and screen.place.column == pattern[7, :8].argmax()
        assert screen.body.pattern.map.place[:2] == (screen.place.row, screen.place.column)
        screen.go_to_pane("looks")
        await pilot.press("home", "down", "enter")
        await pilot.pause()
        second = int(np.argsort(-pattern[7, :8], kind="stable")[1])
        assert screen.place.column == second and screen.body.pane == "centre"
        assert screen.body.pattern.map.place[:2] == (7, second)


@pytest.mark.parametrize(
    ("text", "measure"),
    [("The for statement is used to", "previous"), (REPEATED, "previous"), (TWICE, "induction")],
    ids=["nothing repeats", "repeats that no head looks back at", "a message said twice"],
)
async def test_the_first_look_is_at_a_head_whose_picture_tells_something(text, measure):
    app = attention(text)
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        loaded = core.load_model("demo")
        layer, head, value = core.head_profiles(loaded.model, loaded.tokenizer.encode(text)).best(measure)
        assert (screen.place.layer, screen.place.head) == (layer, head) and value >= 0.5
        screen.moved(screen.place.at(layer=3, head=2))
        screen.show_text("An import statement")
        await until(pilot, lambda: screen.seen.text == "An import statement")
        await traced(pilot)
        assert (screen.place.layer, screen.place.head) == (3, 2), "where a person put the cursor, it stays"


async def test_heads_follow_each_other_by_place_and_by_measure():
    app = attention()
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        order = screen.order()
        screen.go_to_best()
        assert (screen.place.layer, screen.place.head) == order[0]
        await pilot.press("n", "n")
        assert (screen.place.layer, screen.place.head) == order[2] and "#3 of 16" in sentence(screen)
        await pilot.press("N")
        assert (screen.place.layer, screen.place.head) == order[1]
        layer, head = order[1]
        await pilot.press("p", "u")
        assert (screen.place.layer, screen.place.head) == ((layer + 1) % 4, (head + 1) % 4)
        await pilot.press("P", "U")
        assert (screen.place.layer, screen.place.head) == (layer, head)
        await pilot.press("shift+right", "shift+down")
        assert (screen.place.layer, screen.place.head) == ((layer + 1) % 4, (head + 1) % 4)


async def test_sorted_heads_are_a_list_whose_cursor_chooses():
    app = attention()
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        screen.go_to_pane("grid")
        await pilot.press("S", "home", "down", "down")
        assert screen.body.ranks.has_focus and screen.body.ranks.order == screen.order()
        assert (screen.place.layer, screen.place.head) == screen.order()[2]
        await pilot.press("enter")
        await pilot.pause()
        assert screen.body.pane == "centre" and screen.body.view == "pattern"


async def test_heads_together_are_those_of_core():
    from core.model.rollout import TOGETHER, together

    app = attention()
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        for how in TOGETHER:
            await pilot.press("t")
            assert screen.body.pattern.how == how
            assert title(screen, FRAMES["head"]).endswith(" alone"), "it is of one head, which the map does not show"
            expected = together(by_hand(screen), screen.place.layer, how).numpy()
            await until(pilot, lambda expected=expected: same(screen.body.pattern.drawn, expected))
        screen.body.grid.focus()
        await pilot.press("enter")
        assert screen.body.pattern.how == ""
        assert title(screen, FRAMES["head"]) == f"head {head_text((screen.place.layer, screen.place.head))}"


async def test_scales_and_the_hidden_column_change_colours_and_never_the_numbers():
    app = attention()
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        view, before = screen.body.pattern, sentence(screen)
        drawn = view.drawn.copy()
        assert view.map.scale == (0.0, 1.0)
        await pilot.press("s")
        assert view.map.scale == (1e-4, 1.0) and "logarithmic" in subtitle(screen, "#a-centre")
        strip, row = screen.body.strip, drawn[screen.place.row]
        assert strip._values == pytest.approx(np.log10(np.maximum(row, 1e-4)) / 4 + 1, abs=1e-4), "as the map"
        await pilot.press("s")
        assert strip._values == pytest.approx(row / row.max(), abs=1e-4)
        rows = np.where(np.tri(10, dtype=bool), view.map.values, 0)
        assert np.allclose(rows.max(1), 1) and "each row" in subtitle(screen, "#a-centre")
        await pilot.press("s", "f")
        assert view.map.mask[:, 0].all() and "first column hidden" in subtitle(screen, "#a-centre")
        assert view.map.scale == (0.0, pytest.approx(float(np.tril(drawn)[:, 1:].max())))
        screen.say_here()
        assert same(view.drawn, drawn) and sentence(screen) == before


async def test_the_last_row_of_the_lens_is_the_models_next_token_list():
    app = attention()
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        screen.show_view("lens")
        lens = screen.body.centre
        await until(pilot, lambda: lens.read is not None and lens.read.position == screen.place.row)
        loaded = core.load_model("demo")
        chances = loaded.model(torch.tensor([screen.seen.ids]))[0, -1].double().softmax(-1)
        top = chances.topk(10)
        last = lens.read.rows[-1]
        assert [t.token for t in last.top] == top.indices.tolist()
        assert [t.probability for t in last.top] == pytest.approx(top.values.tolist(), abs=1e-6)
        assert [row[0] for row in screen.next.rows[:5]] == top.indices.tolist()[:5]
        await pilot.press("comma")
        await until(pilot, lambda: lens.read.position == 8)
        assert screen.place.row == 8, "a step in the lens is the token before"
        await pilot.press("home")
        assert "straight from the embeddings" in sentence(screen)


async def test_views_follow_each_other_and_say_which_they_are():
    app = attention()
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        shown = []
        for _ in VIEWS:
            shown.append(screen.body.view)
            assert f"[{screen.body.view.capitalize()}]" in title(screen, "#a-centre")
            assert [v.NAME for v in screen.body.views if v.display] == [screen.body.view]
            await pilot.press("v")
            await until(pilot, lambda: all(w.is_finished for w in screen.app.workers))
        assert shown == list(VIEWS) and screen.body.view == "pattern"
        await pilot.press("V")
        assert screen.body.view == VIEWS[-1]


async def test_another_view_leaves_the_styles_of_what_is_beside_it_alone(monkeypatch):
    app = attention()
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        styled = []
        for widget in (screen.body.grid, screen.body.strip, screen.body.ranks):
            monkeypatch.setattr(widget, "notify_style_update", lambda widget=widget: styled.append(widget))
        right = screen.query_one("#a-right")
        assert right.display
        await pilot.press("v")
        await pilot.pause()
        assert not right.display, "the frames wear the styles of the view"
        assert not styled, "a style anew is all of a widget's lines anew"
        await pilot.press("V")
        await pilot.pause()
        assert right.display


@pytest.mark.parametrize("size", [(160, 45), (120, 36), (120, 26), (90, 36), (80, 24), (64, 18)])
async def test_every_pane_is_reached_by_tab_at_every_size(size):
    app = attention()
    async with app.run_test(size=size) as pilot:
        screen = await traced(pilot)
        seen = set()
        for _ in range(2 * len(FRAMES)):
            await pilot.press("tab")
            await pilot.pause()
            frame = screen.query_one(FRAMES[screen.body.pane])
            assert frame.region.width >= 20 and frame.region.height >= 4, screen.body.pane
            assert frame.has_focus or frame.has_focus_within, screen.body.pane
            heavy = {name for name, at in FRAMES.items() if screen.query_one(at).styles.border_top[0] == "heavy"}
            assert heavy == {screen.body.pane}, "its frame alone says so"
            seen.add(screen.body.pane)
        assert seen == set(FRAMES)
        assert not screen.query("ErrorCard")


async def test_the_mouse_does_what_the_keys_do():
    app = attention()
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        head_map = screen.body.pattern.map
        y_of = lambda row: 1 + row * head_map.grid.tall  # noqa: E731
        await pilot.hover(head_map, offset=(head_map._labels_width + 1, y_of(4)))
        await pilot.pause()
        assert (screen.place.row, screen.place.column) == (4, 0), "hovering shows"
        await pilot.click(head_map, offset=(head_map._labels_width + 4, y_of(5)))
        await pilot.pause()
        assert head_map.pin == (5, 1)
        await pilot.hover(head_map, offset=(head_map._labels_width + 1, y_of(7)))
        await pilot.pause()
        assert (screen.place.row, screen.place.column) == (5, 1), "what is pinned stays"
        await pilot.press("escape")
        grid = screen.body.grid
        await pilot.click(grid, offset=(grid._labels_width + 1, grid._header + grid.grid.tall))
        await pilot.pause()
        assert (screen.place.layer, screen.place.head) == (1, 0)
        await pilot.click(screen.body.strip, offset=(6, 0))
        await pilot.pause()
        assert screen.place.row == 1


async def test_a_large_text_is_pooled_and_says_so_and_zoom_reaches_every_weight():
    app = attention("The for statement is used to iterate over the elements of a sequence. " * 6)
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        assert screen.seen.tokens > 100 and "a cell" in (said := subtitle(screen, "#a-centre")) and "largest of" in said
        before = screen.place
        await pilot.press("comma")
        assert screen.place.row == before.row - 1, "a step goes by one token, though a cell holds several"
        await pilot.pause()
        assert screen.place.row == before.row - 1
        await pilot.press(*["plus"] * 8)
        assert not screen.body.pattern.map.grid.pooled
        at = screen.place
        await pilot.press("up")
        assert screen.place.row == at.row - 1


def test_the_screen_names_the_sources_that_core_has():
    from core.model.head_norms import output_norms
    from core.model.profiles import MEASURES as IN_CORE

    told = {measure.name: measure.source for measure in MEASURES if measure.source}
    assert told.keys() == {*IN_CORE, "norm"} and all(told[name] in IN_CORE[name] for name in IN_CORE)
    assert told["norm"].split(" et al.")[0] in str(output_norms.__doc__)


async def test_without_colour_every_number_has_a_glyph():
    app = attention(look=Look(colours="none"))
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        assert screen.body.pattern.map.cells == "glyph" and screen.body.strip._shows_bars
        await pilot.press("a")
        await until(pilot, lambda: screen.seen.off)
        lines = ["".join(s.text for s in screen.body.grid.render_line(y)) for y in range(6)]
        assert sum("/" in line for line in lines) == 1, "the head that is off is crossed out by a sign"


async def test_every_key_has_an_id_a_tooltip_and_an_entry_in_the_palette():
    from textual.binding import Binding

    app = attention()
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        bindings = [b for b in type(screen)._merged_bindings.key_to_bindings.values() for b in b]
        own = [b for b in bindings if isinstance(b, Binding) and (b.id or "").startswith("attention.")]
        assert len(own) >= 25 and all(b.tooltip for b in own)
        helped = {key for _, key, _ in screen.commands()}
        for binding in screen.BINDINGS or []:
            assert binding.key in helped or binding.key in ("full_stop", "comma", "tab", "shift+tab")
        titles = [name for name, _, _ in screen.commands()]
        assert "View: lens" in titles and "Measure: induction" in titles and len(set(titles)) == len(titles)


async def test_how_things_are_drawn_is_found_again_the_next_time_and_nonsense_is_left_out():
    from lab.settings import Settings

    settings = Settings()
    app = attention(settings=settings)
    async with app.run_test(size=SIZE) as pilot:
        await traced(pilot)
        await pilot.press("m", "s", "f", "S")
    kept = dict(settings.views["attention"])
    assert kept == {"measure": "previous", "scale": "log", "how": "", "hide_first": True, "sorted": True}
    app = attention(settings=Settings(views={"attention": kept}))
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        assert screen.measure == "previous" and screen.body.pattern.scale == "log" and screen.body.sorted
        assert screen.body.pattern.map.mask[:, 0].all()
    app = attention(settings=Settings(views={"attention": {"measure": "beauty", "scale": 7, "how": []}}))
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        assert screen.measure == "entropy" and screen.body.pattern.scale == "linear"


async def test_what_was_said_while_one_waited_goes_when_it_is_no_longer_true(monkeypatch):
    gate, measures_of = threading.Event(), engine.measures_of

    def held(seen):
        assert gate.wait(30)
        return measures_of(seen)

    monkeypatch.setattr(engine, "measures_of", held)
    app = attention()
    async with app.run_test(size=SIZE) as pilot:
        screen = app.screen
        await until(pilot, lambda: screen.seen is not None and screen.pattern("a", 0, 0, "") is not None)
        await pilot.press("n")
        assert sentence(screen) == MEASURING
        gate.set()
        await traced(pilot)
        assert sentence(screen).startswith("L0 H1 · from ")
        screen.say(NOTHING_YET)
        await pilot.press("y")
        await until(pilot, lambda: app.screen is not screen)
        assert sentence(screen) != NOTHING_YET
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        screen.say(NOTHING_YET)
        screen.show_text("An import statement")
        await traced(pilot)
        assert sentence(screen) != NOTHING_YET
