"""Our steps of AdamW and Muon against PyTorch's own classes, and what a run's start costs."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from core.config import GPTConfig, TrainConfig
from core.model.gpt import GPT
from core.training.flat import FlatParameters
from core.training.optimizers import Optimizers, muon, orthogonalised


@pytest.mark.parametrize("shares", [1, 3])
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_they_step_as_pytorchs_own(optimizer: str, shares: int) -> None:
    config = TrainConfig().override(optimizer=optimizer, weight_decay=0.3, learning_rate=0.01, muon_learning_rate=0.05)
    shape = GPTConfig(vocab_size=11, context_length=6, emb_dim=8, n_layers=2, n_heads=2)
    torch.manual_seed(3)
    model = GPT(shape)
    start = {name: p.detach().clone() for name, p in model.named_parameters()}
    flat = FlatParameters(model)
    ours = Optimizers(config, flat, shares)
    theirs = {name: torch.nn.Parameter(value) for name, value in start.items()}
    inside = [p for name, p in theirs.items() if name.startswith("h.") and p.dim() == 2 and optimizer == "muon"]
    rest = [p for p in theirs.values() if not any(p is q for q in inside)]
    groups = [
        {"params": [p for p in rest if p.dim() == 2], "weight_decay": 0.3},
        {"params": [p for p in rest if p.dim() < 2], "weight_decay": 0.0},
    ]
    peers: list[torch.optim.Optimizer] = [torch.optim.AdamW(groups, 0.01, (config.beta1, config.beta2), 1e-8)]
    if inside:
        peers.append(torch.optim.Muon(inside, 0.05, 0.3, config.momentum))
    peaks = [[group["lr"] for group in peer.param_groups] for peer in peers]
    for rate in (0.5, 1.0, 0.7):
        for name, p in model.named_parameters():
            assert p.grad is not None
            p.grad.copy_(torch.randn_like(p))
            theirs[name].grad = p.grad.clone()
        for share in range(ours.shares):
            ours.step(share, rate)
        for peer, lrs in zip(peers, peaks, strict=True):
            for group, lr in zip(peer.param_groups, lrs, strict=True):
                group["lr"] = lr * rate
            peer.step()
    for name, p in model.named_parameters():
        torch.testing.assert_close(p.detach(), theirs[name].detach(), rtol=1e-5, atol=1e-6)


def test_muon_is_pytorchs() -> None:
    for rows, columns in ((8, 24), (24, 8), (16, 16)):
        torch.manual_seed(rows)
        ours, buffer = torch.randn(rows, columns), torch.zeros(rows, columns)
        theirs = torch.nn.Parameter(ours.clone())
        peer = torch.optim.Muon([theirs], 0.05, 0.1, 0.9)
        for _ in range(3):
            theirs.grad = torch.randn(rows, columns)
            muon(ours, theirs.grad, buffer, learning_rate=0.05, weight_decay=0.1, momentum=0.9)
            peer.step()
        torch.testing.assert_close(ours, theirs.detach(), rtol=0, atol=5e-4)  # bfloat16 inside
        values = torch.linalg.svdvals(orthogonalised(torch.randn(rows, columns)).float())
        assert values.min() > 0.3 and values.max() < 1.5


def test_a_run_starts_without_pytorchs_compiler() -> None:
    """It takes over a second to import, and no step of a run on a CPU needs it."""
    code = (
        "import sys\nimport core\n"
        "config = core.TrainConfig().override(corpus='python-docs', n_layers=1, n_heads=1, emb_dim=8, context_length=8,"
        " batch_size=2, max_steps=2, eval_interval=2, eval_batches=1, device='cpu', threads=1, optimizer='muon')\n"
        "list(core.Trainer(config).run())\n"
        "print(*sorted(m for m in sys.modules if m in ('torch._dynamo', 'sympy')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
