"""``llm-lab`` and ``llm-lab watch`` on a real terminal: the app comes, and goes when asked."""

from __future__ import annotations

import os
from functools import partial

import pytest
from terminals import on_screen
from test_cli_runs import write_run

from core.errors import InputError
from lab.cli.start import screen_name
from lab.tour_steps import STEPS
from screens.catalogue import SCREENS, TITLES

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")


@pytest.mark.parametrize("words", [(), ("open", "4"), ("open", "training", "--fresh"), ("--model", "demo")])
def test_the_lab_opens_and_quits(llm_lab, words):
    code, seen = on_screen(partial(llm_lab.start, *words), until=b"Training")
    assert code == 0
    assert b"Traceback" not in seen


def test_watch_opens_the_dashboard_on_its_run(llm_lab):
    write_run(llm_lab.runs / "older")
    write_run(llm_lab.runs / "watched", val_loss=3.14159)
    write_run(llm_lab.runs / "newest")
    code, seen = on_screen(partial(llm_lab.start, "watch", "watched"), until=b"3.142")  # the list of runs says 3.14
    assert code == 0
    assert b"Traceback" not in seen


@pytest.mark.parametrize(
    ("asked", "name"), [("1", "tokenizer"), ("4", "training"), ("gen", "generation"), ("Weights", "weights")]
)
def test_names_of_screens(asked, name):
    assert screen_name(asked) == name


def test_what_the_bar_calls_a_screen_opens_it():
    assert [screen_name(label) for label in TITLES] == list(SCREENS)


def test_the_beginning_that_two_screens_share_is_refused():
    with pytest.raises(InputError, match="no screen 't'"):
        screen_name("t")


def test_a_lesson_opens_beside_its_screen(llm_lab):
    code, seen = on_screen(partial(llm_lab.start, "lesson", "1", "--fresh"), until=b"? closes")
    assert code == 0
    assert b"Text to tokens" in seen


@pytest.mark.parametrize("words", [("tour", "2"), ("open", "--tour", "--fresh")])
def test_the_tour_opens_with_its_card(llm_lab, words):
    code, seen = on_screen(partial(llm_lab.start, *words), until=b"space next")
    assert code == 0
    assert f"tour {2 if words[0] == 'tour' else 1} of {len(STEPS)}".encode() in seen


def test_the_first_start_offers_the_tour_and_a_start_for_something_else_does_not(llm_lab):
    offered = b"First time?"
    code, seen = on_screen(partial(llm_lab.start, "open", "1"), until=offered)
    assert code == 0
    write_run(llm_lab.runs / "watched", val_loss=3.14159)
    code, seen = on_screen(partial(llm_lab.start, "watch", "watched"), until=b"3.142")
    assert code == 0 and offered not in seen


def test_the_steps_of_the_tour_are_listed_and_others_refused(llm_lab):
    said = llm_lab("tour", "--list")
    assert [int(line.split()[0]) for line in said.out.splitlines()[:-1]] == list(range(1, len(STEPS) + 1))
    steps = llm_lab("tour", "--json").json["steps"]
    assert {one["screen"] for one in steps} == {1, 2, 3, 4, 5, 6} and 8 <= len(steps) <= 12
    for wrong in ("0", str(len(STEPS) + 1), "attention", ""):
        error = llm_lab("tour", wrong)
        assert error.code == 2 and error.error["title"].startswith(f"the tour has no step {wrong!r}")


def test_the_lessons_are_listed_and_others_refused(llm_lab):
    said = llm_lab("lesson")
    assert [line[0] for line in said.out.splitlines()[:8]] == list("12345678")
    listed = llm_lab("lesson", "--json").json["lessons"]
    assert listed[2] == {"lesson": 3, "title": "Attention", "screen": "attention"}
    assert {one["screen"] for one in listed} == set(SCREENS)
    for wrong in ("0", "9", "attention", ""):
        error = llm_lab("lesson", wrong)
        assert error.code == 2 and error.error["title"] == f"there is no lesson {wrong!r}: they go from 1 to 8"
