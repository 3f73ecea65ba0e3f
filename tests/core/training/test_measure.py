"""What is measured of the machine: kept when it was quiet, measured again when it was not, the highest counts."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch

from core.errors import ConfigError
from core.training import measure

CPU = torch.device("cpu")


@pytest.fixture
def rates(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the next measurements will find, in order."""
    found = [5.0, 7.0, 6.0, 9.0]
    monkeypatch.setattr(measure, "_measure_matmul", lambda *_: found.pop(0))
    return found


def test_a_quiet_measurement_is_kept(rates: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "_quiet", lambda: True)
    assert [measure.matmul_rate(CPU, torch.float32) for _ in range(3)] == [5.0, 5.0, 5.0]
    assert measure.matmul_rate(CPU, torch.bfloat16) == 7.0


def test_a_busy_one_is_measured_again(rates: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "_quiet", lambda: False)
    assert [measure.matmul_rate(CPU, torch.float32) for _ in range(4)] == [5.0, 7.0, 7.0, 9.0]


def test_a_cache_file_of_another_kind_is_no_trouble(rates: list[float], isolated: Path) -> None:
    cache = Path(os.environ["LLM_LAB_CACHE"])
    cache.mkdir()
    (cache / "measured.json").write_text(json.dumps({"anything": 3}))
    assert measure.matmul_rate(CPU, torch.float32) == 5.0


def test_bfloat16_is_taken_where_it_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = {torch.float32: 100.0, torch.bfloat16: 400.0}
    monkeypatch.setattr(measure, "matmul_rate", lambda device, dtype: fast[dtype])
    assert measure.pick_dtype("auto", CPU) is torch.bfloat16
    fast[torch.bfloat16] = 120.0
    assert measure.pick_dtype("auto", CPU) is torch.float32
    assert measure.pick_dtype("bfloat16", CPU) is torch.bfloat16


def test_what_this_machine_lacks_is_refused() -> None:
    with pytest.raises(ConfigError, match="float16"):
        measure.pick_dtype("float16", CPU)
    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match="device cuda was asked for, this machine has cpu"):
            measure.pick_device("cuda")


def test_the_rate_is_real() -> None:
    assert 1e9 < measure._measure_matmul(CPU, torch.float32, 1) < 1e14
