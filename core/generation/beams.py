"""Beam search: the likeliest text that a narrow look ahead can find, as a generator of what is in the beam.

Agrees with Hugging Face's ``generate(num_beams=K, do_sample=False)``: twice as many candidates as beams; a text that
has ended scores its log probability divided by its length to the power of ``length_penalty`` (after Wu et al., 2016,
section 7); the search is over when K texts have ended and the best that goes on is no better than the worst of them.
Penalties, biases, banned tokens and stop texts count (a text ends before the first stop text in it); temperature and
filters that cut the tail do not. Leaves out: drawing.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from core.errors import InputError
from core.generation.cuts import cuts_of
from core.generation.memory import check_memory
from core.generation.prompts import Special, check_fits, end_of_text, piece, prompt_ids
from core.generation.sampling import check_numbers, check_tokens, filters
from core.generation.session import Session, slid_notice
from core.generation.settings import SamplingConfig

if TYPE_CHECKING:
    from core.weights.checkpoint import LoadedModel


@dataclass(frozen=True, slots=True)
class Beam:
    """One text in the beam."""

    ids: tuple[int, ...]
    """Its generated tokens, with those that made a stop text."""
    text: str
    """What they say, up to a stop text."""
    logprob: float
    """Natural logarithm of the probability of all of them together."""
    score: float
    """What beams are ranked by: the log probability over the length to the power of the penalty."""
    parent: int | None
    """Its place in the beam a step before; None for one that had ended before."""
    done: bool = False
    """Whether it has reached the end-of-text token or a stop text."""


@dataclass(frozen=True, slots=True)
class BeamStep:
    """The beam after one more token."""

    index: int
    beams: tuple[Beam, ...]
    """Those that go on, likeliest first."""
    finished: tuple[Beam, ...]
    """The best that have ended so far, best first."""
    notice: str = ""
    is_last: bool = False

    @property
    def best(self) -> Beam:
        """What the search would answer now."""
        return self.finished[0] if self.finished else self.beams[0]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "index": self.index,
            "beams": [_beam_dict(beam) for beam in self.beams],
            "finished": [_beam_dict(beam) for beam in self.finished],
            "is_last": self.is_last,
        }


def _beam_dict(beam: Beam) -> dict[str, Any]:
    return {
        "ids": list(beam.ids),
        "text": beam.text,
        "logprob": beam.logprob,
        "score": beam.score,
        "parent": beam.parent,
        "done": beam.done,
    }


def beam_search(
    loaded: LoadedModel,
    prompt: str | Sequence[int],
    beams: int = 4,
    sampling: SamplingConfig | None = None,
    *,
    length_penalty: float = 1.0,
    cancelled: threading.Event | None = None,
    session: Session | None = None,
    allowed_special: Special = frozenset(),
) -> Iterator[BeamStep]:
    """Searches the likeliest continuation.

    Args:
        loaded: what ``core.load_model`` returned.
        prompt: text, or token ids.
        beams: how many texts are followed at once; 1 is greedy.
        sampling: ``max_new_tokens``, penalties, biases, banned tokens, ``stop`` and ``stop_at_end_of_text`` are taken
            from it.
        length_penalty: above 0 longer texts gain; 0 ranks by the plain log probability.
        cancelled: set, the search ends within one token.
        session: the model with what it has read before.
        allowed_special: special tokens whose text in the prompt becomes their id.

    Raises:
        InputError: fewer than one beam.
        TokenizerError, ConfigError, MemoryShortError, LabError: as ``generate`` does.
    """
    sampling = sampling or SamplingConfig()
    if beams < 1:
        raise InputError(f"beams must be at least 1, got {beams}", "ask for one beam or more")
    if not math.isfinite(length_penalty):
        raise InputError(f"length_penalty must be a finite number, got {length_penalty}", "1 is usual")
    check_fits(loaded)
    check_tokens(sampling, loaded.tokenizer.vocab_size)
    ids, notice = prompt_ids(loaded, prompt, allowed_special)
    session = session or Session(loaded)
    check_memory(session, beams, len(ids), sampling.max_new_tokens)
    notice = "; ".join(said for said in (notice, session.notice()) if said)
    search = _Search(session, ids, beams, sampling, length_penalty)
    return search.run(notice, cancelled)


class _Search:
    """The state of one call."""

    def __init__(
        self, session: Session, ids: list[int], beams: int, sampling: SamplingConfig, length_penalty: float
    ) -> None:
        self.session, self.ids, self.width, self.length_penalty = session, ids, beams, length_penalty
        self.tokenizer = session.loaded.tokenizer
        self.sampling = sampling.override(temperature=1.0, **dict.fromkeys(cuts_of(SamplingConfig)))
        self.end_of_text = end_of_text(self.tokenizer) if sampling.stop_at_end_of_text else None
        self.running = [Beam((), "", 0.0, 0.0, None)]
        self.finished: list[Beam] = []

    def run(self, notice: str, cancelled: threading.Event | None) -> Iterator[BeamStep]:
        most = self.sampling.max_new_tokens
        for count in range(1, most + 1):
            rows = [[*self.ids, *beam.ids] for beam in self.running]
            logits = self.session.logits(rows, len(self.ids), cancelled)
            if logits is None:
                return
            self._advance(logits, is_last=count == most)
            stopped = cancelled is not None and cancelled.is_set()
            done = count == most or stopped or self._settled()
            said = notice if count == 1 else self._slid(count - 1)
            yield BeamStep(count - 1, tuple(self.running), tuple(self.finished), said, done)
            if done:
                return

    def _advance(self, logits: Tensor, is_last: bool) -> None:
        """One more token for every beam: the likeliest candidates end or go on."""
        going: list[Beam] = []
        for place, (parent, token, logprob) in enumerate(self._candidates(logits)):
            beam = self._beam(parent, token, logprob)
            if not beam.done and not is_last:
                going.append(beam)
            elif place < self.width:  # those behind only make sure that enough can go on
                self.finished.append(beam)
        self.finished = sorted(self.finished, key=lambda beam: -beam.score)[: self.width]
        self.running = going[: self.width]

    def _candidates(self, logits: Tensor) -> list[tuple[int, int, float]]:
        """The 2 K likeliest pairs of a beam and its next token, with the log probability of the whole."""
        totals = []
        for beam, row in zip(self.running, logits, strict=True):
            check_numbers(row)
            logprobs = row[: self.tokenizer.vocab_size].log_softmax(0)
            for _, change in filters(self.sampling, self.ids, beam.ids):
                logprobs = change(logprobs)
            totals.append(logprobs + beam.logprob)
        flat = torch.cat(totals)
        best = flat.topk(min(2 * self.width, flat.numel()))
        size = self.tokenizer.vocab_size
        pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        return [(at // size, at % size, value) for at, value in pairs if value > -math.inf]

    def _beam(self, parent: int, token: int, logprob: float) -> Beam:
        ids = (*self.running[parent].ids, token)
        ended = token == self.end_of_text
        said = ids[:-1] if ended else ids
        before = [self.ids[-1], *said]
        raw = b"".join(piece(self.tokenizer, t, last) for last, t in zip(before, said, strict=False))
        text = raw.decode("utf-8", "replace")
        stops = [at for stop in self.sampling.stop if (at := text.find(stop)) >= 0]
        score = logprob / len(ids) ** self.length_penalty
        return Beam(ids, text[: min(stops, default=None)], logprob, score, parent, ended or bool(stops))

    def _slid(self, written: int) -> str:
        """What is said where the window has moved on before a token."""
        length = len(self.ids)
        return slid_notice(length + written, length, self.session.runner.config.context_length)

    def _settled(self) -> bool:
        """Whether enough texts have ended and none that goes on can be expected to be better."""
        if not self.running:
            return True
        if len(self.finished) < self.width:
            return False
        best = self.running[0]
        hoped: float = best.logprob / len(best.ids) ** self.length_penalty
        return hoped <= self.finished[-1].score
