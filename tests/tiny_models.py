"""Small models with random weights and tokenizers that fit them, for tests that decode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from core.config import GPTConfig
from core.model.gpt import GPT
from core.tokenizers import get_tokenizer
from core.tokenizers.bpe import BPETokenizer
from core.weights.checkpoint import LoadedModel

LETTERS = "abcdefghijklmnopqrstuvwxyz ABCDEF.,!?'\n"


def tiny_model(vocab_size: int, context: int = 16, seed: int = 0, scale: float = 0.3) -> GPT:
    """A model whose distributions are neither flat nor certain."""
    generator = torch.Generator().manual_seed(seed)
    model = GPT(GPTConfig(vocab_size, context, 32, 4, 2), generator)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(
                torch.randn(parameter.shape, generator=generator), alpha=scale if parameter.dim() > 1 else 0.1
            )
    return model.eval().requires_grad_(False)


def loaded(model: GPT, tokenizer: Any) -> LoadedModel:
    """What ``load_model`` would have returned."""
    return LoadedModel(model, tokenizer, model.config, Path("tiny.safetensors"), "tiny", 0)


def letters(context: int = 16, seed: int = 0) -> LoadedModel:
    """A model of 39 characters."""
    tokenizer = get_tokenizer("char", LETTERS)
    return loaded(tiny_model(tokenizer.vocab_size, context, seed), tokenizer)


def byte_level(context: int = 32, seed: int = 0) -> LoadedModel:
    """A model of single bytes, with an end-of-text token: it writes half characters all the time."""
    tokenizer = BPETokenizer.train("", 257)
    assert tokenizer.vocab_size == 257
    return loaded(tiny_model(257, context, seed), tokenizer)


def byte_ids(model: LoadedModel, text: str) -> list[int]:
    """The ids of the bytes of a text, one by one."""
    of = {model.tokenizer.token_bytes(i): i for i in range(256)}
    return [of[bytes([byte])] for byte in text.encode()]


def peer(ours: GPT, end_of_text: int | None = None) -> Any:
    """Hugging Face's GPT2LMHeadModel with our weights."""
    from transformers import GPT2Config, GPT2LMHeadModel

    c = ours.config
    config = GPT2Config(
        vocab_size=c.vocab_size,
        n_positions=c.context_length,
        n_embd=c.emb_dim,
        n_layer=c.n_layers,
        n_head=c.n_heads,
        bos_token_id=end_of_text,
        eos_token_id=end_of_text,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
    )
    theirs = GPT2LMHeadModel(config)
    flipped = ("c_attn.weight", "c_proj.weight", "c_fc.weight")  # theirs are (in, out)
    state = {f"transformer.{n}": t.t() if n.endswith(flipped) else t for n, t in ours.named_parameters()}
    missing, unexpected = theirs.load_state_dict(state, strict=False)
    assert not unexpected and missing == ["lm_head.weight"]
    theirs.tie_weights()
    return theirs.eval()
