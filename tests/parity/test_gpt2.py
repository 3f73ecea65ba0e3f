"""Our GPT against Hugging Face's GPT2LMHeadModel with the same weights."""

from __future__ import annotations

import pytest
import torch

from core.config import GPTConfig
from core.generation.decode import KVCache
from core.model.gpt import GPT

TRANSPOSED = ("c_attn.weight", "c_proj.weight", "c_fc.weight")  # theirs are (in, out)


def peer(ours: GPT) -> torch.nn.Module:
    """A GPT2LMHeadModel with our weights."""
    from transformers import GPT2Config, GPT2LMHeadModel

    c = ours.config
    config = GPT2Config(
        vocab_size=c.vocab_size,
        n_positions=c.context_length,
        n_embd=c.emb_dim,
        n_layer=c.n_layers,
        n_head=c.n_heads,
        tie_word_embeddings=c.tie_weights,
        bos_token_id=0,
        eos_token_id=0,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
    )
    theirs = GPT2LMHeadModel(config)
    state = {f"transformer.{n}": t.t() if n.endswith(TRANSPOSED) else t for n, t in ours.named_parameters()}
    if "transformer.lm_head.weight" in state:
        state["lm_head.weight"] = state.pop("transformer.lm_head.weight")
    missing, unexpected = theirs.load_state_dict(state, strict=False)
    assert not unexpected and all(m == "lm_head.weight" for m in missing)
    theirs.tie_weights()
    return theirs.eval()


def shaken(config: GPTConfig, seed: int = 0) -> GPT:
    """A model whose biases and norms are not at their start, so that a missing one would show."""
    generator = torch.Generator().manual_seed(seed)
    model = GPT(config, generator)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.05)
    return model.eval()


@pytest.mark.parametrize("tied", [True, False])
def test_logits_agree(tied: bool) -> None:
    model = shaken(GPTConfig(97, 24, 48, 4, 3, tie_weights=tied))
    ids = torch.randint(0, 97, (3, 24), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        ours, theirs = model(ids), peer(model)(ids).logits
    assert (ours - theirs).abs().max() < 1e-4
    assert theirs.std() > 0.1  # there is something to agree on


def test_logits_agree_at_gpt2_size() -> None:
    model = shaken(GPTConfig(50257, 1024, 768, 12, 12))
    ids = torch.randint(0, 50257, (1, 64), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        ours, theirs = model(ids), peer(model)(ids).logits
    assert (ours - theirs).abs().max() < 1e-4


def test_loss_and_gradients_agree() -> None:
    model = shaken(GPTConfig(61, 16, 32, 4, 2))
    theirs = peer(model)
    ids = torch.randint(0, 61, (4, 17), generator=torch.Generator().manual_seed(3))
    ours_loss = model.loss(ids[:, :-1], ids[:, 1:])
    theirs_loss = torch.nn.functional.cross_entropy(theirs(ids[:, :-1]).logits.flatten(0, 1), ids[:, 1:].flatten())
    assert abs(ours_loss.item() - theirs_loss.item()) < 1e-5
    ours_loss.backward()
    theirs_loss.backward()
    other = dict(theirs.named_parameters())
    for name, parameter in model.named_parameters():
        expected = other[f"transformer.{name}"].grad
        expected = expected.t() if name.endswith(TRANSPOSED) else expected
        assert (parameter.grad - expected).abs().max() < 1e-4 * expected.abs().max(), name


@pytest.mark.parametrize("cuts", [(5, 6, 7, 12), (1, 2, 11), tuple(range(1, 13))])
def test_the_cache_seam_gives_the_same_logits(cuts: tuple[int, ...]) -> None:
    model = shaken(GPTConfig(31, 12, 32, 4, 2))
    ids = torch.randint(0, 31, (2, 12), generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        whole, cache, parts = peer(model)(ids).logits, KVCache(model.config, model.head, batch=2), []
        for begin, end in zip((0, *cuts), (*cuts, 12), strict=True):
            if begin < end:
                parts.append(model(ids[:, begin:end], cache))
                cache.length = end
    assert (torch.cat(parts, 1) - whole).abs().max() < 1e-4


def test_the_attention_seam_sees_what_hugging_face_sees() -> None:
    model = shaken(GPTConfig(31, 12, 32, 4, 2))
    ids = torch.randint(0, 31, (1, 12), generator=torch.Generator().manual_seed(5))
    seen = {}

    def explicit(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, layer: int, dropout: float) -> torch.Tensor:
        scores = q @ k.transpose(-1, -2) / k.shape[-1] ** 0.5
        scores = scores.masked_fill(torch.ones(scores.shape[-2:]).triu(1).bool(), -torch.inf)
        seen[layer] = scores.softmax(-1)
        return seen[layer] @ v

    theirs = peer(model)
    theirs.set_attn_implementation("eager")
    with torch.no_grad():
        logits, answer = model(ids, attend=explicit), theirs(ids, output_attentions=True)
    assert (logits - answer.logits).abs().max() < 1e-4
    for layer, attention in enumerate(answer.attentions):
        assert (seen[layer] - attention).abs().max() < 1e-5
