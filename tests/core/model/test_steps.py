"""The model as the course builds it: each class against torch's own functions, the whole against the real model."""

from __future__ import annotations

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core.config import GPTConfig
from core.errors import InputError
from core.model import steps
from core.model.gpt import GPT
from core.model.trace import trace

B, T, C, H = 2, 7, 12, 3


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture
def x() -> Tensor:
    return torch.randn(B, T, C)


@pytest.fixture
def model() -> GPT:
    generator = torch.Generator().manual_seed(0)
    model = GPT(GPTConfig(50, 24, 32, 4, 3), generator).eval().requires_grad_(False)
    for parameter in model.parameters():  # biases and norms that do something
        parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.2)
    return model


def same(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and bool((a - b).abs().max() <= 1e-5 * b.abs().max())


def test_token_and_position_embeddings_are_added() -> None:
    embedding = steps.TokenAndPositionEmbedding(10, 8, 4)
    ids = torch.tensor([[3, 3, 1], [0, 9, 3]])
    out = embedding(ids)
    one_hot = F.one_hot(ids, 10).float() @ embedding.tok_emb.weight  # a row of a table is a product with a one-hot
    assert same(out, one_hot + embedding.pos_emb.weight[:3])
    assert same(embedding.token_embeddings, one_hot) and embedding.position_embeddings.shape == (3, 4)
    assert not embedding.input_embeddings.requires_grad and out.requires_grad
    with pytest.raises(InputError, match="9 tokens do not fit: the context_length is 8"):
        embedding(torch.zeros(9, dtype=torch.int64))


def test_simplified_self_attention_averages_what_is_alike() -> None:
    attention = steps.SimplifiedSelfAttention()
    x = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    out = attention(x)
    # By hand: scores [[1, 0], [0, 4]]; the first row's weights are e/(e+1) and 1/(e+1).
    assert same(attention.scores, torch.tensor([[1.0, 0.0], [0.0, 4.0]]))
    assert float(attention.weights[0, 0]) == pytest.approx(math.e / (math.e + 1))
    assert float(out[0, 1]) == pytest.approx(2 / (math.e + 1))
    assert same(out, F.scaled_dot_product_attention(x[None], x[None], x[None], scale=1.0)[0])
    assert not list(attention.parameters())


@pytest.mark.parametrize("bias", [False, True])
def test_self_attention_is_torchs_own(x: Tensor, bias: bool) -> None:
    attention = steps.SelfAttention(C, 5, qkv_bias=bias)
    out = attention(x)
    assert same(out, F.scaled_dot_product_attention(attention.queries, attention.keys, attention.values))
    assert same(attention.queries, F.linear(x, attention.W_query.weight, attention.W_query.bias))
    assert torch.allclose(attention.weights.sum(-1), torch.ones(B, T)) and same(out.detach(), attention.context)
    assert same(attention.scores, attention.queries @ attention.keys.mT)


def test_the_first_form_is_the_second_with_its_matrices_turned(x: Tensor) -> None:
    first, second = steps.SelfAttention_v1(C, 5), steps.SelfAttention_v2(C, 5)
    assert steps.SelfAttention is steps.SelfAttention_v2
    with torch.no_grad():
        for name in ("W_query", "W_key", "W_value"):
            getattr(first, name).copy_(getattr(second, name).weight.T)
    assert same(first(x), second(x)) and same(first.weights, second.weights)
    assert first(x[0]).shape == (T, 5)  # one text without a batch works too


def test_causal_attention_is_torchs_own_and_sees_nothing_later(x: Tensor) -> None:
    attention = steps.CausalAttention(C, 5, 9, 0.0, qkv_bias=True)
    out = attention(x)
    q, k, v = attention.queries, attention.keys, attention.values
    assert same(out, F.scaled_dot_product_attention(q, k, v, is_causal=True))
    assert attention.weights.triu(1).eq(0).all() and attention.masked_scores[0, 2, 3] == -math.inf
    later = x.clone()
    later[:, 4:] += 1.0
    assert torch.equal(attention(later)[:, :4], out[:, :4])
    with pytest.raises(InputError, match="10 tokens do not fit"):
        attention(torch.zeros(1, 10, C))


def test_dropout_drops_weights_only_while_training() -> None:
    attention = steps.CausalAttention(C, 5, 200, 0.5)
    x = torch.randn(1, 200, C)
    attention(x)
    seen = torch.ones(200, 200).tril().bool()
    dropped = attention.weights[0].eq(0)[seen].float().mean()
    assert 0.45 < float(dropped) < 0.55
    kept = attention.weights[0][seen & attention.weights[0].ne(0)]
    attention.eval()
    attention(x)
    assert attention.weights[0][seen].gt(0).all()
    # What survives is made larger, so that the sum is the same on average.
    assert float(kept.sum()) == pytest.approx(200, rel=0.05)


def test_stacked_heads_are_the_cut_projection(x: Tensor) -> None:
    stacked = steps.MultiHeadAttentionWrapper(C, C // H, T, 0.0, H, qkv_bias=True)
    whole = steps.MultiHeadAttention(C, C, T, 0.0, H, qkv_bias=True)
    with torch.no_grad():
        for name in ("W_query", "W_key", "W_value"):
            for what in ("weight", "bias"):
                rows = torch.cat([getattr(getattr(head, name), what) for head in stacked.heads])
                getattr(getattr(whole, name), what).copy_(rows)
    whole(x)
    assert same(stacked(x), whole.context) and same(stacked.context, whole.context)
    for i, head in enumerate(stacked.heads):
        assert isinstance(head, steps.CausalAttention)
        assert same(head.weights, whole.weights[:, i])


def test_multi_head_attention_is_torchs_own(x: Tensor) -> None:
    ours = steps.MultiHeadAttention(C, C, T, 0.0, H, qkv_bias=True)
    theirs = nn.MultiheadAttention(C, H, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([ours.W_query.weight, ours.W_key.weight, ours.W_value.weight]))
        theirs.in_proj_bias.copy_(torch.cat([ours.W_query.bias, ours.W_key.bias, ours.W_value.bias]))
        theirs.out_proj.load_state_dict(ours.out_proj.state_dict())
    mask = torch.ones(T, T, dtype=torch.bool).triu(1)
    out, weights = theirs(x, x, x, attn_mask=mask, average_attn_weights=False)
    assert same(ours(x), out) and same(ours.weights, weights)


@pytest.mark.parametrize(("width", "heads"), [(12, 5), (12, 0), (2, 4)])
def test_a_width_that_cannot_be_shared_is_refused(width: int, heads: int) -> None:
    with pytest.raises(InputError, match=f"multiple of num_heads, got {width} and {heads}"):
        steps.MultiHeadAttention(width, width, 4, 0.0, heads)


def test_one_head_and_one_token(x: Tensor) -> None:
    attention = steps.MultiHeadAttention(C, C, T, 0.0, 1)
    attention(x[:, :1])
    assert torch.equal(attention.weights, torch.ones(B, 1, 1, 1))


def test_layer_norm_gelu_and_feed_forward_are_torchs_own(x: Tensor) -> None:
    norm, theirs = steps.LayerNorm(C), nn.LayerNorm(C)
    with torch.no_grad():
        theirs.weight.copy_(torch.randn(C))
        theirs.bias.copy_(torch.randn(C))
        norm.scale.copy_(theirs.weight)
        norm.shift.copy_(theirs.bias)
    assert same(norm(x), theirs(x))
    assert same(norm.variance[..., 0], x.var(-1, unbiased=False))
    assert float(norm(torch.full((1, C), 3.0)).isnan().sum()) == 0  # all alike: no division by zero
    assert same(steps.GELU()(x), F.gelu(x, approximate="tanh"))
    feed = steps.FeedForward(GPTConfig(10, 4, C, 3, 1))
    wide = F.gelu(F.linear(x, feed.expand.weight, feed.expand.bias), approximate="tanh")
    assert same(feed(x), F.linear(wide, feed.contract.weight, feed.contract.bias))
    assert same(feed.activated, wide) and feed.expanded.shape == (B, T, 4 * C)


def test_shortcuts_keep_the_gradient_of_the_first_layers() -> None:
    sizes, x, target = [8] * 11 + [1], torch.randn(1, 8), torch.zeros(1, 1)
    plain = steps.ExampleDeepNeuralNetwork(sizes, use_shortcut=False)
    with_shortcuts = steps.ExampleDeepNeuralNetwork(sizes, use_shortcut=True)
    with_shortcuts.load_state_dict(plain.state_dict())
    without, kept = plain.gradients(x, target), with_shortcuts.gradients(x, target)
    assert len(without) == len(kept) == 11
    assert without[0] < without[-1] / 100, "it vanishes on its way back"
    assert kept[0] > 1000 * without[0], "with shortcuts it does not"
    assert [tuple(out.shape) for out in plain.outputs] == [(1, 8)] * 10 + [(1, 1)]
    with pytest.raises(InputError, match="at least two layer sizes"):
        steps.ExampleDeepNeuralNetwork([3], use_shortcut=True)


@pytest.mark.parametrize("qkv_bias", [True, False])
def test_with_the_models_weights_each_part_agrees_with_the_model(qkv_bias: bool) -> None:
    generator = torch.Generator().manual_seed(3)
    config = GPTConfig(50, 24, 32, 4, 2, qkv_bias=qkv_bias, tie_weights=qkv_bias)
    model = GPT(config, generator).eval().requires_grad_(False)
    for parameter in model.parameters():
        parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.2)
    ids = torch.randint(50, (1, 20), generator=generator)
    course = steps.GPTModel.of(model)
    assert not course.training and same(course(ids), model(ids))
    run = trace(model, ids)
    assert same(course.embedding.input_embeddings[0], run.residual(0))
    for layer, block in enumerate(course.trf_blocks):
        assert isinstance(block, steps.TransformerBlock)
        assert same(block.att.weights[0], run.pattern(layer))
        assert same(block.att.queries[0], run.queries(layer)) and same(block.att.keys[0], run.keys(layer))
        assert same(block.att.values[0], run.values(layer))
        assert same(block.after_attention[0], run.residual_mid(layer))
        assert same(block.ff.activated[0], run.mlp_activations(layer))
        assert same(block.after_feed_forward[0], run.residual(layer + 1))


def test_the_attention_alone_agrees_with_the_models_fused_path(model: GPT) -> None:
    block = model.h[1]
    attention = steps.attention_of(block.attn, model.config)
    x = torch.randn(2, 20, 32)
    from core.model.gpt import fused_attention

    assert same(attention(x), block.attn(x, None, fused_attention))


def test_the_weights_are_copies(model: GPT) -> None:
    course = steps.GPTModel.of(model)
    before = model.wte.weight.clone()
    with torch.no_grad():
        for parameter in course.parameters():
            parameter.zero_()
    assert torch.equal(model.wte.weight, before)


def test_the_course_model_learns() -> None:
    course = steps.GPTModel(GPTConfig(11, 8, 16, 2, 1))
    ids = torch.arange(8)[None]
    optimizer = torch.optim.AdamW(course.parameters(), 1e-2)
    losses = []
    for _ in range(30):
        loss = steps.loss_steps(course(ids[:, :-1]), ids[:, 1:]).cross_entropy
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] / 4


def test_the_loss_is_torchs_own() -> None:
    logits, targets = torch.randn(B, T, 9) * 3, torch.randint(9, (B, T))
    loss = steps.loss_steps(logits, targets)
    expected = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
    assert float(loss.cross_entropy) == pytest.approx(float(expected), rel=1e-6)
    assert float(loss.perplexity) == pytest.approx(math.exp(float(expected)), rel=1e-6)
    assert same(loss.log_probabilities.exp(), loss.target_probabilities)
    assert torch.allclose(loss.probabilities.sum(-1), torch.ones(B * T))
    certain = torch.tensor([[0.0, -1000.0]])  # a probability that underflows still has a logarithm
    assert float(steps.loss_steps(certain, torch.tensor([1])).cross_entropy) == 1000.0


@pytest.mark.parametrize("shapes", [((3, 5), (2,)), ((0, 5), (0,)), ((2, 3, 5), (3,))])
def test_a_loss_of_nothing_or_of_unlike_shapes_is_refused(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    with pytest.raises(InputError, match="a target for each row of logits"):
        steps.loss_steps(torch.zeros(shapes[0]), torch.zeros(shapes[1], dtype=torch.int64))


def test_a_module_that_has_run_can_be_copied_and_saved(x: Tensor) -> None:
    attention = steps.MultiHeadAttention(C, C, T, 0.0, H)
    attention(x)
    twin = copy.deepcopy(attention)
    assert torch.equal(twin(x), attention(x))
    assert set(attention.state_dict()) == {
        "W_query.weight", "W_key.weight", "W_value.weight", "out_proj.weight", "out_proj.bias",
    }  # fmt: skip
