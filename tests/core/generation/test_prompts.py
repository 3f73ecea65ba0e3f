"""What decoding starts from: no prompt, special tokens in it, and what cannot be used at all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from tiny_models import byte_ids, byte_level, letters, loaded, tiny_model

from core.errors import ConfigError, InputError, LabError, TokenizerError
from core.generation.engine import generate
from core.generation.settings import SamplingConfig
from core.generation.steps import Step
from core.tokenizers import get_tokenizer

GREEDY = SamplingConfig(temperature=0, max_new_tokens=11)


def tokens(steps: Iterator[Step]) -> list[int]:
    return [step.token_id for step in steps]


def test_an_empty_prompt_starts_after_the_end_of_text() -> None:
    model = byte_level()
    steps = list(generate(model, "", GREEDY))
    assert "the prompt is empty" in steps[0].notice and "<|endoftext|>" in steps[0].notice
    assert [s.token_id for s in steps] == tokens(generate(model, [256], GREEDY))


def test_an_empty_prompt_without_that_token_starts_after_a_line_break() -> None:
    model = letters()
    steps = list(generate(model, [], GREEDY))
    assert "a line break" in steps[0].notice
    assert [s.token_id for s in steps] == tokens(generate(model, "\n", GREEDY))


def test_without_a_line_break_it_starts_after_the_first_token() -> None:
    model = loaded(tiny_model(3), get_tokenizer("char", "abc"))
    steps = list(generate(model, "", GREEDY))
    assert "'a'" in steps[0].notice and [s.token_id for s in steps] == tokens(generate(model, "a", GREEDY))


def test_special_tokens_in_a_prompt_are_text_unless_allowed() -> None:
    model = byte_level(context=64)
    prompt = "a<|endoftext|>b"
    a, b = byte_ids(model, "ab")
    plain = tokens(generate(model, prompt, GREEDY))
    assert plain == tokens(generate(model, byte_ids(model, prompt), GREEDY))
    allowed = tokens(generate(model, prompt, GREEDY, allowed_special={"<|endoftext|>"}))
    assert (
        allowed
        == tokens(generate(model, [a, 256, b], GREEDY))
        == tokens(generate(model, prompt, GREEDY, allowed_special="all"))
    )


@pytest.mark.parametrize(("sizes", "said"), [((20, 39), "39 entries"), ((39 + 128, 39), "was made for 167")])
def test_a_tokenizer_of_another_model_is_refused(sizes: tuple[int, int], said: str) -> None:
    model = loaded(tiny_model(sizes[0]), letters().tokenizer)
    with pytest.raises(TokenizerError, match=said):
        generate(model, "a")


def test_a_model_without_a_tokenizer_is_refused() -> None:
    with pytest.raises(TokenizerError, match="has no tokenizer"):
        generate(loaded(tiny_model(39), None), "a")


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        ({"n": 0}, InputError, "n must be at least 1"),
        ({"prompt": [1, 39]}, InputError, "token 39"),
        ({"prompt": [-1]}, InputError, "token -1"),
        ({"prompt": "ü"}, TokenizerError, "U\\+00FC"),
        ({"sampling": SamplingConfig(banned_tokens=(39,))}, ConfigError, "banned_tokens names token 39"),
        ({"sampling": SamplingConfig(logit_bias={99: 1})}, ConfigError, "logit_bias names token 99"),
    ],
)
def test_what_cannot_be_used_is_said_before_anything_is_computed(
    words: dict[str, object], error: type[LabError], said: str
) -> None:
    with pytest.raises(error, match=said):
        generate(letters(), **{"prompt": "a", **words})  # type: ignore[arg-type]


def test_all_tokens_banned_is_a_clear_error() -> None:
    with pytest.raises(ConfigError, match="every token is banned, 39 of 39"):
        next(generate(letters(), "a", SamplingConfig(banned_tokens=tuple(range(39)))))


def test_weights_that_are_no_numbers_are_said() -> None:
    model = letters()
    with torch.no_grad():
        model.model.ln_f.weight[3] = float("nan")
    with pytest.raises(LabError, match="not numbers"):
        next(generate(model, "a"))
