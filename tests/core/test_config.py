"""Configurations: what is wrong is named at once and nothing is made up; what passes can be written as JSON."""

from __future__ import annotations

import json
import math
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import GPTConfig, TrainConfig
from core.errors import ConfigError
from core.fields import LARGEST, config_fields


def title(make: Any, *args: Any, **values: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        make(*args, **values)
    assert caught.value.hint
    text = f"{caught.value.title}{caught.value.hint}"
    text.encode()  # it can be printed and logged
    assert "\n" not in text
    return caught.value.title


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"seed": 99999999999999999999999}, "seed must be at most 9,223,372,036,854,775,807, got 999"),
        ({"max_steps": 10**30}, "max_steps must be at most"),
        ({"max_steps": 10**6000}, "got a number of 6,001 digits"),
        ({"seed": -(2**63)}, "seed must be at least -9,223,372,036,854,775,807"),
        ({"learning_rate": 10**400}, "learning_rate must be at most"),
        ({"learning_rate": math.inf}, "learning_rate must be a finite number, got inf"),
        ({"learning_rate": True}, "learning_rate must be a finite number, got True"),
        ({"epochs": math.nan}, "epochs must be a finite number"),
        ({"sample_prompt": "\udcff"}, r"sample_prompt must be text that UTF-8 can hold, got '\udcff'"),
        ({"corpus": "caf\udce9.txt"}, "corpus must be text that UTF-8 can hold"),
        ({"device": "\udcff"}, "device must be one of auto"),
        ({"batch_size": "x" * 1000}, "batch_size must be a whole number, got 'xxx"),
        ({"stride": [1]}, "stride must be a whole number, got [1]"),
    ],
)
def test_what_cannot_be_written_is_named(values: dict[str, Any], said: str) -> None:
    assert said in title(TrainConfig, **values)
    assert said in title(TrainConfig().override, **values)
    assert said in title(TrainConfig.from_dict, {**TrainConfig().to_dict(), **values})
    assert len(title(TrainConfig, **values)) < 200


@pytest.mark.parametrize("raw", [[1], None, 3, "text"])
def test_something_that_is_no_object(raw: Any) -> None:
    assert "the training configuration must be an object of fields, got " in title(TrainConfig.from_dict, raw)
    assert "the model's configuration must be an object of fields, got " in title(GPTConfig.from_dict, raw)
    assert "model must be GPTConfig" in title(TrainConfig.from_dict, {"model": raw})


def test_all_that_is_wrong_is_named_at_once() -> None:
    found = title(GPTConfig.from_dict, {"n_layers": 0, "foo": 1, "n_head": 2})
    assert (
        found == "foo is not a field; n_head is not a field (did you mean n_heads?); n_layers must be at least 1, got 0"
    )
    found = title(TrainConfig().override, batch_sizes=3, batch_size=0, n_layers=0, drop_rate="x")
    assert [part.split()[0] for part in found.split("; ")] == ["batch_sizes", "drop_rate", "n_layers", "batch_size"]
    found = title(TrainConfig.from_dict, {3: 4, "\udcff": 1, "seed": -1, "model": {"foo": 1, "emb_dim": 3}})
    assert found == (
        "model: foo is not a field; emb_dim must be divisible by n_heads, got 3 and 12; "
        r"3 is not a field; '\udcff' is not a field; seed must be at least 0, got -1"
    )


def test_nothing_is_made_up_beside_a_value_of_the_wrong_type() -> None:
    assert title(TrainConfig, min_learning_rate=0.1, learning_rate="x") == (
        "learning_rate must be a finite number, got 'x'"
    )
    assert title(GPTConfig, emb_dim=100, n_heads="x") == "n_heads must be a whole number, got 'x'"
    assert "is above learning_rate" in title(TrainConfig, min_learning_rate=0.1)


def test_a_shape_and_its_fields_together() -> None:
    config = TrainConfig().override(n_layers=3, model=GPTConfig(emb_dim=24))
    assert (config.model.n_layers, config.model.emb_dim) == (3, 24)


values = (
    st.integers()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(), max_size=5)
    | st.none()
    | st.booleans()
    | st.lists(st.integers(), max_size=2)
)


@given(st.dictionaries(st.sampled_from([*config_fields(TrainConfig), *config_fields(GPTConfig)]), values, max_size=4))
def test_what_passes_can_be_written_and_read_back(changes: dict[str, Any]) -> None:
    try:
        config = TrainConfig().override(**changes)
    except ConfigError as error:
        str(error).encode()
        return
    written = orjson.dumps(config.to_dict())
    assert TrainConfig.from_dict(orjson.loads(written)) == config
    assert json.loads(written) == config.to_dict()


def test_the_largest_numbers_are_taken() -> None:
    assert TrainConfig(seed=LARGEST).seed == LARGEST
    assert TrainConfig(learning_rate=1e300).learning_rate == 1e300
