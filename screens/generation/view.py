"""What the console shows, as values and words: pure, made from the steps that core yielded.

A line is what one strip holds: the prompt's tokens, then those of a branch and of all that it grew out of.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from screens.generation.dials import DIALS
from screens.widgets.bars import Bar
from screens.widgets.ramps import Look, bar_glyph, sequential, text_on
from screens.widgets.token_strip_labels import Labels

if TYPE_CHECKING:
    from core.generation.steps import Alternative, Choice, Step

MEASURES = ("probability", "rank", "entropy", "none")
MUCH = 10.0
"""Bits of surprise at the bright end of the scale."""
LEGENDS = {
    "probability": ("0", "1"),
    "rank": ("last", "1st"),
    "entropy": ("sure", "unsure"),
    "surprise": ("none", f"{MUCH:.0f} bits"),
    "none": ("", ""),
}
_LABELS = Labels()
_NAMES = {dial.field: dial.label for dial in DIALS} | {"logit_bias": "bias", "banned_tokens": "banned"}


def name_of(setting: str) -> str:
    """A setting as the screen calls it."""
    return _NAMES.get(setting, setting)


def written(piece: bytes) -> str:
    """A token as it is written in lists and sentences.

    >>> written(b" king"), written(b"\\xe2"), written(b"\\n")
    ('·king', '⟨E2⟩', '↵')
    """
    return _LABELS.of(piece).text


@dataclass(frozen=True)
class Line:
    """What one strip shows."""

    prompt_ids: tuple[int, ...] = ()
    prompt_pieces: tuple[bytes, ...] = ()
    """What the strip holds of it: a piece for each id, or one piece where the tokenizer isn't at hand."""
    steps: tuple[Step, ...] = ()

    def __len__(self) -> int:
        return len(self.prompt_ids) + len(self.steps)

    @property
    def ids(self) -> list[int]:
        """All token ids."""
        return [*self.prompt_ids, *(step.token_id for step in self.steps)]

    @property
    def pieces(self) -> list[bytes]:
        """The bytes of all tokens."""
        return [*self.prompt_pieces, *(step.bytes for step in self.steps)]

    def step(self, index: int) -> Step | None:
        """The step that made a token; None for one of the prompt, or beyond the end."""
        place = index - len(self.prompt_pieces)
        return self.steps[place] if 0 <= place < len(self.steps) else None

    @property
    def text(self) -> str:
        """The answer as text."""
        return b"".join(step.bytes for step in self.steps).decode("utf-8", "replace")

    @property
    def perplexity(self) -> float | None:
        """Two to the mean surprise of the answer, by the model's own probabilities; None before the first token."""
        finite = [step.raw_logprob for step in self.steps if math.isfinite(step.raw_logprob)]
        return math.exp(-sum(finite) / len(finite)) if finite else None


def value_of(step: Step, measure: str, vocabulary: int) -> float:
    """A token's place on the scale of a measure, 0 to 1."""
    if measure == "probability":
        return math.exp(step.raw_logprob)
    if measure == "rank":
        return 1 - math.log(max(1, step.rank)) / math.log(max(2, vocabulary))
    if measure == "entropy":
        return min(1.0, step.entropy / math.log2(max(2, vocabulary)))
    return math.nan


def values_of(line: Line, measure: str, vocabulary: int) -> list[float] | None:
    """The values of a line's tokens; those of the prompt have none. None where nothing is measured."""
    if measure == "none":
        return None
    return [math.nan] * len(line.prompt_pieces) + [value_of(step, measure, vocabulary) for step in line.steps]


def legend(measure: str, look: Look) -> Text:
    """The scale of a measure, from its low to its high end."""
    low, high = LEGENDS[measure]
    text = Text(f"m {'no colour' if measure == 'none' else measure} ", no_wrap=True, end="")
    if not low:
        return text
    text.append(f"{low} ")
    ramp = sequential(look.colours)
    for i in range(8):
        value = (i + 0.5) / 8
        if ramp:
            text.append(" ", text_on(ramp[int(value * len(ramp))]))
        else:
            text.append(bar_glyph(value, ascii_only=look.ascii))
    return text.append(f" {high}")


def bars_of(choice: Choice | Step, taken: int | None, step: Step | None = None) -> list[Bar]:
    """The alternatives as rows, likeliest first, and what all others hold together.

    Args:
        choice: whose alternatives.
        taken: the token that stands there, marked.
        step: the step that took it, which tells of it where it is not among the likeliest.
    """
    found = list(choice.alternatives)
    rows = [_bar(a, str(rank), a.token_id == taken) for rank, a in enumerate(found, 1)]
    before, after = sum(a.before for a in found), sum(a.after for a in found)
    if step is not None and taken is not None and all(a.token_id != taken for a in found):
        p, was = math.exp(step.logprob), math.exp(step.raw_logprob)
        rows.append(Bar(written(step.bytes), p, was, lead=short_rank(step.rank), marked=True))
        before, after = before + was, after + p
    if found:
        rows.append(Bar("the rest", _rest(after), _rest(before), idle=True))
    return rows


def _rest(held: float) -> float:
    """What is not in the list; a millionth is what single precision leaves of nothing."""
    return 1 - held if held < 1 - 1e-6 else 0.0


def _bar(a: Alternative, lead: str, marked: bool) -> Bar:
    return Bar(written(a.bytes), a.after, a.before, name_of(a.cut_by) if a.cut_by else "", lead, marked)


def short_rank(rank: int) -> str:
    """A rank in two cells.

    >>> short_rank(7), short_rank(11), short_rank(4821)
    ('7', '11', '··')
    """
    return str(rank) if rank < 100 else "··"


def joint_bars(one: Choice | Step, other: Choice | Step, taken: int | None) -> list[Bar]:
    """The likeliest of two distributions after their settings, the first's beside the second's."""
    mine = {a.token_id: a for a in one.alternatives}
    yours = {a.token_id: a for a in other.alternatives}
    ids = sorted(mine.keys() | yours.keys(), key=lambda t: -max(_after(mine.get(t)), _after(yours.get(t))))
    rows = []
    for rank, token in enumerate(ids, 1):
        a = mine.get(token) or yours[token]
        if max(_after(mine.get(token)), _after(yours.get(token))) < 1e-4:
            break
        rows.append(
            Bar(written(a.bytes), _after(yours.get(token)), _after(mine.get(token)), "", str(rank), token == taken)
        )
    return rows


def _after(a: Alternative | None) -> float:
    return 0.0 if a is None else a.after


def detail_text(choice: Choice | Step, vocabulary: int, taken: Step | None = None) -> Text:
    """The distribution in words: how unsure the model is, what each setting keeps, the way of the taken token."""
    most = math.log2(max(2, vocabulary))
    text = Text(no_wrap=False, end="")
    text.append(f"entropy {choice.entropy:.2f} of {most:.2f} bits")
    after = getattr(choice, "entropy_after", None)
    if after is not None and abs(after - choice.entropy) >= 0.005:
        text.append(f", {after:.2f} after the settings")
    start = vocabulary
    for name, kept in choice.kept.items():
        if kept != start:
            text.append(f" · {name_of(name)} keeps {kept:,}")
            start = kept
    text.append(f" of {vocabulary:,}" if start != vocabulary else "")
    if taken is not None:
        text.append("\n" + way_text(written(taken.bytes), math.exp(taken.raw_logprob), taken.path))
    elif choice.alternatives:
        best = choice.alternatives[0]
        text.append("\n" + way_text(written(best.bytes), best.before, best.path))
    return text


def way_text(label: str, before: float, path: Sequence[tuple[str, float]]) -> str:
    """The way of one token's probability through the settings that change it.

    >>> way_text("·king", 0.241, [("temperature", 0.287), ("top_k", 0.312)])
    'p(·king) model 0.241 → temperature 0.287 → top-k 0.312'
    """
    parts = [f"p({label}) model {before:.3g}"]
    parts += [f"{name_of(name)} {p:.3g}" for name, p in path]
    return " → ".join(parts)


def token_sentence(index: int, step: Step) -> str:
    """The token under the cursor in a sentence."""
    p, was = math.exp(step.logprob), math.exp(step.raw_logprob)
    said = f"#{index} ‘{written(step.bytes)}’ · p {was:.3f}"
    if abs(p - was) >= 0.0005:
        said += f", drawn at {p:.3f}"
    bits = -step.raw_logprob / math.log(2)
    return said + f" · rank {step.rank:,} · surprise {bits:.2f} bits, {step.entropy:.2f} expected"


ENDS = {
    "length": "as long as was asked for",
    "end of text": "ended by the end-of-text token",
    "stop": "ended at a stop text",
    "cancelled": "stopped by you",
}


def end_text(step: Step) -> str:
    """Why an answer ended; empty if it did not."""
    if step.end is None:
        return ""
    if step.end == "stop" and step.stop:
        return f"ended at the stop text {step.stop!r}"
    return ENDS.get(step.end, step.end)


def first_difference(one: Sequence[int], other: Sequence[int]) -> int | None:
    """The first place where two rows of ids differ; None if they are the same.

    >>> first_difference([1, 2, 3], [1, 2, 4]), first_difference([1, 2], [1, 2]), first_difference([1], [1, 2])
    (2, None, 1)
    """
    for place, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return place
    return None if len(one) == len(other) else min(len(one), len(other))


def rate_text(tokens: int, seconds: float, first: float | None) -> str:
    """How fast it went.

    >>> rate_text(142, 1.0, 0.031), rate_text(0, 0.0, None)
    ('142 tok/s · first after 31 ms', '')
    """
    if not tokens or seconds <= 0:
        return ""
    rate = tokens / seconds
    said = f"{rate:,.0f} tok/s" if rate >= 10 else f"{rate:.1f} tok/s"
    if first is None:
        return said
    return said + (f" · first after {first * 1000:.0f} ms" if first < 1 else f" · first after {first:.1f} s")
