"""What the attention screen says of heads and tokens, without a widget: measures, ranks, sentences, scales."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from screens.attention.seen import Head, Place
from screens.widgets.token_strip_labels import Labels

if TYPE_CHECKING:
    from numpy.typing import NDArray

VIEWS = ("pattern", "maths", "lens", "time")
SCALES = ("linear", "log", "row")
SCALE_WORDS = {"linear": "linear scale", "log": "logarithmic scale", "row": "each row by its largest"}
LOG_LOW = 1e-4
"""The lower end of the logarithmic scale."""
HOW = ("", "mean", "max", "rollout")
"""What is looked at: one head, or the heads of a layer together."""
HOW_WORDS = {"mean": "mean of heads", "max": "largest of heads", "rollout": "rollout"}
_LABELS = Labels()


@dataclass(frozen=True, slots=True)
class Measure:
    """What the grid can say of each head."""

    name: str
    title: str
    unit: str
    about: str
    short: str = ""
    """As it is called where there is little room."""
    rising: bool = False
    """Whether the lowest is the first in rank."""
    source: str = ""
    """Who describes it; as ``core.model.profiles`` and ``head_norms`` have it in full."""


MEASURES = (
    Measure(
        "entropy",
        "entropy",
        "bits",
        "how spread the attention of a token is",
        "entropy, bits",
        True,
        "Clark et al., 2019",
    ),
    Measure(
        "previous", "previous token", "", "attention to the token just before", "previous", source="Clark et al., 2019"
    ),
    Measure(
        "duplicate",
        "duplicate token",
        "",
        "attention to earlier copies of the token",
        "duplicate",
        source="Wang et al., 2022",
    ),
    Measure(
        "induction",
        "induction",
        "",
        "attention to what followed earlier copies of the token",
        "induction",
        source="Olsson et al., 2022",
    ),
    Measure("first", "first token", "", "attention to the first token", "first token", source="Xiao et al., 2023"),
    Measure(
        "distance",
        "distance",
        "tokens",
        "how far back a head looks, on average",
        "tokens back",
        source="Vig and Belinkov, 2019",
    ),
    Measure(
        "norm",
        "output norm",
        "",
        "how much a head adds to the residual stream",
        "output norm",
        source="Kobayashi et al., 2020",
    ),
    Measure("effect", "effect when off", "nats", "how much the loss rises without the head", "loss when off"),
)
NAMES = tuple(m.name for m in MEASURES)
MOVED = Measure(
    "effect", "effect when off", "bits", "how far the next token's distribution moves without the head", "KL when off"
)
"""The effect on a text of one token, which has no loss."""


def measure_of(name: str, tokens: int = 0) -> Measure:
    """A measure by its name, as it is of a text of so many tokens."""
    return MOVED if name == MOVED.name and tokens == 1 else next(m for m in MEASURES if m.name == name)


def figure(value: float) -> str:
    """A number of three figures.

    >>> figure(0.4123), figure(2.28), figure(float("nan")), figure(12.34)
    ('0.412', '2.28', 'not a number', '12.34')
    """
    if not math.isfinite(value):
        return "not a number" if value != value else str(value)
    return f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}" if abs(value) < 100 else f"{value:.4g}"


def written(piece: bytes) -> str:
    """A token as sentences name it.

    >>> written(b" cat"), written(b"\\n")
    ('·cat', '↵')
    """
    return _LABELS.of(piece).text


def ranked(values: NDArray[Any], rising: bool = False) -> list[Head]:
    """The heads in the order of a measure; those without a number last.

    >>> ranked(np.array([[1.0, np.nan], [3.0, 2.0]]))
    [(1, 0), (1, 1), (0, 0), (0, 1)]
    """
    flat = np.asarray(values, dtype=np.float64).ravel()
    key = np.where(np.isnan(flat), np.inf, flat if rising else -flat)
    return [divmod(int(i), values.shape[1]) for i in np.argsort(key, kind="stable")]


def telling_head(measures: Mapping[str, NDArray[Any]]) -> Head | None:
    """The head to look at first: one whose picture says at a glance what heads do.

    That is the head that looks most at what followed the first time, where tokens repeat and one does so half of the
    time or more; else the head that looks most at the token just before. None: nothing of the kind is known.

    >>> previous, induction = np.array([[0.2, 0.9]]), np.array([[0.6, 0.1]])
    >>> telling_head({"previous": previous, "induction": induction})
    (0, 0)
    >>> telling_head({"previous": previous, "induction": induction * np.nan})
    (0, 1)
    """
    for name, least in (("induction", 0.5), ("previous", 0.0)):
        values = measures.get(name)
        if values is not None:
            head = ranked(values)[0]
            if values[head] >= least:  # never so where it is no number
                return head
    return None


def head_text(head: Head) -> str:
    """A head by its layer and number.

    >>> head_text((2, 1))
    'L2 H1'
    """
    return f"L{head[0]} H{head[1]}"


def off_text(off: Collection[Head], layers: int, heads: int, most: int = 4) -> str:
    """The heads that are off, briefly.

    >>> off_text([(2, 1)], 4, 4), off_text([(0, i) for i in range(4)], 4, 4)
    ('off: L2 H1', 'off: layer 0')
    """
    if not off:
        return ""
    total = layers * heads
    if len(off) == total:
        return "off: all heads"
    if len(off) == total - 1:
        left = next((la, h) for la in range(layers) for h in range(heads) if (la, h) not in off)
        return f"off: all but {head_text(left)}"
    parts = []
    for layer in range(layers):
        here = sorted(h for la, h in off if la == layer)
        if len(here) == heads:
            parts.append(f"layer {layer}")
        else:
            parts += [f"L{layer} H{h}" for h in here]
    return "off: " + (", ".join(parts) if len(parts) <= most else f"{len(off)} of {total} heads")


def counts_text(tokens: int, cut: int, context: int) -> str:
    """How many tokens there are; what did not fit is said.

    >>> counts_text(11, 0, 256), counts_text(256, 56, 256), counts_text(1, 0, 256)
    ('11 tokens', '312 tokens, context 256: the first 56 are cut', '1 token')
    """
    if cut:
        return f"{tokens + cut:,} tokens, context {context:,}: the first {cut:,} are cut"
    return f"{tokens:,} token{'' if tokens == 1 else 's'}"


def place_sentence(place: Place, pieces: Sequence[bytes], weight: float, *, how: str = "", pinned: bool = False) -> str:
    """The cell under the cursor in words.

    >>> place_sentence(Place(2, 1, 1, 0), [b"The", b" cat"], 0.412)
    'L2 H1 · from ‘·cat’ #1 to ‘The’ #0 · weight 0.412'
    """
    asks, looked = written(pieces[place.row]), written(pieces[place.column])
    who = f"L{place.layer} {HOW_WORDS[how]}" if how else head_text((place.layer, place.head))
    end = " · pinned" if pinned else ""
    if place.column > place.row:
        return f"{who} · ‘{asks}’ #{place.row} cannot see ‘{looked}’ #{place.column}, which comes later{end}"
    return f"{who} · from ‘{asks}’ #{place.row} to ‘{looked}’ #{place.column} · weight {figure(weight)}{end}"


def scaled(pattern: NDArray[Any], scale: str, hide_first: bool) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """A pattern as it is coloured, and what is left blank: later tokens, and the first if it is hidden.

    >>> values, mask = scaled(np.array([[1, 0], [0.5, 0.25]]), "row", False)
    >>> values.round(2).tolist(), mask.tolist()
    ([[1.0, 0.0], [1.0, 0.5]], [[False, True], [False, False]])
    """
    values = np.asarray(pattern, dtype=np.float32)
    mask = np.triu(np.ones(values.shape, bool), 1)
    if hide_first and values.shape[1] > 1:
        mask = mask.copy()
        mask[:, 0] = True
    if scale == "row":
        shown = np.where(mask, np.float32(0), values)
        top = np.abs(shown).max(axis=1, keepdims=True)
        with np.errstate(invalid="ignore"):
            values = np.divide(values, top, out=np.zeros_like(values), where=~(top == 0))
    return values, mask


def note_text(weight: float, most: float = 1.0) -> str:
    """A weight in three characters, as it stands under a token.

    >>> note_text(0.412), note_text(1.0), note_text(0.004), note_text(float("nan")), note_text(-0.2)
    ('.41', '1', '.00', '×', '-.2')
    """
    if weight != weight:
        return "×"
    if weight >= 0.995:
        return "1"
    if weight < 0:
        return f"{weight:.1f}".replace("0.", ".")[:3] if weight > -0.95 else "-1"
    return f"{weight:.2f}"[1:]


def detail_lines(
    head: Head, measures: Mapping[str, NDArray[Any]], chance: Mapping[str, float], *, off: bool = False, tokens: int = 0
) -> list[tuple[str, str, float]]:
    """All measures of a head: name, what it says, and a share from 0 to 1 for a bar (NaN: none)."""
    lines = []
    for measure in (measure_of(name, tokens) for name in NAMES):
        values = measures.get(measure.name)
        if values is None:
            lines.append((measure.short, "d measures it" if measure.name == "effect" else "–", math.nan))
            continue
        value, by_chance = float(values[head]), chance.get(measure.name, math.nan)
        said, share = figure(value), math.nan
        if value != value:
            nothing = "one token" if tokens == 1 else "nothing repeats"
            said = nothing if by_chance != by_chance and measure.name in chance else said
        elif measure.name in ("previous", "duplicate", "induction", "first"):
            said, share = f"{value:.3f} ({by_chance:.2f})", value
        else:
            rank = ranked(values, measure.rising).index(head) + 1
            by = f" ({by_chance:.2f})" if measure.name in ("entropy", "distance") else ""
            sign = "+" if measure.name == "effect" and value >= 0 else ""
            said = f"{sign}{figure(value)}{by} #{rank}"
        lines.append((measure.short, said, share))
    if off:
        lines.append(("is off", "a switches it on", math.nan))
    return lines
