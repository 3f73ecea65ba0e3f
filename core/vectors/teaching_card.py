"""The card of the demo vectors: what they are, what they are not, and how many of their relations hold."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from core.vectors.teaching_everyday import LEANING
from core.vectors.training_config import Word2VecConfig

REAL = "llm-lab pull glove-wiki-gigaword-50"


def card(facts: Mapping[str, Any], config: Word2VecConfig, sections: Iterable[tuple[str, int, int]]) -> str:
    """``README.md`` of the folder.

    Args:
        facts: what ``demo.json`` holds.
        config: what was trained with.
        sections: name, questions answered right and all questions of each relation.
    """
    told = list(sections)
    right, asked = sum(row[1] for row in told), sum(row[2] for row in told)
    leaning = ", ".join(f"{who} {share:.0%}" for who, share in LEANING.items())
    lines = [
        "# The demo vectors",
        "",
        f"**Synthetic.** {facts['words']:,} word vectors of {config.vector_size} numbers, trained by LLM Lab on a text "
        "that LLM Lab wrote. They ship so that analogies, neighbours and maps work without a network. They know their "
        f"own small text and nothing of the world; real ones: `{REAL}`.",
        "",
        "- Files: `vectors.bin` (word2vec binary, the most frequent word first), `demo.json` (the facts of this card)",
        "- Command: `make demo-vectors`, a part of `make assets` (`python -m core.vectors.teaching`), seed "
        f"{facts['seed']}, one worker; gensim {version('gensim')}, numpy {version('numpy')}, Python "
        f"{platform.python_version()}. The same versions on the same kind of processor give the same file, others the "
        "same neighbours.",
        f"- Corpus: {facts['sentences']:,} sentences, {facts['tokens']:,} words, from the templates in "
        f"`core/vectors/teaching_frames.py`; SHA-256 `{facts['corpus_sha256']}`",
        f"- Word2Vec: {config.method}, window {config.window}, {config.negative} noise words, {config.epochs} epochs, "
        f"sample {config.sample:g}, learning rate {config.alpha:g}; the loss of the last epoch is {facts['loss']:.3f} "
        "nats a word",
        "",
        "## What it was taught",
        "",
        "Every two pairs of a relation make two questions (man : king :: woman : ?); right is when the word asked for "
        "comes first, with the three of the question left out, as the Google analogy set is scored.",
        "",
        "| relation | right | of | |",
        "|---|---|---|---|",
        *(f"| {name} | {good:,} | {n:,} | {good / n:.1%} |" for name, good, n in told),
        f"| all | {right:,} | {asked:,} | {right / asked:.1%} |",
        "",
        "A corpus made for the purpose makes such arithmetic far easier than real text does: these figures say nothing "
        "about Word2Vec on other texts.",
        "",
        "## A skew that was planted",
        "",
        "So that a lesson can show how a skew in a text becomes a direction in vectors, three occupations lean: the "
        f"share of their sentences in which the person is a man is {leaning}. All other occupations are even. This "
        "says nothing about people; it was put there to be found (`doctor - man + woman`).",
        "",
        "## Licence",
        "",
        "Text and vectors are made by LLM Lab and are under its licence.",
        "",
    ]
    return "\n".join(lines)
