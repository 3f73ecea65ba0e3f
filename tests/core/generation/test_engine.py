"""Decoding with a cache: the same tokens as without, text safe to print, endings, continuations, branches."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence

import pytest
import torch
from tiny_models import byte_ids, byte_level, letters, loaded, tiny_model

from core.generation.decode import continue_text
from core.generation.engine import generate, generator_at, next_choice
from core.generation.runner import PlainRunner
from core.generation.sampling import draw, filters
from core.generation.session import Session, window_start
from core.generation.settings import SamplingConfig
from core.generation.steps import Step
from core.tokenizers import get_tokenizer
from core.weights.checkpoint import LoadedModel

GREEDY = SamplingConfig(temperature=0, max_new_tokens=11)


def tokens(steps: Iterator[Step]) -> list[int]:
    return [step.token_id for step in steps]


def without_cache(model: LoadedModel, prompt: Sequence[int], config: SamplingConfig, seed: int) -> list[int]:
    """Each token from the whole window read anew, by the functions of sampling.py alone."""
    ids = list(prompt)
    for k in range(config.max_new_tokens):
        start = window_start(len(ids), len(prompt), model.config.context_length)
        with torch.no_grad():
            logits = model.model(torch.tensor([ids[start:]]))[0, -1]
        for _, change in filters(config, prompt, ids[len(prompt) :]):
            logits = change(logits)
        ids.append(int(logits.argmax()) if config.temperature == 0 else draw(logits, generator_at(seed, k)))
    return ids[len(prompt) :]


@pytest.mark.parametrize("length", range(1, 17))
def test_the_tokens_are_those_without_a_cache_from_every_position_and_past_the_context(length: int) -> None:
    model = letters(context=16)
    prompt = torch.randint(0, 39, (length,), generator=torch.Generator().manual_seed(length)).tolist()
    for config in (SamplingConfig(temperature=0, max_new_tokens=40), SamplingConfig(temperature=1, max_new_tokens=40)):
        assert tokens(generate(model, prompt, config)) == without_cache(model, prompt, config, config.seed)


@pytest.mark.parametrize("length", [17, 23, 40])
def test_a_prompt_longer_than_the_context_is_continued_from_its_end(length: int) -> None:
    model = letters(context=16)
    prompt = torch.randint(0, 39, (length,), generator=torch.Generator().manual_seed(length)).tolist()
    steps = list(generate(model, prompt, GREEDY))
    assert [s.token_id for s in steps] == without_cache(model, prompt, GREEDY, 0)
    assert "the model sees 16 at once" in steps[0].notice and f"{length} tokens" in steps[0].notice
    assert steps[0].window_start == length - 16
    assert tokens(generate(model, prompt[-16:], GREEDY)) == [s.token_id for s in steps]


def test_where_the_context_slides_it_is_said_once() -> None:
    steps = list(generate(letters(context=16), "hello", GREEDY.override(max_new_tokens=20)))
    assert [s.index for s in steps if s.notice] == [12]
    assert steps[11].window_start == 0 and steps[12].window_start == 9


def test_training_samples_and_the_console_read_the_same_window() -> None:
    """``continue_text`` slides by the same rule: greedy, they agree far past the context."""
    model = letters(context=16)
    prompt = model.tokenizer.encode("a fox")
    expected = continue_text(model.model, prompt, 60, temperature=0)
    assert tokens(generate(model, prompt, GREEDY.override(max_new_tokens=60))) == expected


def test_the_same_seed_gives_the_same_tokens_and_another_seed_others() -> None:
    model, config = letters(), SamplingConfig(max_new_tokens=30, temperature=1)
    first = tokens(generate(model, "the", config))
    assert tokens(generate(model, "the", config)) == first
    assert tokens(generate(model, "the", config.override(seed=43))) != first


def test_continuations_share_a_prefill_and_each_is_what_its_seed_gives_alone() -> None:
    model, config = letters(context=24), SamplingConfig(max_new_tokens=40, temperature=1)
    reads: list[tuple[int, ...]] = []

    class Counting(PlainRunner):
        def prefill(self, ids: torch.Tensor) -> torch.Tensor:
            reads.append(tuple(ids.shape))
            return super().prefill(ids)

    steps = list(generate(model, "the fox", config, n=3, runner=Counting(model.model)))
    assert reads[0] == (1, 7) and all(shape[0] in (1, 3) for shape in reads[1:])
    assert [s.sample for s in steps[:6]] == [0, 1, 2, 0, 1, 2]
    for sample in range(3):
        alone = tokens(generate(model, "the fox", config.override(seed=42 + sample)))
        assert [s.token_id for s in steps if s.sample == sample] == alone


def test_going_on_from_any_place_gives_what_an_undisturbed_run_gave() -> None:
    model, config = letters(context=16), SamplingConfig(max_new_tokens=30, temperature=1, presence_penalty=0.5)
    prompt = model.tokenizer.encode("the")
    whole = tokens(generate(model, prompt, config))
    session = Session(model)
    for cut in (1, 7, 20):
        rest = generate(
            model, prompt + whole[:cut], config.override(max_new_tokens=30 - cut), session=session, prompt_length=3
        )
        steps = list(rest)
        assert [s.token_id for s in steps] == whole[cut:]
        assert steps[0].index == cut


def test_a_branch_reads_only_what_the_cache_does_not_hold() -> None:
    model = letters(context=32)
    read = 0

    class Counting(PlainRunner):
        def prefill(self, ids: torch.Tensor) -> torch.Tensor:
            nonlocal read
            read += ids.numel()
            return super().prefill(ids)

    session = Session(model, Counting(model.model))
    prompt = model.tokenizer.encode("the quick brown")
    trunk = tokens(generate(model, prompt, GREEDY, session=session))
    read = 0
    other = (trunk[6] + 1) % 39
    branch = [*prompt, *trunk[:6], other]
    steps = tokens(generate(model, branch, GREEDY.override(max_new_tokens=1), session=session, prompt_length=15))
    assert read == 1, "the alternative alone is new"
    assert steps == tokens(generate(model, branch, GREEDY.override(max_new_tokens=1)))


def test_numbers_of_a_step_are_those_of_the_distribution() -> None:
    model = letters()
    config = SamplingConfig(temperature=0.5, top_k=6, top_p=0.9, max_new_tokens=1, top_alternatives=39)
    (step,) = generate(model, "hello", config)
    with torch.no_grad():
        logits = model.model(torch.tensor([model.tokenizer.encode("hello")]))[0, -1]
    raw = logits.log_softmax(0)
    assert step.raw_logprob == pytest.approx(float(raw[step.token_id]), abs=1e-5)
    assert step.rank == 1 + int((logits > logits[step.token_id]).sum())
    assert step.entropy == pytest.approx(float(-(raw.exp() * raw).sum()) / math.log(2), abs=1e-4)
    assert sum(a.before for a in step.alternatives) == pytest.approx(1, abs=1e-5)
    assert sum(a.after for a in step.alternatives) == pytest.approx(1, abs=1e-5)
    assert [a.before for a in step.alternatives] == sorted((a.before for a in step.alternatives), reverse=True)
    assert step.kept["temperature"] == 39 and step.kept["top_k"] == 6 and 1 <= step.kept["top_p"] <= 6
    assert sum(a.cut_by is None for a in step.alternatives) == step.kept["top_p"]
    assert {a.cut_by for a in step.alternatives[6:]} == {"top_k"}
    taken = next(a for a in step.alternatives if a.token_id == step.token_id)
    assert step.logprob == pytest.approx(math.log(taken.after), abs=1e-5) and taken.path == step.path
    assert [name for name, _ in step.path] == ["temperature", "top_k", "top_p"]
    assert step.seconds > 0


def test_what_is_too_unlikely_for_a_float_was_not_cut() -> None:
    (step,) = generate(letters(), "hello", SamplingConfig(temperature=0.001, max_new_tokens=1, top_alternatives=39))
    assert step.kept == {"temperature": 39} and sum(a.after == 0 for a in step.alternatives) > 30
    assert all(a.cut_by is None for a in step.alternatives)
    (step,) = generate(letters(), "hello", SamplingConfig(temperature=0.001, top_k=2, max_new_tokens=1))
    assert [a.cut_by for a in step.alternatives] == [None, None] + ["top_k"] * 8


def test_greedy_takes_rank_one_and_its_probability_is_one() -> None:
    for step in generate(letters(), "hello", GREEDY):
        assert step.rank == 1 and step.logprob == 0 and step.kept == {"temperature": 1}


def test_next_choice_says_what_a_step_would() -> None:
    model, config = letters(), SamplingConfig(top_k=5, max_new_tokens=1)
    ids = model.tokenizer.encode("hello")
    (step,) = generate(model, ids, config)
    choice = next_choice(Session(model), ids, config, len(ids))
    assert choice.alternatives == step.alternatives and choice.entropy == step.entropy and choice.kept == step.kept
    assert choice.entropy_after < choice.entropy


def test_text_has_no_half_characters_and_loses_nothing() -> None:
    model = byte_level()
    steps = list(generate(model, "é", SamplingConfig(max_new_tokens=300, temperature=1.5, stop_at_end_of_text=False)))
    raw = b"".join(step.bytes for step in steps)
    assert "".join(step.text for step in steps) == raw.decode("utf-8", "replace")
    assert any(0x80 <= step.bytes[0] < 0xC0 and step.text for step in steps), "some characters take several tokens"


def test_a_character_that_begins_in_the_prompt_ends_in_the_answer() -> None:
    model = byte_level()
    letter, first, second = byte_ids(model, "aé")
    bias = SamplingConfig(logit_bias={second: 100.0}, max_new_tokens=1)
    (step,) = generate(model, [letter, first], bias)
    assert step.text == "é"


def test_the_end_of_text_token_ends_it_and_is_not_printed() -> None:
    model = byte_level()
    forced = SamplingConfig(logit_bias={256: 100.0}, max_new_tokens=5)
    (step,) = generate(model, "a", forced)
    assert step.end == "end of text" and step.text == "" and step.bytes == b"<|endoftext|>"
    on = list(generate(model, "a", forced.override(stop_at_end_of_text=False)))
    assert len(on) == 5 and on[-1].end == "length" and on[0].text == "<|endoftext|>"


def spelled(text: str, **settings: object) -> list[Step]:
    """What comes out when a model is made to say ``text``."""
    model = loaded(tiny_model(39, 64), letters().tokenizer)
    ids = model.tokenizer.encode(text)
    with torch.no_grad():  # the position decides the token
        model.model.wpe.weight.zero_()
        model.model.wte.weight.zero_()

    class Speller(PlainRunner):
        def prefill(self, given: torch.Tensor) -> torch.Tensor:
            super().prefill(given)
            wanted = ids[self.length - 1] if self.length <= len(ids) else 0
            return torch.full((1, 39), -50.0).index_fill(1, torch.tensor([wanted]), 50.0)

    config = SamplingConfig(max_new_tokens=len(text), **settings)  # type: ignore[arg-type]
    return list(generate(model, "x", config, runner=Speller(model.model)))


def test_a_stop_text_across_tokens_ends_it_and_is_never_printed() -> None:
    steps = spelled("hello DEF there", stop=("DEF",))
    assert "".join(step.text for step in steps) == "hello "
    assert steps[-1].end == "stop" and steps[-1].stop == "DEF" and len(steps) == 9
    for i in range(len(steps)):
        assert "D" not in "".join(step.text for step in steps[: i + 1])


def test_what_only_began_like_a_stop_text_is_printed_in_the_end() -> None:
    steps = spelled("an DE", stop=("DEF",))
    assert "".join(step.text for step in steps) == "an DE" and steps[-1].end == "length"
    assert "".join(step.text for step in spelled("an DEF, DEFED", stop=("DEFED",))) == "an DEF, "


def test_the_first_of_several_stop_texts_counts() -> None:
    steps = spelled("one. two, three", stop=(",", "."))
    assert "".join(step.text for step in steps) == "one" and steps[-1].stop == "."


def test_continuations_end_each_on_its_own() -> None:
    model = byte_level()
    with torch.no_grad():
        model.model.ln_f.bias += 1.0 * model.model.wte.weight[256]
    steps = list(generate(model, "a", SamplingConfig(max_new_tokens=25, temperature=1), n=6))
    ends = {s.sample: (s.index, s.end) for s in steps if s.end}
    assert len(ends) == 6 and len({index for index, _ in ends.values()}) > 2
    assert {end for _, end in ends.values()} == {"end of text", "length"}
    for sample, (index, _) in ends.items():
        assert [s.index for s in steps if s.sample == sample] == list(range(index + 1))


def test_cancelled_it_ends_within_one_token() -> None:
    cancelled = threading.Event()
    seen = []
    for step in generate(letters(), "a", SamplingConfig(max_new_tokens=1000), cancelled=cancelled):
        seen.append(step)
        if len(seen) == 5:
            cancelled.set()
    assert len(seen) == 6 and seen[-1].end == "cancelled"


def test_cancelled_while_a_long_prompt_is_read_nothing_comes() -> None:
    model = letters(context=600)
    cancelled = threading.Event()
    read = []

    class Cancelling(PlainRunner):
        def prefill(self, ids: torch.Tensor) -> torch.Tensor:
            read.append(ids.shape[1])
            cancelled.set()
            return super().prefill(ids)

    assert list(generate(model, "a" * 600, runner=Cancelling(model.model), cancelled=cancelled)) == []
    assert read == [256]


def test_words_come_with_their_spaces() -> None:
    tokenizer = get_tokenizer("words-v2", "the cat sat on the mat, the cat.")
    model = loaded(tiny_model(tokenizer.vocab_size), tokenizer)
    steps = list(
        generate(model, "the cat", SamplingConfig(max_new_tokens=30, temperature=2, stop_at_end_of_text=False))
    )
    ids = tokenizer.encode("the cat") + [s.token_id for s in steps]
    assert "the cat" + "".join(s.text for s in steps) == tokenizer.decode(ids)


def test_a_rounded_up_vocabulary_never_draws_what_stands_for_nothing() -> None:
    tokenizer = letters().tokenizer
    model = loaded(tiny_model(64), tokenizer)
    with torch.no_grad():
        model.model.ln_f.bias += 5 * model.model.wte.weight[50]
    steps = list(generate(model, "a", SamplingConfig(max_new_tokens=60, temperature=2, top_alternatives=64)))
    assert all(s.token_id < 39 for s in steps) and len(steps[0].alternatives) == 39


def test_a_step_goes_through_json() -> None:
    for step in generate(byte_level(), "é", SamplingConfig(max_new_tokens=8, top_k=4)):
        assert Step.from_dict(step.to_dict()) == step


def test_gpt2s_vocabulary_comes_out_as_its_tokenizer_decodes_it(gpt2_vocabulary: object) -> None:
    tokenizer = get_tokenizer("gpt2")
    model = loaded(tiny_model(tokenizer.vocab_size), tokenizer)
    prompt = "Once upon a time: é漢😀"
    config = SamplingConfig(max_new_tokens=60, temperature=3, stop_at_end_of_text=False, top_k=3000)
    steps = list(generate(model, prompt, config))
    ids = tokenizer.encode(prompt) + [step.token_id for step in steps]
    assert prompt + "".join(step.text for step in steps) == tokenizer.decode(ids)
    assert steps[0].kept == {"temperature": 50257, "top_k": 3000}
    assert [s.token_id for s in steps] == [s.token_id for s in generate(model, tokenizer.encode(prompt), config)]
