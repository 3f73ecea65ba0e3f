"""``llm-lab open``: the lab in this terminal."""

from __future__ import annotations

import os
import sys
from typing import Annotated

from cyclopts import Parameter

from core.errors import InputError, nearest

SCREENS = ("tokenizer", "embeddings", "attention", "training", "generation", "weights")


def open_lab() -> int:
    return 0
