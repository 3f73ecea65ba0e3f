"""Decoding: ``for step in generate(loaded, prompt)`` yields one token after the other with all that is known about it.

The n continuations of one prompt share its prefill. Token k of a continuation is drawn with a generator made from
(seed, k) alone, so that going on, taking back and branching give the tokens that an undisturbed run would have given.

Leaves out: beams (``beams.py``), the model's own speed (``runner.py``), the arithmetic of choosing (``sampling.py``).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from core.errors import InputError
from core.generation.explain import run_filters
from core.generation.memory import check_memory
from core.generation.prompts import Special, check_fits, end_of_text, piece, prompt_ids
from core.generation.runner import Runner
from core.generation.sampling import check_numbers, check_tokens, draw, filters, greedy
from core.generation.session import Session, slid_notice, window_start
from core.generation.settings import SamplingConfig
from core.generation.steps import Alternative, Choice, End, Step
from core.generation.streaming import StreamText

if TYPE_CHECKING:
    from core.weights.checkpoint import LoadedModel

__all__ = ["Alternative", "Choice", "Step", "generate", "next_choice"]


def generate(
    loaded: LoadedModel,
    prompt: str | Sequence[int],
    sampling: SamplingConfig | None = None,
    *,
    n: int = 1,
    cancelled: threading.Event | None = None,
    runner: Runner | None = None,
    session: Session | None = None,
    allowed_special: Special = frozenset(),
    prompt_length: int | None = None,
) -> Iterator[Step]:
    """Continues a text, token by token.

    Args:
        loaded: what ``core.load_model`` returned.
        prompt: text, or token ids.
        sampling: the settings; left out, their defaults.
        n: how many continuations; number i has the seed ``sampling.seed + i``. Their steps come in turn.
        cancelled: set, it ends every continuation within one token.
        runner: what runs the model; left out, the one that is fast here (``pace.make_runner``).
        session: the model with what it has read before, which is then not read again. Who asks often should keep one:
            a call without it packs the weights anew.
        allowed_special: special tokens whose text in the prompt becomes their id; the others are plain text.
        prompt_length: where a branch is continued, how many of the ids are prompt; the rest counts as answer.

    Raises:
        TokenizerError: the tokenizer is missing, belongs to another model, or cannot write the prompt.
        ConfigError: the settings name tokens that the model lacks, or ban all of them.
        MemoryShortError: the cache does not fit.
        LabError: the model's numbers are none.
    """
    sampling = sampling or SamplingConfig()
    if n < 1:
        raise InputError(f"n must be at least 1, got {n}", "ask for one continuation or more")
    check_fits(loaded)
    check_tokens(sampling, loaded.tokenizer.vocab_size)
    ids, notice = prompt_ids(loaded, prompt, allowed_special)
    session = session or Session(loaded, runner)
    check_memory(session, n, len(ids), sampling.max_new_tokens)
    notice = "; ".join(said for said in (notice, session.notice()) if said)
    decoding = _Decoding(session, sampling, ids, len(ids) if prompt_length is None else prompt_length, notice)
    return decoding.run(n, cancelled)


class _Decoding:
    """The state of one call."""

    def __init__(
        self, session: Session, sampling: SamplingConfig, ids: list[int], prompt_length: int, notice: str
    ) -> None:
        self.session, self.sampling, self.ids, self.notice = session, sampling, ids, notice
        self.prompt_length = min(prompt_length, len(ids))
        self.tokenizer = session.loaded.tokenizer
        self.end_of_text = end_of_text(self.tokenizer) if sampling.stop_at_end_of_text else None

    def run(self, n: int, cancelled: threading.Event | None) -> Iterator[Step]:
        before = b"".join(piece(self.tokenizer, token) for token in self.ids[-4:])
        texts = [StreamText(self.sampling.stop, before) for _ in range(n)]
        rows = [list(self.ids) for _ in range(n)]
        active, last = list(range(n)), time.perf_counter()
        for count in range(1, self.sampling.max_new_tokens + 1):
            logits = self.session.logits([rows[i] for i in active], self.prompt_length, cancelled)
            if logits is None:
                return
            is_last = count == self.sampling.max_new_tokens
            steps = []
            for sample, row in zip(active, logits, strict=True):
                step = self._choose(row[: self.tokenizer.vocab_size], rows[sample], sample)
                rows[sample].append(step.token_id)
                steps.append(step)
            now = time.perf_counter()
            ended = []
            for step in steps:
                stopped = cancelled is not None and cancelled.is_set()
                done = self._told(step, texts[step.sample], is_last, stopped, now - last)
                if done.end:
                    ended.append(done.sample)
                yield done
            last = now
            active = [sample for sample in active if sample not in ended]
            if not active:
                return

    def _choose(self, logits: Tensor, ids: list[int], sample: int) -> Step:
        check_numbers(logits)
        config, generated = self.sampling, ids[self.prompt_length :]
        filtered = run_filters(logits, filters(config, ids[: self.prompt_length], generated))
        if config.temperature == 0:
            token = greedy(filtered.final)
        else:
            token = draw(filtered.final, generator_at(config.seed + sample, len(generated)))
        choice = filtered.choice(self.tokenizer, config.top_alternatives, ids[-1])
        (path,) = filtered.paths([token])
        raw, drawn = filtered.logprobs(token)
        return Step(
            index=len(generated),
            sample=sample,
            token_id=token,
            bytes=piece(self.tokenizer, token, ids[-1]),
            text="",
            logprob=min(drawn, 0.0),
            raw_logprob=min(raw, 0.0),
            entropy=choice.entropy,
            rank=1 if config.temperature == 0 and not filtered.stages[:-1] else 1 + int((logits > logits[token]).sum()),
            alternatives=choice.alternatives,
            kept=choice.kept,
            path=path,
            window_start=window_start(len(ids), self.prompt_length, self.session.runner.config.context_length),
        )

    def _told(self, step: Step, text: StreamText, is_last: bool, cancelled: bool, seconds: float) -> Step:
        """The step with its text, and with why it is the last, if it is."""
        end: End | None = "cancelled" if cancelled else "length" if is_last else None
        if step.token_id == self.end_of_text:
            new, end = "", "end of text"
        else:
            new = text.push(step.bytes)
        if end and text.stopped is None:
            new += text.flush()
        if text.stopped is not None:
            end = "stop"
        return replace(step, text=new, end=end, stop=text.stopped, seconds=seconds, notice=self._notice(step))

    def _notice(self, step: Step) -> str:
        if step.index == len(self.ids) - self.prompt_length:
            return self.notice
        context = self.session.runner.config.context_length
        return slid_notice(self.prompt_length + step.index, self.prompt_length, context)


def next_choice(session: Session, ids: Sequence[int], sampling: SamplingConfig, prompt_length: int) -> Choice:
    """What the settings make of the distribution after some ids: the numbers of a step, without taking it."""
    logits = session.logits([list(ids)], prompt_length)
    assert logits is not None, "nothing could cancel it"
    row = logits[0, : session.loaded.tokenizer.vocab_size]
    chain = filters(sampling, ids[:prompt_length], ids[prompt_length:])
    return run_filters(row, chain).choice(session.loaded.tokenizer, sampling.top_alternatives, ids[-1])


def generator_at(seed: int, index: int) -> torch.Generator:
    """The generator of the token at ``index``: a rule of (seed, index) alone.

    PyTorch's CPU generator uses 32 bits of its seed, so the two are mixed first (splitmix64; Steele et al., 2014).
    """
    mask = (1 << 64) - 1
    z = (seed * 0x9E3779B97F4A7C15 + (index + 1) * 0xD1B54A32D192ED03) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return torch.Generator().manual_seed((z ^ (z >> 31)) & 0xFFFFFFFF)
