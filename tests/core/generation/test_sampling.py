"""The edges of the filters: temperature 0, k beyond the vocabulary, p of 0 and 1, ties, everything banned."""

from __future__ import annotations

import math
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigError
from core.generation import sampling
from core.generation.settings import SamplingConfig

LOGITS = torch.tensor([2.0, 0.5, -1.0, 2.0, -3.0])
FLAT = torch.zeros(6)


def kept(logits: torch.Tensor) -> list[int]:
    return (logits > -torch.inf).nonzero()[:, 0].tolist()


def run(config: SamplingConfig, logits: torch.Tensor = LOGITS) -> torch.Tensor:
    for _, change in sampling.filters(config, [0, 1], [1, 1, 4]):
        logits = change(logits)
    return logits


def test_temperature_zero_is_greedy_and_among_equals_the_lowest_id() -> None:
    assert kept(run(SamplingConfig(temperature=0))) == [0]
    assert sampling.greedy(LOGITS) == 0
    assert sampling.draw(run(SamplingConfig(temperature=0)), torch.Generator().manual_seed(1)) == 0


def test_temperature_zero_comes_after_the_penalties() -> None:
    assert kept(run(SamplingConfig(temperature=0, repetition_penalty=2))) == [3]


@pytest.mark.parametrize("temperature", [1e-45, 1e-10, 1e30, 1e300])
def test_a_tiny_or_huge_temperature_gives_numbers(temperature: float) -> None:
    found = run(SamplingConfig(temperature=temperature)).softmax(0)
    assert not found.isnan().any() and float(found.sum()) == pytest.approx(1)


def test_k_beyond_the_vocabulary_keeps_all_and_ties_stay() -> None:
    assert kept(sampling.keep_top_k(LOGITS, 99)) == [0, 1, 2, 3, 4]
    assert kept(sampling.keep_top_k(LOGITS, 1)) == [0, 3]
    assert kept(sampling.keep_top_k(FLAT, 2)) == list(range(6))


def test_p_zero_keeps_the_likeliest_and_p_one_everything() -> None:
    assert kept(sampling.keep_top_p(LOGITS, 0)) == [0]
    assert kept(sampling.keep_top_p(LOGITS, 1)) == [0, 1, 2, 3, 4]
    assert kept(sampling.keep_min_p(LOGITS, 0)) == [0, 1, 2, 3, 4]
    assert kept(sampling.keep_min_p(LOGITS, 1)) == [0, 3]
    assert kept(sampling.keep_typical(LOGITS, 1)) == [0, 1, 2, 3, 4]
    assert kept(sampling.keep_typical(LOGITS, 0)) == [0, 3]


def test_the_token_that_crosses_the_threshold_is_kept() -> None:
    logits = torch.tensor([0.5, 0.3, 0.2]).log()
    assert kept(sampling.keep_top_p(logits, 0.49)) == [0]
    assert kept(sampling.keep_top_p(logits, 0.51)) == [0, 1]
    assert kept(sampling.keep_top_p(logits, 0.81)) == [0, 1, 2]


def test_among_equals_top_p_takes_the_lower_ids() -> None:
    assert kept(sampling.keep_top_p(FLAT, 0.45)) == [0, 1, 2]


def test_top_p_of_a_flat_large_vocabulary_looks_past_its_first_thousand() -> None:
    assert len(kept(sampling.keep_top_p(torch.zeros(5000), 0.9))) == pytest.approx(4500, abs=2)


def test_among_equals_of_a_large_vocabulary_the_lower_ids_are_kept_too() -> None:
    """As 16-bit logits have them: few values, each many times, more than are looked at first."""
    generator = torch.Generator().manual_seed(5)
    for size, values in ((3000, 3), (20_000, 6)):
        logits = torch.randint(0, values, (size,), generator=generator).float()
        order = logits.argsort(descending=True, stable=True)
        held = logits.softmax(0)[order].cumsum(0)
        for p in (0.01, 0.2, 0.35, 0.6, 0.97):
            expected = order[: 1 + int((held < p).sum())].sort().values.tolist()
            found = kept(sampling.keep_top_p(logits, p))
            assert abs(len(found) - len(expected)) <= 1  # sums of so many floats may differ in their last place
            assert found == order[: len(found)].sort().values.tolist()


def test_frequency_counts_and_presence_does_not() -> None:
    frequent = sampling.penalize_frequency(LOGITS, [1, 1, 4], 0.5)
    present = sampling.penalize_presence(LOGITS, [1, 1, 4], 0.5)
    assert (LOGITS - frequent).tolist() == [0, 1.0, 0, 0, 0.5]
    assert (LOGITS - present).tolist() == [0, 0.5, 0, 0, 0.5]


def test_penalties_of_the_answer_leave_the_prompt_alone() -> None:
    names = [name for name, _ in sampling.filters(SamplingConfig(presence_penalty=1, frequency_penalty=1), [1, 2], [])]
    assert names == ["temperature"]


def test_everything_banned_is_an_error_with_both_numbers() -> None:
    assert kept(sampling.ban(LOGITS, [0, 3])) == [1, 2, 4]
    with pytest.raises(ConfigError, match="every token is banned, 5 of 5") as caught:
        sampling.ban(LOGITS, [0, 1, 2, 3, 4])
    assert "banned_tokens" in caught.value.hint


def test_idle_settings_are_no_filters() -> None:
    idle = SamplingConfig(temperature=1)
    assert sampling.filters(idle, [1], [2]) == []
    everything = SamplingConfig(
        temperature=0.5, top_k=3, top_p=0.9, min_p=0.1, typical_p=0.9, repetition_penalty=1.2, presence_penalty=0.1,
        frequency_penalty=0.1, logit_bias={1: 1.0}, banned_tokens=(2,),
    )  # fmt: skip
    assert [name for name, _ in sampling.filters(everything, [1], [2])] == [
        "logit_bias", "repetition_penalty", "presence_penalty", "frequency_penalty", "banned_tokens",
        "temperature", "top_k", "top_p", "min_p", "typical_p",
    ]  # fmt: skip


def test_nothing_writes_into_the_logits_it_was_given() -> None:
    before = LOGITS.clone()
    run(
        SamplingConfig(
            top_k=2, top_p=0.5, min_p=0.2, typical_p=0.5, repetition_penalty=2, presence_penalty=1,
            frequency_penalty=1, logit_bias={1: 1.0}, banned_tokens=(2,),
        )
    )  # fmt: skip
    assert torch.equal(LOGITS, before)


def test_draws_follow_the_probabilities() -> None:
    generator = torch.Generator().manual_seed(5)
    logits = sampling.keep_top_k(torch.tensor([0.6, 0.3, 0.1]).log(), 2)
    counts = Counter(sampling.draw(logits, generator) for _ in range(3000))
    assert set(counts) == {0, 1} and counts[0] / 3000 == pytest.approx(2 / 3, abs=0.03)


@given(
    st.lists(st.floats(-40, 40, width=32), min_size=1, max_size=30),
    st.floats(0, 1),
    st.integers(1, 40),
    st.floats(0, 3, width=32),
)
def test_something_is_always_left(values: list[float], p: float, k: int, temperature: float) -> None:
    logits = torch.tensor(values)
    config = SamplingConfig(temperature=temperature, top_k=k, top_p=p, min_p=p, typical_p=p)
    left = run_plain(config, logits)
    assert kept(left) and not left.isnan().any()
    assert 0 <= sampling.draw(left, torch.Generator().manual_seed(0)) < len(values)


def run_plain(config: SamplingConfig, logits: torch.Tensor) -> torch.Tensor:
    for _, change in sampling.filters(config, [], []):
        logits = change(logits)
    return logits


@pytest.mark.parametrize("name", ["temperature", "top_p", "min_p", "typical_p", "repetition_penalty", "top_k"])
@pytest.mark.parametrize("value", [-1, -0.5, math.nan, math.inf, "x", True])
def test_values_out_of_range_name_their_field(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"^{name} must be") as caught:
        SamplingConfig(**{name: value})  # type: ignore[arg-type]
    assert "llm-lab generate" in caught.value.hint


@pytest.mark.parametrize(
    "wrong",
    [
        {"stop": ("",)}, {"stop": (1,)}, {"stop": ("\udcff",)}, {"banned_tokens": (-1,)}, {"banned_tokens": ("a",)},
        {"logit_bias": {1: math.nan}}, {"logit_bias": {-1: 1.0}}, {"logit_bias": [(1,)]}, {"max_new_tokens": 0},
        {"seed": -1}, {"top_alternatives": -1}, {"presence_penalty": math.nan}, {"frequency_penalty": None},
        {"stop_at_end_of_text": "yes"}, {"top_k": 0}, {"top_k": 1.5}, {"top_p": 1.01},
        {"presence_penalty": 1e300}, {"frequency_penalty": -1e7}, {"repetition_penalty": 1e7},
        {"repetition_penalty": 1e-300}, {"logit_bias": {1: -1e300}}, {"seed": 1 << 63}, {"max_new_tokens": 1 << 70},
    ],
)  # fmt: skip
def test_every_field_is_checked(wrong: dict[str, object]) -> None:
    (name,) = wrong
    with pytest.raises(ConfigError, match=f"^{name} must be"):
        SamplingConfig(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_largest_biases_and_penalties_still_give_numbers(sign: float) -> None:
    config = SamplingConfig(
        logit_bias={0: sign * 1e6}, repetition_penalty=10.0 ** (6 * sign), presence_penalty=sign * 1e6,
        frequency_penalty=-sign * 1e6, temperature=1e-300,
    )  # fmt: skip
    left = run(config)
    assert kept(left) and not left.isnan().any()
    assert left[sampling.draw(left, torch.Generator().manual_seed(0))] == 0


def test_all_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        SamplingConfig(temperature=math.nan, top_p=7, stop=("",))
    assert all(name in caught.value.title for name in ("temperature", "top_p", "stop"))


def test_settings_go_through_json_and_unknown_ones_are_named() -> None:
    config = SamplingConfig(logit_bias={3: -2.0}, stop="END", banned_tokens=[1, 2])  # type: ignore[arg-type]
    assert SamplingConfig.from_dict(config.to_dict()) == config
    assert (config.stop, config.banned_tokens, config.logit_bias) == (("END",), (1, 2), ((3, -2.0),))
    with pytest.raises(ConfigError, match=r"temprature is not a field .did you mean temperature"):
        SamplingConfig.from_dict({"temprature": 1})
    with pytest.raises(ConfigError, match="did you mean top_k"):
        SamplingConfig().override(topk=3)
