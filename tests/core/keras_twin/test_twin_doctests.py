"""The doctests of the twin's modules, which are not collected: to collect them would load TensorFlow."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import core.keras_twin
from tests.twin_models import SHAPES, keras_model


def test_the_examples_in_the_docstrings_are_true() -> None:
    keras_model(SHAPES["tied, no bias"])
    tried = 0
    for module in pkgutil.iter_modules(core.keras_twin.__path__):
        found = doctest.testmod(importlib.import_module(f"core.keras_twin.{module.name}"))
        assert not found.failed, module.name
        tried += found.attempted
    assert tried >= 4
