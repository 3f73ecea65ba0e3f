"""The pages in ``docs``: their commands run as they stand, one page in one folder, and their links lead somewhere."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
import torch
from test_readme import BLOCK, CHECKOUT, desk, run  # noqa: F401  # the same desk, with llm-lab as a command

import core

PAGES = sorted((CHECKOUT / "docs").glob("*.md"))
SHORTER = {"--preset smoke": "--preset smoke --max-steps 6 --eval-interval 3 --eval-batches 2 --batch-size 2"}


def blocks(page: Path, kind: str) -> list[str]:
    return [m["code"] for m in BLOCK.finditer(page.read_text(encoding="utf-8")) if m["kind"] == kind and not m["why"]]


@pytest.mark.skipif(os.name == "nt", reason="the blocks are for a POSIX shell")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_commands_run(page, run):  # noqa: F811
    for block in blocks(page, "sh"):
        for long, short in SHORTER.items():
            block = block.replace(long, short)
        run("sh", "-e", "-c", block)


def test_a_model_of_nanogpt_gives_the_same_answers(run, desk):  # noqa: F811
    """A checkpoint in nanoGPT's layout, as torch.compile names it and without biases, opened by the page's script."""
    lab = core.load_model("demo")
    ours = lab.model.state_dict()
    inside = {name: value for name, value in ours.items() if not name.endswith("bias")}
    named = {f"_orig_mod.transformer.{name}": value for name, value in inside.items()}
    named["_orig_mod.lm_head.weight"] = ours["wte.weight"]
    c = lab.config
    shape = {"n_layer": c.n_layers, "n_head": c.n_heads, "n_embd": c.emb_dim, "block_size": c.context_length}
    torch.save({"model": named, "model_args": {**shape, "bias": False, "vocab_size": c.vocab_size}}, desk / "ckpt.pt")
    (script,) = blocks(CHECKOUT / "docs" / "your-model.md", "python")
    run(sys.executable, "-c", script)
    lab.tokenizer.save(desk / "my-nanogpt" / "llm-lab")
    found = core.load_model(str(desk / "my-nanogpt"))
    for name, value in ours.items():
        value.zero_() if name.endswith("bias") else None
    ids = torch.tensor([lab.tokenizer.encode("The for statement")])
    with torch.no_grad():
        torch.testing.assert_close(found.model(ids), lab.model(ids))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
