"""Byte-pair encoding: the trainer against Hugging Face's in Rust, our encoder against tiktoken's engine."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.data.corpora import load_corpus
from core.tokenizers.bpe import BPETokenizer
from tests.bench.idle import check_idle
from tests.bench.result import Result

VOCAB_SIZE = 5000
CORPUS = "tiny-shakespeare"


def in_turns(turns: int, *fns: Callable[[], Any], clock: Callable[[], float] = time.perf_counter) -> list[float]:
    """The best seconds of each, taken in turns, so that what disturbs one disturbs the others."""
    best = [float("inf")] * len(fns)
    for _ in range(turns):
        for i, fn in enumerate(fns):
            start = clock()
            fn()
            best[i] = min(best[i], clock() - start)
    return best


def hugging_face(text: str) -> Any:
    """Their byte-level trainer, asked for the same; by lines, which is its fastest way and changes nothing."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(text.splitlines(keepends=True), trainer)
    return tokenizer


def measure(quick: bool = False) -> list[Result]:
    """Training and encoding tiny-shakespeare, in this process."""
    check_idle()
    turns = 3 if quick else 10
    text = load_corpus(CORPUS)
    ours, theirs = in_turns(turns, lambda: BPETokenizer.train(text, VOCAB_SIZE), lambda: hugging_face(text))
    tokenizer, peer = BPETokenizer.train(text, VOCAB_SIZE), hugging_face(text)
    n_ours, n_theirs = len(tokenizer.encode(text)), len(peer.encode(text).ids)
    apart = abs(n_ours - n_theirs) / n_theirs
    training = f"tokens: {CORPUS} to a vocabulary of {VOCAB_SIZE:,}"
    return [
        Result(f"{training}, against Hugging Face's Rust", ours, theirs, "s", ours / theirs, "<= 1", ours <= theirs),
        Result(
            f"{training}, its tokens",
            n_ours,
            n_theirs,
            "tokens",
            n_ours / n_theirs,
            "within 0.5 %",
            apart <= 0.005,
        ),
        *encoding(text, tokenizer, turns),
    ]


def encoding(text: str, tokenizer: BPETokenizer, turns: int) -> list[Result]:
    """Megabytes a second of our own encoder, with no word seen before and with all of them seen, against tiktoken."""
    from core.tokenizers import get_tokenizer, tokenizer_is_here

    vocabularies = {f"bpe{VOCAB_SIZE}": tokenizer}
    if tokenizer_is_here("gpt2") and (gpt2 := BPETokenizer.of(get_tokenizer("gpt2"))):
        vocabularies = {"gpt2": gpt2, **vocabularies}
    size = len(text.encode()) / 1e6
    results = []
    for name, known in vocabularies.items():
        with tempfile.TemporaryDirectory() as folder:
            path = known.save(Path(folder))
            fresh = [BPETokenizer.load(path) for _ in range(turns)]
        engine = known.to_tiktoken()
        known.encode(text)
        cold, warm, peer = in_turns(
            turns,
            lambda fresh=fresh: fresh.pop().encode(text),
            lambda known=known: known.encode(text),
            lambda engine=engine: engine.encode(text),
            clock=time.thread_time,  # both work in this thread alone: a neighbour's share of the core doesn't count
        )
        results.append(
            Result(
                f"tokens: our encoder on {CORPUS} with {name}, cold, against tiktoken",
                size / cold,
                size / peer,
                "MB/s",
                peer / cold,
                ">= 5 MB/s",
                size / cold >= 5,
                f"warm {size / warm:.1f} MB/s",
            )
        )
    return results
