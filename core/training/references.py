"""Published results to hold a curve against, each with its source and the configuration it was reached with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reference:
    """A published validation loss."""

    name: str
    loss: float
    """Nats per token."""
    corpus: str
    tokenizer: str
    source: str
    configuration: str


_NANOGPT = "github.com/karpathy/nanoGPT, README"

REFERENCES: list[Reference] = [
    Reference(
        "nanoGPT on a GPU",
        1.4697,
        "tiny-shakespeare",
        "char",
        _NANOGPT,
        "6 layers, 6 heads, width 384, context 256, dropout 0.2, batch 64, 5,000 steps; mean of random batches",
    ),
    Reference(
        "nanoGPT on a laptop CPU",
        1.88,
        "tiny-shakespeare",
        "char",
        _NANOGPT,
        "4 layers, 4 heads, width 128, context 64, batch 12, 2,000 steps; mean of 20 random batches",
    ),
]


def references_for(corpus: str, tokenizer: str) -> list[Reference]:
    """Those that a run on this corpus with this tokenizer can be compared with.

    >>> [r.loss for r in references_for("tiny-shakespeare", "char")]
    [1.4697, 1.88]
    """
    return [r for r in REFERENCES if (r.corpus, r.tokenizer) == (corpus, tokenizer)]
