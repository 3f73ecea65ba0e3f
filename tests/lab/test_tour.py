"""The tour on the real program: each step's own key does what it asks for, at the size that a terminal has at least."""

import asyncio
import threading
import time

import pytest
from plain import lab
from textual.widgets import Input

from core.workbench import Workbench
from lab.app import LabApp
from lab.settings import Settings, load_settings
from lab.tour_steps import STEPS
from lab.touring import OFFERS
from screens.attention import engine
from screens.attention.reader import measures_of
from screens.catalogue import SCREENS
from screens.tour import MARK, TourCard, TourOffer
from screens.widgets.lesson import Lesson, TryLine
from screens.widgets.ramps import Look
from screens.widgets.status_line import StatusLine

KEYS = (
    ["right"],
    ["e", *"cats", "escape"],
    ["e", *"paris - france + italy", "enter"],
    ["n"],
    ["a"],
    ["comma"],
    ["less_than_sign"],
    ["comma"],
    ["a", "down", "enter"],
    ["down"],
    ["n"],
)


async def until(pilot, condition, seconds=60.0):
    """Lets the app live until something is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain"
        await pilot.pause()
        await asyncio.sleep(0.01)


def card_of(app):
    """The card that is seen, on the screen that is shown."""
    (card,) = [card for card in app.lab_screen.query(TourCard) if card.display]
    return card


async def shown(pilot, at):
    """Waits until a step says its numbers."""
    app = pilot.app
    await until(pilot, lambda: app.tour_at == at and app._tour_began and "one moment" not in card_of(app).shown.text)
    await pilot.pause()


async def test_each_step_says_live_numbers_points_and_sees_its_key_pressed(monkeypatch):
    told_head = threading.Event()  # the screen goes to a head by itself once all are measured, here late

    def measured(seen):
        assert told_head.wait(60)
        return measures_of(seen)

    monkeypatch.setattr(engine, "measures_of", measured)
    app = LabApp(screen="training")
    async with app.run_test(size=(80, 24)) as pilot:
        await app.action_tour()
        for at, (step, keys) in enumerate(zip(STEPS, KEYS, strict=True)):
            if step.title == "Who looks at whom":
                await until(pilot, lambda at=at, step=step: app.tour_at == at and not step.lacks(app._values()))
                app._tour_look()
                assert not app._tour_began, "its head is not yet the one that stays"
                told_head.set()
            await shown(pilot, at)
            screen, card = app.lab_screen, card_of(app)
            assert screen.lab_index == step.screen == SCREENS.index(app.current_mode) + 1
            assert card.shown.where == f"tour {at + 1} of {len(STEPS)} · {step.title}"
            told = card.shown.text + card.shown.ask
            assert "{" not in told and "–" not in told and not card.shown.done
            (target,) = screen.query(f".{MARK}")
            assert target is screen.query_one(step.target)
            await until(pilot, lambda target=target: target.region.area > 0)
            assert not target.region.overlaps(card.region), "the card covers what it explains"
            assert card.region.bottom <= screen.query_one("#bottom").region.y
            before = card.shown
            await pilot.press(*keys)
            await until(pilot, lambda card=card: card.shown.done)
            assert card.shown.ask != before.ask
            if at == len(STEPS) - 1:
                assert app.screen is not screen  # the form of a new run lies over it
                await pilot.press("escape")
                await until(pilot, lambda screen=screen: app.screen is screen)
            await pilot.press("space")
        await until(pilot, lambda: app.tour_at < 0)
        assert not [card for card in app.lab_screen.query(TourCard) if card.display]
        assert not app.lab_screen.query(f".{MARK}")
        assert any("that was the tour" in told.message for told in app._notifications)
        assert app.workbench.a == "demo" and app.settings.tour_at == 0
    assert app.survived == []


async def test_it_can_be_left_anywhere_is_remembered_and_gives_the_workbench_back():
    app = lab(screen="tokenizer", workbench=Workbench.from_dict({"a": "gpt2", "b": "demo"}), settings=Settings())
    app.remember = True
    async with app.run_test(size=(120, 36)) as pilot:
        await app.action_tour()
        await shown(pilot, 0)
        assert (app.workbench.a, app.workbench.b) == ("demo", None)
        await pilot.press("space")
        await shown(pilot, 1)
        await pilot.press("backspace")
        await shown(pilot, 0)
        await pilot.press("space")
        await shown(pilot, 1)
        await pilot.press("e", "space")
        assert app.tour_at == 1 and app.lab_screen.typing  # while typing it is a space, and the card does not say else
        await until(pilot, lambda: card_of(app).shown.first == "esc leaves the field")
        assert not any(way.display for way in card_of(app).query("Way"))
        await pilot.press("escape")
        assert app.tour_at == 1
        await until(pilot, lambda: all(way.display for way in card_of(app).query("Way")))
        await pilot.press("6")
        await until(pilot, lambda: "another screen" in card_of(app).shown.text)
        assert not app.lab_screen.query(f".{MARK}")
        await pilot.press("space")
        await shown(pilot, 1)
        assert app.current_mode == "tokenizer"
        await pilot.press("escape")
        await until(pilot, lambda: app.tour_at < 0)
        assert any("waits at step 2" in told.message for told in app._notifications)
        assert (app.workbench.a, app.workbench.b) == ("gpt2", "demo")
    kept, _ = load_settings()
    assert kept.tour_seen and kept.tour_at == 1
    again = lab(screen="tokenizer", settings=kept, tour=-1)
    async with again.run_test(size=(120, 36)) as pilot:
        await shown(pilot, 1)


async def test_the_card_is_used_with_the_mouse_too():
    app = lab(screen="tokenizer")
    async with app.run_test(size=(120, 36)) as pilot:
        await app.action_tour(0)
        await shown(pilot, 0)
        for label, at in (("next", 1), ("back", 0)):
            (way,) = [way for way in card_of(app).query("Way") if label in str(way.render())]
            await pilot.click(way)
            await shown(pilot, at)
        (way,) = [way for way in card_of(app).query("Way") if "leaves" in str(way.render())]
        await pilot.click(way)
        await until(pilot, lambda: app.tour_at < 0)


def first_start(**kept):
    """The app of a person who was never here, on the plain screen."""
    app = lab(settings=Settings(**kept))
    app.remember = True
    return app


async def test_the_first_start_offers_it_and_a_key_of_work_takes_the_line_away_and_works():
    app = first_start()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.screen.query(TourOffer))
        (offer,) = app.screen.query(TourOffer)
        assert offer.region.height == 1 and offer.region.bottom == app.screen.query_one("#bottom").region.y
        assert len(str(offer.render())) <= 78  # all of it is seen
        await pilot.press("6")
        assert app.current_mode == "weights"
        await until(pilot, lambda: not offer.is_attached)
        await pilot.press("3")
        assert not app.screen.query(TourOffer)
    kept, _ = load_settings()
    assert (kept.tour_seen, kept.tour_offers) == (False, 1)


async def test_escape_says_no_for_good_and_says_where_the_tour_waits():
    app = first_start()
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.screen.query(TourOffer))
        await pilot.press("escape")
        await until(pilot, lambda: not app.screen.query(TourOffer))
        assert "ctrl+p" in app.screen.query_one(StatusLine).sentence
    assert load_settings()[0].tour_seen


@pytest.mark.parametrize("kept", [{"tour_seen": True}, {"tour_offers": OFFERS}])
async def test_who_said_no_or_worked_on_is_not_asked_again(kept):
    app = first_start(**kept)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.chip)
        assert not app.screen.query(TourOffer)


async def test_enter_begins_what_is_offered():
    app = first_start()
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.screen.query(TourOffer))
        await pilot.press("enter")
        await shown(pilot, 0)
        assert not app.lab_screen.query(TourOffer)


async def test_the_palette_and_the_lesson_lead_to_it():
    from lab.palette import entries

    app = lab(screen="tokenizer")
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.screen.reads)
        titles = [entry.title for entry in entries(app)]
        assert "Tour of the six screens" in titles and f"Tour 3: {STEPS[2].title}" in titles
        await pilot.press("question_mark")
        (line,) = [line for line in app.screen.query(TryLine) if "tour" in str(line.render())]
        line.focus()
        await pilot.press("enter")
        await shown(pilot, 0)
        assert app.screen.query(Lesson)  # both have room


@pytest.mark.parametrize("look", [Look(), Look(colours="none"), Look(ascii=True, colours="none")])
async def test_what_it_points_at_has_a_border_that_nothing_else_has(look):
    app = lab(screen="tokenizer", look=look)
    async with app.run_test(size=(80, 24)) as pilot:
        await app.action_tour(0)
        await shown(pilot, 0)
        edges = {widget.styles.border_top[0] for widget in app.screen.query("*") if not widget.has_class(MARK)}
        (target,) = app.screen.query(f".{MARK}")
        assert target.styles.border_top[0] not in edges | {""}


async def test_keys_of_the_tour_are_nobodys_without_it():
    app = lab()
    async with app.run_test(size=(120, 36)) as pilot:
        field = Input()
        await app.screen.query_one("#body").mount(field)
        field.focus()
        await pilot.press("a", "space", "b", "backspace")
        assert field.value == "a "
        assert app.tour_at < 0
