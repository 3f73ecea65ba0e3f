"""Asking models for the attention screen, in threads: tracing a text, and what is read off a trace.

Holds no state of the screen. Each answer carries the number of its question, so that a late one can be dropped. Nothing
of torch is imported before a model is wanted.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import InputError, TokenizerError
from screens.attention.seen import Head, Seen

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.model.trace import Trace
    from core.weights.checkpoint import LoadedModel

Stamp = tuple[tuple[str, int, int], ...]
MOST = 4
"""Models kept open: A, B, and the checkpoints that one steps through."""
RANDOM, TEXT = "random", "text"
"""What a head is measured on: repeated random tokens, or the text that is shown."""
NORM = "norm"
NEXT = 10
"""Likeliest tokens that are asked for, before and after heads are switched off."""


@dataclass(frozen=True)
class Opened:
    """A model ready to be asked."""

    spec: str
    loaded: LoadedModel
    stamp: Stamp
    """What its files were like when it was read."""


@dataclass(frozen=True)
class Question:
    """Which text through which model, and with which heads off."""

    number: int
    spec: str
    device: str
    text: str
    off: frozenset[Head] = frozenset()
    pinned: str | None = None
    """The tokenizer that is pinned on the workbench."""


@dataclass(frozen=True)
class Measures:
    """What is known of all heads."""

    on: str
    """``text`` or ``random``."""
    values: dict[str, NDArray[np.float32]]
    """(L, H) each."""
    chance: dict[str, float]
    """What a head has that looks at all tokens alike."""


@dataclass(frozen=True)
class NextTokens:
    """What comes after a token of the text, with all heads on and as it is now."""

    position: int
    rows: tuple[tuple[int, bytes, float, float], ...]
    """Token, its bytes, its probability with all heads on, and now; the likelier before first."""
    kl_bits: float
    loss_before: float
    """Mean over the text, in nats."""
    loss_after: float
    off: int
    """Heads that are off."""
    follows: int | None
    """The token that does follow in the text; None after the last."""


class Reader:
    """Opens models, each once, and traces texts; safe to be asked from several threads."""

    def __init__(self) -> None:
        self._open: OrderedDict[tuple[str, str], Opened] = OrderedDict()
        self._lock = threading.Lock()
        self._last: Seen | None = None

    def open(self, spec: str, device: str = "auto") -> Opened:
        """The model; reads it if need be, and anew where its files are others now.

        Raises:
            LabError: it cannot be opened; whatever ``core.load_model`` says.
        """
        import torch

        from core.weights.checkpoint import load_model

        torch.set_num_threads(1)  # more would fight with a run on the same cores: 2.8 ms become 348
        with self._lock:
            key = (spec, device)
            found, stamp = self._open.get(key), stamp_of(spec)
            if found is None or found.stamp != stamp:
                found = self._open[key] = Opened(spec, load_model(spec, device=device), stamp)
                while len(self._open) > MOST:
                    self._open.popitem(last=False)
            self._open.move_to_end(key)
            return found

    def forget(self, spec: str) -> None:
        """Reads the model anew the next time."""
        with self._lock:
            for key in [key for key in self._open if key[0] == spec]:
                del self._open[key]
            self._last = None

    def see(self, question: Question) -> Seen:
        """Traces a text; the same text through the same weights with other heads off shares its base.

        Raises:
            LabError: the model cannot be opened, the tokenizer is not the model's, or there is no text.
        """
        from core.generation.prompts import check_fits
        from core.model.trace import trace

        opened = self.open(question.spec, question.device)
        loaded = opened.loaded
        check_fits(loaded)
        if question.pinned is not None and question.pinned != loaded.tokenizer.name:
            raise TokenizerError(
                f"{question.pinned} is pinned, {question.spec} reads {loaded.tokenizer.name} "
                f"({loaded.tokenizer.vocab_size:,} tokens)",
                "a model can only be traced over its own tokens: take the pin off, or choose another model",
            )
        ids = loaded.tokenizer.encode(question.text, disallowed_special=())
        if not ids:
            raise InputError("there is no text to look at", "type one (e), or choose one that shows a known head (E)")
        cut = max(0, len(ids) - loaded.config.context_length)
        ids = ids[cut:]
        start = time.perf_counter()
        base = self._base(loaded, ids) or trace(loaded.model, ids)
        shape = loaded.config
        off = frozenset(h for h in question.off if h[0] < shape.n_layers and h[1] < shape.n_heads)
        run = trace(loaded.model, ids, ablate=off) if off else base
        seconds = time.perf_counter() - start
        pieces = tuple(pieces_of(loaded, ids))
        found = Seen(
            question.number, question.spec, loaded, question.text, tuple(ids), pieces, labels_of(pieces), cut, off,
            run, base, seconds=seconds, stamp=opened.stamp,
        )  # fmt: skip
        self._last = found
        return found

    def _base(self, loaded: LoadedModel, ids: list[int]) -> Trace | None:
        last = self._last
        same = last is not None and last.loaded is loaded and last.ids == tuple(ids)
        return last.base if same and last is not None else None


def stamp_of(spec: str) -> Stamp:
    """What a model's files are like now; another one means that they were written anew, or that there is a newer step.

    Empty where that cannot be told; whoever opens the model says why.
    """
    from core.errors import LabError
    from core.weights.locate import locate

    try:
        files = locate(spec).files
    except LabError:
        return ()
    out = []
    for path in files:
        try:
            found = path.stat()
        except OSError:
            return ()
        out.append((str(path), found.st_mtime_ns, found.st_size))
    return tuple(out)


def pieces_of(loaded: LoadedModel, ids: list[int]) -> list[bytes]:
    """The bytes of each token."""
    from core.generation.prompts import piece

    befores: list[int | None] = [None, *ids[:-1]]
    return [piece(loaded.tokenizer, token, before) for token, before in zip(ids, befores, strict=True)]


def labels_of(pieces: tuple[bytes, ...]) -> tuple[str, ...]:
    """Each token as it is written beside a row."""
    from screens.widgets.token_strip_labels import Labels

    labels = Labels()
    return tuple(labels.of(piece).text for piece in pieces)


# --- what is read off a trace


def pattern_of(seen: Seen, layer: int) -> NDArray[np.float32]:
    """The attention of a layer's heads, (H, T, T) float32."""
    with seen.lock:
        found: NDArray[np.float32] = seen.trace.pattern(layer).float().cpu().numpy()
    return found


def measures_of(seen: Seen) -> Measures:
    """Each measure of all heads on the text, with all heads on."""
    from core.model.profiles import MEASURES, head_profiles

    profiles = head_profiles(seen.loaded.model, list(seen.ids))
    found = {name: profiles[name].numpy() for name in MEASURES}
    found[NORM] = norms_of(seen)
    return Measures(TEXT, found, dict(profiles.chance))


def norms_of(seen: Seen) -> NDArray[np.float32]:
    """How long what each head adds to the residual is, (L, H)."""
    import numpy as np

    from core.model.head_norms import output_norms

    rows = []
    for layer in range(seen.layers):
        with seen.lock:  # for a layer at a time, so that whoever waits for a picture does not wait for all
            rows.append(output_norms(seen.base, layer).numpy())
    return np.stack(rows)


def random_measures_of(seen: Seen) -> Measures:
    """The same on repeated random tokens, where only position and repetition can be looked at."""
    from core.model.profiles import MEASURES, head_profiles

    profiles = head_profiles(seen.loaded.model)
    return Measures(RANDOM, {name: profiles[name].numpy() for name in MEASURES}, dict(profiles.chance))


def next_of(seen: Seen, position: int, k: int = NEXT) -> NextTokens:
    """What comes after a token, before and after switching heads off."""
    from core.generation.prompts import piece
    from core.model.ablation import ablate

    with seen.lock:
        found = ablate(seen.loaded.model, list(seen.ids), seen.off, position=position, base=seen.base)
    rows = tuple(
        (s.token, piece(seen.loaded.tokenizer, s.token, seen.ids[position]), s.before, s.after) for s in found.top(k)
    )
    follows = seen.ids[position + 1] if position + 1 < seen.tokens else None
    return NextTokens(position, rows, found.kl_bits, found.loss_before, found.loss_after, len(seen.off), follows)


def together_of(seen: Seen, layer: int, how: str) -> NDArray[np.float32]:
    """The heads of a layer as one pattern, (T, T) float32."""
    from core.model.rollout import together

    with seen.lock:
        found: NDArray[np.float32] = together(seen.trace, layer, how).cpu().numpy()
    return found
