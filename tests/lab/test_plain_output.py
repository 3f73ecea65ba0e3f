"""What goes into a pipe is words and numbers, for the next program or a screen reader: no colour, no boxes, no bars."""

import re
import sys

import pytest

DRAWN = re.compile("[\u2500-\u259f\u2800-\u28ff\x1b]")
COMMANDS = [
    ("tokenize", "char", "The cat sat on the mat.", "--compare", "byte"),
    ("vectors", "demo", "neighbours", "king"),
    ("vectors", "demo", "analogy", "king - man + woman"),
    ("vectors", "demo", "similarity", "king", "queen", "man"),
    ("vectors", "demo", "map", "king", "queen", "man"),
    ("runs",),
    ("weights", "demo", "--filter", "h.0.attn"),
    ("--help",),
]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words[:3]))
def test_a_pipe_has_words_and_numbers(llm_lab, words):
    said = llm_lab(*words)
    assert said.code == 0 and said.out
    assert not DRAWN.search(said.out), DRAWN.findall(said.out)[:9]


@pytest.mark.parametrize(("term", "drawn"), [("xterm-256color", True), ("dumb", False)])
def test_bars_are_for_terminals_that_draw(llm_lab, monkeypatch, term, drawn):
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda self: True, raising=False)
    assert ("█" in llm_lab("vectors", "demo", "neighbours", "king").out) is drawn
