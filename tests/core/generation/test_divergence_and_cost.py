import dataclasses

import pytest
import torch

import core
from core.config import GPTConfig
from core.errors import InputError
from core.generation.branches import Tree
from core.generation.cost import precision_cost
from core.generation.divergence import divergence
from core.generation.session import Session
from core.generation.settings import SamplingConfig
from core.generation.steps import Step
from core.model.gpt import GPT

IDS = [5, 9, 2, 7]


@pytest.fixture(scope="module")
def demo():
    return core.load_model("demo")


def other_weights(loaded, vocab=None):
    """The same tokenizer and shape with other weights."""
    config = dataclasses.replace(loaded.config, vocab_size=vocab or loaded.config.vocab_size)
    model = GPT(GPTConfig(**dataclasses.asdict(config)), torch.Generator().manual_seed(3)).eval().requires_grad_(False)
    return dataclasses.replace(loaded, model=model, config=config)


def test_a_model_does_not_diverge_from_itself_and_the_number_is_torchs_own(demo):
    one, other = Session(demo), Session(other_weights(demo))
    assert divergence(one, IDS, Session(demo), IDS, prompt_lengths=(4, 4)) == 0
    found = divergence(one, IDS, other, IDS, prompt_lengths=(4, 4))
    p, q = (s.loaded.model(torch.tensor([IDS]))[0, -1].double().log_softmax(0) for s in (one, other))
    expected = torch.nn.functional.kl_div(q, p, log_target=True, reduction="sum") / torch.log(torch.tensor(2.0))
    assert found == pytest.approx(float(expected), rel=1e-4) and found > 0.01


def test_models_of_other_vocabularies_are_not_compared(demo):
    class Smaller:
        vocab_size = demo.tokenizer.vocab_size - 1

    other = dataclasses.replace(demo, tokenizer=Smaller())
    with pytest.raises(InputError, match="vocabularies of"):
        divergence(Session(demo), IDS, Session(other), IDS, prompt_lengths=(4, 4))


def test_the_cost_of_eight_bits_is_under_a_percent_and_float32_costs_nothing(demo):
    ids = demo.tokenizer.encode(
        "The for statement is used to iterate over the elements of a sequence", disallowed_special=()
    )
    cost = precision_cost(demo, ids, "int8")
    assert abs(cost.share) < 0.01 and cost.tokens == len(ids) - 1
    scored = core.score(demo, ids)
    assert cost.float32 == pytest.approx(scored.perplexity, rel=1e-3)
    assert precision_cost(demo, ids, "float32").share == 0
    with pytest.raises(InputError, match="at least two tokens"):
        precision_cost(demo, ids[:1], "int8")


def test_a_copied_tree_does_not_grow_and_a_long_one_loses_its_oldest_prompts():
    tree = Tree()
    roots = [tree.add_root(name, (1,)) for name in "abc"]
    answers = [tree.add(root.id, "demo", SamplingConfig()) for root in roots]
    for answer in answers:
        for i in range(10):
            tree.extend(answer.id, Step(i, 0, 1, b"x", "x", -1.0, -1.0, 1.0, 1))
    copy = tree.copy()
    before = copy.to_dict()
    assert before == tree.to_dict()
    tree.extend(answers[0].id, Step(10, 0, 1, b"x", "x", -1.0, -1.0, 1.0, 1))
    assert copy.to_dict() == before
    assert [root.prompt for root in tree.copy(most=20).roots] == ["b", "c"]
    assert [root.prompt for root in tree.copy(most=1).roots] == ["c"]
    assert tree.copy().add_root("d", (1,)).id not in tree
