"""Heads off and on, each head off once, and two models beside each other: against what core says."""

import numpy as np
import pytest
from alike import alike
from attention_pilots import (
    REPEATED,
    attention,
    demo_steps,
    run_of_the_demo,
    same,
    sentence,
    subtitle,
    title,
    traced,
    until,
)

import core
from core.model.ablation import ablate, sweep
from screens.attention.view import off_text

SIZE = (120, 36)


def probabilities(screen):
    """What the pane of next tokens says: token, before, now."""
    return [(token, before, now) for token, _, before, now in screen.next.rows]


def count_text(screen):
    """What stands at the right of the prompt."""
    return str(screen.query_one("#a-prompt-count").content)


async def test_a_head_off_changes_what_core_says_it_changes_and_all_on_restores_it_exactly():
    app = attention(REPEATED)
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        first, pattern = probabilities(screen), screen.body.pattern.drawn.copy()
        assert screen.next.kl_bits == 0 and all(before == now for _, before, now in first)
        screen.moved(screen.place.at(layer=1, head=2))
        await pilot.press("a")
        screen = await traced(pilot)
        model = core.load_model("demo").model
        found = ablate(model, list(screen.seen.ids), [(1, 2)], position=screen.place.row)
        assert alike(probabilities(screen), [(s.token, s.before, s.after) for s in found.top(10)])
        assert alike(screen.next.kl_bits, found.kl_bits) and found.kl_bits > 0
        shown = screen.next
        change = shown.loss_after - shown.loss_before
        assert alike(change, found.loss_change)
        assert f"KL {shown.kl_bits:.3f} bits, loss {change:+.3f}" in subtitle(screen, "#a-next-pane")
        assert "off: L1 H2" in count_text(screen) and screen.body.grid.off == {(1, 2)}
        later = core.trace(model, list(screen.seen.ids), ablate=[(1, 2)])
        screen.moved(screen.place.at(layer=3, head=0))
        await traced(pilot)
        assert same(screen.body.pattern.drawn, later.pattern(3, 0).numpy()), "later layers see the change"
        await pilot.press("A")
        screen = await traced(pilot)
        assert probabilities(screen) == first and screen.next.kl_bits == 0 and "off" not in count_text(screen)
        assert not screen.seen.off and screen.seen.trace is screen.seen.base
        assert pattern.shape == screen.body.pattern.drawn.shape


async def test_a_layer_all_but_one_and_space_in_the_grid():
    app = attention()
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        screen.moved(screen.place.at(layer=2, head=1))
        await pilot.press("L")
        await traced(pilot)
        assert screen.seen.off == {(2, h) for h in range(4)} and "off: layer 2" in count_text(screen)
        await pilot.press("L")
        await traced(pilot)
        assert not screen.seen.off
        await pilot.press("B")
        await traced(pilot)
        assert len(screen.seen.off) == 15 and (2, 1) not in screen.seen.off
        assert "off: all but L2 H1" in count_text(screen)
        await pilot.press("A")
        screen.go_to_pane("grid")
        await pilot.press("space")
        await traced(pilot)
        assert screen.seen.off == {(2, 1)} and "off" in sentence(screen)


async def test_each_head_off_once_is_cores_sweep_and_says_which_matters_most():
    app = attention(REPEATED)
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        await pilot.press("d")
        await until(pilot, lambda: screen.grid_values() is not None and not np.isnan(screen.grid_values()).any())
        await until(pilot, lambda: "matters most" in sentence(screen))
        expected = np.zeros((4, 4), np.float32)
        for effect in sweep(core.load_model("demo").model, list(screen.seen.ids)):
            expected[effect.layer, effect.head] = effect.loss_change
        assert same(screen.grid_values(), expected) and screen.measure == "effect"
        layer, head = divmod(int(expected.argmax()), 4)
        assert sentence(screen).startswith(f"L{layer} H{head} matters most")
        easier = divmod(int(expected.argmin()), 4)
        least = divmod(int(np.abs(expected).argmin()), 4)
        assert expected[easier] < 0 and f"easier without L{easier[0]} H{easier[1]}: -" in sentence(screen)
        assert f"least: L{least[0]} H{least[1]} " in sentence(screen)
        assert screen.body.grid._signed, "a loss may fall too"
        await pilot.press("n")
        assert screen.order()[0] == (layer, head)


@pytest.mark.parametrize("key", ["d", "escape"])
async def test_a_sweep_is_cancelled_and_keeps_what_it_has(key, monkeypatch):
    import threading

    gate, seen_by_sweep = threading.Event(), threading.Event()

    def held(model, ids, cancel):
        yield next(iter(sweep(model, ids)))
        seen_by_sweep.set()
        while not cancel.wait(0.01):
            pass
        gate.set()

    monkeypatch.setattr("core.model.ablation.sweep", held)
    app = attention()
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        await pilot.press("d")
        await until(pilot, seen_by_sweep.is_set)
        await until(pilot, lambda: subtitle(screen, "#a-grid-pane").startswith("1 of 16 heads · esc ends it"))
        await pilot.press(key)
        await until(pilot, gate.is_set)
        await until(pilot, lambda: "ended after 1 of 16 heads" in sentence(screen))
        assert np.isfinite(screen.grid_values()).sum() == 1 and not app.jobs.running
        assert screen.reached.sum() == 1 and screen.body.grid.mask.sum() == 15, "what was not measured is blank"
        assert subtitle(screen, "#a-grid-pane") == "1 of 16 heads · on this text"
        screen.moved(screen.place.at(layer=3, head=3))
        assert "loss when off d measures it" in str(screen.body.head._rows[-1])


async def test_a_long_sweep_is_a_job_that_the_list_can_cancel(monkeypatch):
    monkeypatch.setattr("screens.attention.ablating.LONG", -1.0)
    app = attention()
    async with app.run_test(size=SIZE) as pilot:
        await traced(pilot)
        await pilot.press("d")
        await until(pilot, lambda: app.jobs.jobs and not app.jobs.running)
        job = app.jobs.jobs[0]
        assert job.state == "finished" and job.total == 16 and "matters most" in job.text
        assert "each head off once" in job.name


async def test_one_token_has_no_loss_so_a_sweep_says_how_far_the_answer_moves():
    app = attention("The")
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        assert screen.seen.tokens == 1
        await pilot.press("d")
        await until(pilot, lambda: screen.grid_values() is not None and np.isfinite(screen.grid_values()).all())
        assert (screen.grid_values() >= 0).all() and screen.grid_values().max() > 0
        await until(pilot, lambda: "matters most: without it the next token moves by" in sentence(screen))
        assert "bits" in sentence(screen) and "bits" in title(screen, "#a-grid-pane")
        screen.go_to_pane("grid")
        assert " bits · #" in sentence(screen) and "nats" not in sentence(screen)


async def test_a_minus_b_is_the_difference_of_the_patterns_and_turns_itself_around():
    early = demo_steps()[1]
    app = attention(a="demo", b=early)
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        await pilot.press("c")
        await until(pilot, lambda: screen.differs and screen.body.pattern._signed)
        at, ids = screen.place, list(screen.seen.ids)
        one, two = (core.trace(core.load_model(s).model, ids).pattern(at.layer, at.head) for s in ("demo", early))
        assert same(screen.body.pattern.drawn, (one - two).numpy())
        low, high = screen.body.pattern.map.scale
        assert low == -high < 0 and "A−B" in title(screen, "#a-centre")
        await until(pilot, lambda: "b" in screen.measured)
        assert "A−B" in title(screen, "#a-grid-pane")
        await pilot.press("c")
        assert not screen.differs and screen.body.pattern.map.scale == (0.0, 1.0)


async def test_a_model_minus_itself_is_nothing():
    app = attention(a="demo", b=demo_steps()[-1])
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        await pilot.press("c")
        await until(pilot, lambda: screen.body.pattern._signed)
        assert not screen.body.pattern.drawn.any()


async def test_comparing_without_a_second_model_or_with_other_tokens_says_why_not(isolated):
    run = run_of_the_demo("other")
    from core.tokenizers import get_tokenizer

    text = "".join(chr(c) for c in range(32, 127))
    (run / "tokenizer.json").unlink()
    get_tokenizer("char", text + "\n" + "".join(chr(c) for c in range(200, 200 + 384 - 96))).save(run)
    app = attention(b=None)
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        await pilot.press("c")
        assert "w, then b on a model" in sentence(screen)
        app.workbench.set(b="other")
        await pilot.press("c")
        await until(pilot, lambda: screen.other is not None)
        await pilot.pause()
        assert "other tokens" in sentence(screen) and not screen.differs
        assert not screen.body.pattern._signed


async def test_a_second_model_that_is_not_here_is_said_and_a_stays():
    app = attention(b="gone@7")
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        await pilot.press("c")
        await until(pilot, lambda: "gone" in sentence(screen))
        assert screen.seen is not None and not screen.comparing


def test_what_is_off_is_said_briefly():
    many = [(layer, 0) for layer in range(6)]
    assert off_text(many, 6, 2) == "off: 6 of 12 heads"
    assert off_text([(la, h) for la in range(2) for h in range(2)], 2, 2) == "off: all heads"
    assert off_text([], 2, 2) == ""


async def test_checkpoints_keep_the_colour_scale_and_the_place():
    app = attention(REPEATED)
    async with app.run_test(size=SIZE) as pilot:
        screen = await traced(pilot)
        await pilot.press("f")
        view, place = screen.body.pattern, screen.place
        scale, grid = view.map.scale, screen.body.grid.scale
        for spec in (demo_steps()[-2], demo_steps()[-3]):
            before = view.drawn.copy()
            await pilot.press("less_than_sign")
            await until(pilot, lambda spec=spec: screen.seen is not None and screen.seen.spec == spec)
            await traced(pilot)
            assert view.map.scale == scale and screen.body.grid.scale == grid and screen.place == place
            assert not same(view.drawn, before)
        await pilot.press("r")
        await traced(pilot)
        await until(pilot, lambda: view.map.scale != scale)
