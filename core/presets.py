"""Named model shapes and training runs."""

from __future__ import annotations

from dataclasses import dataclass

from core.config import GPTConfig, TrainConfig


@dataclass(frozen=True)
class TrainPreset:
    """A named training configuration."""

    config: TrainConfig
    summary: str
    """One line: what it is for."""


# Shapes of GPT-2 as OpenAI published them (hparams.json of each release); the course's two are those of
# "Build a Large Language Model (From Scratch)", chapters 4 and 5.
MODEL_PRESETS: dict[str, GPTConfig] = {
    "gpt2": GPTConfig(50257, 1024, 768, 12, 12),
    "gpt2-medium": GPTConfig(50257, 1024, 1024, 16, 24),
    "gpt2-large": GPTConfig(50257, 1024, 1280, 20, 36),
    "gpt2-xl": GPTConfig(50257, 1024, 1600, 25, 48),
    "course-124m": GPTConfig(50257, 1024, 768, 12, 12, drop_rate=0.1, qkv_bias=False, tie_weights=False),
    "scratch-124m": GPTConfig(50257, 256, 768, 12, 12, drop_rate=0.5, qkv_bias=False, tie_weights=False),
}

_TINY = GPTConfig(None, 64, 128, 4, 4)

TRAIN_PRESETS: dict[str, TrainPreset] = {
    "shakespeare-1min": TrainPreset(
        TrainConfig(model=_TINY, max_steps=1500),
        "babble becomes words: 4 layers, width 128, by character",
    ),
}
