"""What a trace shows against transformers with eager attention: the expected values come from there."""

from __future__ import annotations

import torch

from core.config import GPTConfig
from core.model.gpt import GPT
from core.model.trace import trace


def pair(config: GPTConfig) -> tuple[GPT, torch.nn.Module]:
    """Transformers' GPT-2 with weights that are not at their start, and ours with the same."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    c = config
    theirs = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=c.vocab_size, n_positions=c.context_length, n_embd=c.emb_dim, n_layer=c.n_layers,
            n_head=c.n_heads, bos_token_id=0, eos_token_id=0, attn_implementation="eager",
        )
    ).eval().requires_grad_(False)  # fmt: skip
    for parameter in theirs.parameters():
        parameter.add_(torch.randn_like(parameter), alpha=0.05)
    ours = GPT(config).eval().requires_grad_(False)
    state = theirs.transformer.state_dict()
    turned = ("c_attn.weight", "c_proj.weight", "c_fc.weight")
    ours.load_state_dict({name: t.T.contiguous() if name.endswith(turned) else t for name, t in state.items()})
    return ours, theirs


def close(ours: torch.Tensor, theirs: torch.Tensor) -> bool:
    return bool((ours - theirs).abs().max() <= 1e-5 * theirs.abs().max())


def test_attention_hidden_states_and_logits_agree() -> None:
    ours, theirs = pair(GPTConfig(97, 32, 48, 4, 3))
    ids = torch.randint(0, 97, (1, 32), generator=torch.Generator().manual_seed(1))
    said, run = theirs(ids, output_attentions=True, output_hidden_states=True), trace(ours, ids)
    assert close(run.logits, said.logits[0])
    for layer in range(3):
        assert close(run.pattern(layer), said.attentions[layer][0]), layer
        assert close(run.residual(layer), said.hidden_states[layer][0]), layer
    assert close(ours.ln_f(run.residual(3)), said.hidden_states[3][0])  # theirs is after the final norm
    assert said.attentions[1].std() > 0.01, "there is something to agree on"


def test_a_head_that_is_off_agrees_with_a_projection_that_is_cut() -> None:
    ours, theirs = pair(GPTConfig(97, 32, 48, 4, 3))
    ids = torch.randint(0, 97, (1, 32), generator=torch.Generator().manual_seed(1))
    theirs.transformer.h[1].attn.c_proj.weight[2 * 12 : 3 * 12] = 0
    said = theirs(ids, output_hidden_states=True)
    run = trace(ours, ids, ablate=[(1, 2)])
    assert close(run.logits, said.logits[0])
    assert close(run.residual(2), said.hidden_states[2][0])
