"""Text as it comes: whole characters, and nothing that may still become a stop text."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from core.generation.streaming import StreamText
from core.visible import visible


def streamed(pieces: list[bytes], stop: list[str]) -> tuple[list[str], str | None]:
    text = StreamText(stop)
    out = []
    for piece in pieces:
        out.append(text.push(piece))
        if text.stopped is not None:
            return out, text.stopped
    out.append(text.flush())
    return out, text.stopped


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted({p % (len(data) + 1) for p in places}), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


@given(st.text(max_size=30), st.lists(st.integers(0, 1000), max_size=20))
def test_however_text_is_cut_it_comes_out_whole(text: str, places: list[int]) -> None:
    out, _ = streamed(cut(text.encode(), places), [])
    assert "".join(out) == text and "\ufffd" not in "".join(out).replace("\ufffd" if "\ufffd" in text else "", "")


@given(st.binary(max_size=40), st.lists(st.integers(0, 1000), max_size=20))
def test_any_bytes_come_out_as_they_decode(data: bytes, places: list[int]) -> None:
    assert "".join(streamed(cut(data, places), [])[0]) == data.decode("utf-8", "replace")


@given(
    st.text("abé", max_size=25),
    st.lists(st.text("abé", min_size=1, max_size=4), min_size=1, max_size=3),
    st.lists(st.integers(0, 1000), max_size=25),
)
def test_a_stop_text_is_never_printed_however_it_is_cut(text: str, stop: list[str], places: list[int]) -> None:
    out, met = streamed(cut(text.encode(), places), stop)
    said = "".join(out)
    assert not any(s in said for s in stop)
    if met is None:
        assert said == text and not any(s in text for s in stop)
    else:
        assert text.startswith(said + met)


def test_as_much_as_possible_is_printed_at_once() -> None:
    text = StreamText(["stop"])
    assert [text.push(c.encode()) for c in "a sto"] == ["a", " ", "", "", ""]
    assert text.push(b"ne") == "stone"


def test_after_the_stop_nothing_more_comes() -> None:
    text = StreamText(["."])
    assert text.push(b"end. more") == "end" and text.push(b"x") == "" and text.flush() == ""


def test_half_a_character_at_the_end_shows() -> None:
    text = StreamText()
    assert text.push(b"caf\xc3") == "caf" and text.flush() == "\ufffd"


def test_control_characters_do_not_reach_a_terminal() -> None:
    shown = visible("a\x1b]0;title\x07\x9b2J\x7f\r\n\tb\ud800")
    assert shown == "a␛]0;title␇\ufffd2J␡␍\n\tb\ufffd"
    assert visible("plain é 漢\n") == "plain é 漢\n"
