"""Arithmetic with words as it is typed: what it means, which signs belong to a word, and where a mistake is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.vectors.expression import ExpressionError, parse, quoted

KNOWN = {
    "king",
    "man",
    "woman",
    "well-known",
    "well",
    "known",
    "c++",
    "and/or",
    "1984",
    "'s",
    "a:b",
    "new york",
    "-",
    "++",
}


def terms(text: str, known: set[str] | None = None) -> dict[str, float]:
    found = parse(text, None if known is None else known.__contains__)
    return {term.word: term.weight for term in found.terms}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("king", {"king": 1}),
        ("king - man + woman", {"king": 1, "man": -1, "woman": 1}),
        ("  king−man +woman", {"king": 1, "man": -1, "woman": 1}),
        ("2*paris - france", {"paris": 2, "france": -1}),
        ("paris * 2 - .5 × france", {"paris": 2, "france": -0.5}),
        ("-king", {"king": -1}),
        ("-2*king - -man", {"king": -2, "man": 1}),
        ("(king - man) * 3", {"king": 3, "man": -3}),
        ("2*((king + queen)/4 - man)", {"king": 0.5, "queen": 0.5, "man": -2}),
        ("1e2*a", {"a": 100}),
        ("king + king", {"king": 2}),
        ("king - king", {"king": 0}),
        ("paris : france :: tokyo", {"france": 1, "paris": -1, "tokyo": 1}),
        ("paris:france::tokyo", {"france": 1, "paris": -1, "tokyo": 1}),
        ("paris : france :: tokyo : ?", {"france": 1, "paris": -1, "tokyo": 1}),
        ("a : b :: (c + d)/2", {"b": 1, "a": -1, "c": 0.5, "d": 0.5}),
        ('"new york" - “los angeles”', {"new york": 1, "los angeles": -1}),
        (r'"say \"hi\"" + "\\"', {'say "hi"': 1, "\\": 1}),
        ('"+" - "2"', {"+": 1, "2": -1}),
        ("well-known - known", {"well-known": 1, "known": -1}),
        ("don't - rock'n'roll", {"don't": 1, "rock'n'roll": -1}),
        ("1984", {"1984": 1}),
        ("1984 - 3.5", {"1984": 1, "3.5": -1}),
        ("- 1984", {"1984": -1}),
        ("東京 - 日本 + Ελλάδα", {"東京": 1, "日本": -1, "Ελλάδα": 1}),
        ("·king - ⟨E2⟩", {"·king": 1, "⟨E2⟩": -1}),
    ],
)
def test_what_an_expression_means(text: str, expected: dict[str, float]) -> None:
    assert terms(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("king-man+woman", {"king": 1, "man": -1, "woman": 1}),
        ("well-known", {"well-known": 1}),
        ("well-known-king", {"well-known": 1, "king": -1}),
        ("well - known", {"well": 1, "known": -1}),
        ("c++ - king", {"c++": 1, "king": -1}),
        ("c+++king", {"c++": 1, "king": 1}),
        ("and/or+king", {"and/or": 1, "king": 1}),
        ("1984-king", {"1984": 1, "king": -1}),
        ("'s + king", {"'s": 1, "king": 1}),
        ("a:b - king", {"a:b": 1, "king": -1}),
        ("king - qwz-abc", {"king": 1, "qwz-abc": -1}),
        ("2*king-man", {"king": 2, "man": -1}),
        ("(king-man)+woman", {"king": 1, "man": -1, "woman": 1}),
    ],
)
def test_the_vocabulary_decides_which_signs_belong_to_a_word(text: str, expected: dict[str, float]) -> None:
    assert terms(text, KNOWN) == expected


@pytest.mark.parametrize(
    ("text", "at", "said"),
    [
        ("", 0, "there is none"),
        ("   ", 0, "there is none"),
        ("king -", 6, "got the end"),
        ("king - man +", 12, "got the end"),
        ("king man", 5, "a sign (+ - * :) was expected before man"),
        ("2 king", 2, "as in 2*king"),
        ("(king - man", 0, "not closed"),
        ("king)", 4, "never opened"),
        ("king - () + man", 8, "got )"),
        ('"king - man', 0, "not closed"),
        ('king - ""', 7, "between the quotes"),
        ("* king", 0, "got *"),
        ("king * man", 7, "not by a word"),
        ("2 / king", 4, "by a number alone"),
        ("king / 0", 7, "divided by 0"),
        ("2 * 3", 0, "numbers alone"),
        ("a - 1e10*b", 9, "larger than 1e+09"),
        ("a : b", 5, "the rest is missing"),
        ("a : b : c", 6, "a : b :: c"),
        ("a :: b", 2, "a : b :: c"),
        ("a : b :: c :: d", 11, "a : b :: c"),
        ("a : b :: c : d", 11, "a : b :: c"),
    ],
)
def test_a_mistake_is_pointed_at(text: str, at: int, said: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    error = caught.value
    assert (error.at, said in error.said) == (at, True), (error.at, error.said)
    first, shown, caret = error.title.split("\n")
    assert first == error.said and shown == f"  {text}" and caret.index("^") == at + 2 and error.hint


def test_the_place_is_shown_in_a_long_expression() -> None:
    text = " + ".join(["word"] * 100) + " )"
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    _, shown, caret = caught.value.title.split("\n")
    assert len(shown) <= 102 and shown[caret.index("^")] == ")"


@pytest.mark.parametrize(("text", "column"), [("東京 日本", 5), ("e\u0301 é", 2), ("a b", 2)])
def test_the_mark_stands_below_its_place_whatever_is_before_it(text: str, column: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert caught.value.title.split("\n")[2] == " " * (2 + column) + "^"


@pytest.mark.parametrize("text", ["(" * 2000 + "a", "-" * 2000 + "a", "a" * 10_001, "1e308*1e308*a", "1e999*a"])
def test_what_is_too_much_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text)
    assert caught.value.hint


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=8)
weights = st.floats(-8, 8, allow_nan=False).map(lambda x: round(x, 2)).filter(bool)


@given(st.dictionaries(words, weights, min_size=1, max_size=5))
def test_a_sum_that_is_written_is_read_back(sums: dict[str, float]) -> None:
    text = " + ".join(f"{weight}*{quoted(word)}" for word, weight in sums.items())
    parsed = parse(text)
    assert {term.word: term.weight for term in parsed.terms} == sums
    again = {term.word: term.weight for term in parse(str(parsed)).terms}
    assert again == pytest.approx(sums)


@given(st.text("ab \"'+-*/():?2.\\·", max_size=30))
def test_any_text_is_read_or_refused_with_its_place(text: str) -> None:
    for known in (None, {"a-b", "ab", "2"}.__contains__):
        try:
            parsed = parse(text, known)
        except ExpressionError as error:
            assert 0 <= error.at <= len(text)
        except InputError:
            pass
        else:
            assert parsed.terms
