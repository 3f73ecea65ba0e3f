"""What word vectors are trained with: the settings of Word2Vec under the names that gensim gives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.errors import ConfigError
from core.fields import type_problems

Method = Literal["skip-gram", "cbow"]

_HINT = "llm-lab vectors train --help lists the settings"


@dataclass(frozen=True, slots=True)
class Word2VecConfig:
    """Settings of Word2Vec with negative sampling (Mikolov et al. 2013, arXiv:1301.3781 and arXiv:1310.4546)."""

    method: Method = "skip-gram"
    """skip-gram: each word predicts its neighbours. cbow: the mean of the neighbours predicts the word."""
    vector_size: int = 100
    """Numbers in a word's vector."""
    window: int = 5
    """Words looked at on each side; for each place it is drawn anew between 1 and this."""
    min_count: int = 5
    """Words that stand less often are left out."""
    negative: int = 5
    """Noise words drawn for each true one."""
    ns_exponent: float = 0.75
    """Noise words are drawn by their count to this power."""
    sample: float = 1e-3
    """Words more frequent than this share of the text are thinned out at random; 0: none is."""
    epochs: int = 5
    """Times that the text is read."""
    alpha: float = 0.025
    """Learning rate at the start; it falls linearly."""
    min_alpha: float = 0.0001
    """Learning rate at the end."""
    lowercase: bool = True
    """Whether ``The`` and ``the`` are one word."""
    seed: int = 1
    """Of the first vectors and of everything that is drawn."""
    workers: int = 1
    """Threads. With more than one the order of their work is chance, and no two trainings are alike."""

    def __post_init__(self) -> None:
        if problems := list(type_problems(self).values()) or _range_problems(self):
            raise ConfigError("; ".join(problems), _HINT)


def _range_problems(config: Word2VecConfig) -> list[str]:
    """Each value that is out of its range, as a phrase."""
    least = {"vector_size": 1, "window": 1, "min_count": 1, "negative": 1, "epochs": 1, "workers": 1, "seed": 0}
    found = [
        f"{name} must be at least {low}, got {getattr(config, name)}"
        for name, low in least.items()
        if getattr(config, name) < low
    ]
    if config.seed >= 2**32:
        found.append(f"seed must be below 4294967296, got {config.seed}")
    if not 0 < config.alpha <= 1:
        found.append(f"alpha must be above 0 and at most 1, got {config.alpha}")
    if not 0 <= config.min_alpha <= config.alpha:
        found.append(f"min_alpha must be between 0 and alpha ({config.alpha}), got {config.min_alpha}")
    if not 0 <= config.sample < 1:
        found.append(f"sample must be at least 0 and below 1, got {config.sample}")
    if not -2 <= config.ns_exponent <= 2:
        found.append(f"ns_exponent must be between -2 and 2, got {config.ns_exponent}")
    return found
