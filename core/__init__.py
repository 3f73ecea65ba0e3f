"""The science of LLM Lab, headless. Names are loaded when first asked for, so that ``import core`` costs nothing.

The order of the story: tokenizers, data, vectors, model, training, generation, weights.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.config import GPTConfig, TrainConfig
    from core.data.corpora import load_corpus
    from core.data.windows import Windows
    from core.errors import LabError
    from core.generation.engine import generate
    from core.generation.score import score
    from core.generation.settings import SamplingConfig
    from core.model.ablation import ablate, sweep
    from core.model.gpt import GPT
    from core.model.head_sets import parse_heads
    from core.model.lens import lens
    from core.model.profiles import head_profiles
    from core.model.through_time import head_history
    from core.model.trace import trace
    from core.tokenizers import get_tokenizer, list_tokenizers, load_tokenizer
    from core.training.foreign.recognise import open_foreign
    from core.training.runs import list_runs, open_run
    from core.training.trainer import Trainer
    from core.vectors.sources import list_vectors, load_vectors
    from core.vectors.store import Vectors
    from core.weights.checkpoint import load_model

__all__ = [
    "GPT",
    "BPETokenizer",
    "GPTConfig",
    "LabError",
    "SamplingConfig",
    "TrainConfig",
    "Trainer",
    "Vectors",
    "Windows",
    "ablate",
    "generate",
    "get_tokenizer",
    "head_history",
    "head_profiles",
    "lens",
    "list_runs",
    "list_tokenizers",
    "list_vectors",
    "load_corpus",
    "load_model",
    "load_tokenizer",
    "load_vectors",
    "open_foreign",
    "open_run",
    "parse_heads",
    "score",
    "sweep",
    "trace",
]

__version__ = "0.1.0"

_HOME = {
    "BPETokenizer": "core.tokenizers.bpe",
    "GPT": "core.model.gpt",
    "GPTConfig": "core.config",
    "LabError": "core.errors",
    "SamplingConfig": "core.generation.settings",
    "TrainConfig": "core.config",
    "Trainer": "core.training.trainer",
    "Vectors": "core.vectors.store",
    "Windows": "core.data.windows",
    "ablate": "core.model.ablation",
    "generate": "core.generation.engine",
    "get_tokenizer": "core.tokenizers",
    "head_history": "core.model.through_time",
    "head_profiles": "core.model.profiles",
    "lens": "core.model.lens",
    "list_runs": "core.training.runs",
    "list_tokenizers": "core.tokenizers",
    "list_vectors": "core.vectors.sources",
    "load_corpus": "core.data.corpora",
    "load_model": "core.weights.checkpoint",
    "load_tokenizer": "core.tokenizers",
    "load_vectors": "core.vectors.sources",
    "open_foreign": "core.training.foreign.recognise",
    "open_run": "core.training.runs",
    "parse_heads": "core.model.head_sets",
    "score": "core.generation.score",
    "sweep": "core.model.ablation",
    "trace": "core.model.trace",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'core' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
