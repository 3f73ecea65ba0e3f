"""The workbench: what can be set, who hears of it, and what survives being kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.workbench import Bench, Workbench


def test_a_change_tells_everyone_once_and_counts():
    bench, heard = Workbench(), []
    stop = bench.subscribe(lambda old, new: heard.append((old.a, new.a)))
    bench.set(a="shakes@best")
    bench.set(a="shakes@best")
    assert heard == [("demo", "shakes@best")]
    assert bench.generation == 1
    stop()
    stop()
    bench.set(a="demo")
    assert len(heard) == 1


def test_a_subscriber_that_fails_puts_the_old_state_back_for_all():
    bench, seen = Workbench(), []
    bench.subscribe(lambda old, new: seen.append(new.a))

    def refuse(old, new):
        raise InputError("no", "no")

    bench.subscribe(refuse)
    with pytest.raises(InputError):
        bench.set(a="other")
    assert bench.a == "demo"
    assert seen == ["other", "demo"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"promt": "x"}, "did you mean prompt"),
        ({"a": None}, "must be a text"),
        ({"a": "  "}, "must not be empty"),
        ({"device": "cudo"}, "did you mean cuda"),
    ],
)
def test_what_cannot_be_is_refused_in_two_lines(change, said):
    bench = Workbench()
    with pytest.raises(InputError) as caught:
        bench.set(**change)
    assert said in caught.value.title and caught.value.hint
    assert bench.bench == Bench() and bench.generation == 0


def test_a_refresh_tells_of_another_thing_of_the_same_name():
    bench, heard = Workbench(), []
    bench.subscribe(lambda old, new: heard.append((old, new)))
    bench.refresh()
    assert heard == [(bench.bench, bench.bench)]
    assert bench.generation == 1


def test_it_comes_back_as_it_was_kept():
    bench = Workbench()
    bench.set(a="x@5", b="demo", tokenizer="gpt2", prompt="é\n", device="cuda:1")
    assert Workbench.from_dict(bench.to_dict()).bench == bench.bench


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["a", "b", "tokenizer", "prompt", "device", "x"]), json_values) | json_values)
def test_whatever_was_kept_gives_a_workbench_that_works(raw):
    bench = Workbench.from_dict(raw)
    assert Workbench.from_dict(bench.to_dict()).bench == bench.bench
    bench.set(a="demo", device="cpu")
