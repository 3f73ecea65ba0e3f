"""Sets of heads as a person writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import GPTConfig
from core.errors import InputError
from core.model.head_sets import format_heads, parse_heads

SHAPE = GPTConfig(10, 8, 12, n_heads=4, n_layers=3)
ALL = [(layer, head) for layer in range(3) for head in range(4)]
SETS = st.sets(st.sampled_from(ALL))


@pytest.mark.parametrize(
    ("text", "heads"),
    [
        ("0.3", [(0, 3)]),
        ("2.1,0.3 0.3", [(0, 3), (2, 1)]),
        ("1.*", [(1, 0), (1, 1), (1, 2), (1, 3)]),
        ("*.2", [(0, 2), (1, 2), (2, 2)]),
        ("0-1.1-2", [(0, 1), (0, 2), (1, 1), (1, 2)]),
        ("*", ALL),
        ("!1.2", [head for head in ALL if head != (1, 2)]),
        ("!1.*,!0.*", [(2, 0), (2, 1), (2, 2), (2, 3)]),
        ("2.*,!2.0", [(2, 1), (2, 2), (2, 3)]),
        ("!2.*,2.1", [*ALL[:8], (2, 1)]),
    ],
)
def test_what_a_text_names(text: str, heads: list[tuple[int, int]]) -> None:
    assert list(parse_heads(text, SHAPE)) == heads


@given(SETS)
def test_what_is_written_is_read_back(heads: set[tuple[int, int]]) -> None:
    text = format_heads(heads, SHAPE)
    assert bool(text) == bool(heads)
    if heads:
        assert set(parse_heads(text, SHAPE)) == heads


@given(SETS.filter(bool), SETS)
def test_taking_away_is_the_difference_of_sets(some: set[tuple[int, int]], away: set[tuple[int, int]]) -> None:
    terms = [f"{layer}.{head}" for layer, head in some] + [f"!{layer}.{head}" for layer, head in away]
    assert set(parse_heads(",".join(terms), SHAPE)) == some - away


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("", "expected heads, got none"),
        (" , ", "expected heads, got none"),
        ("5.1", "there is no layer 5, named in 5.1: there are layers 0 to 2"),
        ("0.3,1.9", "there is no head 9, named in 1.9: there are heads 0 to 3"),
        ("0-7.*", "there is no layer 7, named in 0-7.*"),
        ("!2.4", "there is no head 4"),
        ("2-1.0", "2-1 in 2-1.0 runs backwards"),
        ("1", "expected heads as LAYER.HEAD, got '1'"),
        ("1.-1", "got '1.-1'"),
        ("L2H1", "got 'L2H1'"),
        ("1.2.3", "got '1.2.3'"),
        ("9" * 5000 + ".0", "got '" + "9" * 40 + "…'"),
        ("123456789.0", "there is no layer 123456789"),
        ("²." + "1", "expected heads as LAYER.HEAD"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, title: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_heads(text, SHAPE)
    assert title in caught.value.title
    assert "LAYER.HEAD" in caught.value.hint or "write" in caught.value.hint


def test_a_model_with_one_head() -> None:
    one = GPTConfig(10, 8, 12, n_heads=1, n_layers=1)
    assert parse_heads("*", one) == parse_heads("0.0", one) == ((0, 0),)
    assert parse_heads("!0.0", one) == ()
    with pytest.raises(InputError, match="there is head 0 alone"):
        parse_heads("0.1", one)
