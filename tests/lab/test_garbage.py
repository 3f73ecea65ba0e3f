"""Garbage is looked for among what came after the start, and not among what was imported later either."""

from __future__ import annotations

import gc
import sys
import time
import types
import weakref
from collections.abc import Iterator

import pytest

from lab import garbage


@pytest.fixture
def started() -> Iterator[None]:
    """As the command starts the lab; afterwards as it was."""
    callbacks, threshold = list(gc.callbacks), gc.get_threshold()
    gc.callbacks[:] = []
    garbage.put_off()
    assert not gc.isenabled()
    garbage.settle()
    yield
    gc.unfreeze()
    gc.enable()
    gc.set_threshold(*threshold)
    gc.callbacks[:] = callbacks


@pytest.mark.usefixtures("started")
def test_a_large_import_is_taken_out_of_what_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    assert gc.isenabled()
    kept = [[i] for i in range(50)]
    assert _looked_at(kept)
    gc.collect()
    assert _looked_at(kept), "nothing was imported since"
    for i in range(garbage.MANY):
        monkeypatch.setitem(sys.modules, f"a_large_library.{i}", types.ModuleType("part"))
    gc.collect(1)
    assert _looked_at(kept), "a small look costs nothing"
    gc.collect()
    assert not _looked_at(kept)
    later = [[i] for i in range(50)]
    gc.collect()
    assert _looked_at(later), "once for an import"


@pytest.mark.usefixtures("started")
def test_garbage_of_later_is_found() -> None:
    ring: list[object] = []
    ring.append(ring)
    del ring
    assert gc.collect() >= 1


@pytest.mark.usefixtures("started")
def test_garbage_waits_for_a_moment_without_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: clock)
    garbage.touched()
    old = _ring()
    gc.collect()  # what survives this is old
    seen = weakref.ref(old)
    del old
    for _ in range(garbage.LOOKS):
        gc.collect(1)
    garbage.rest()
    assert seen() is not None, "the key's picture comes first"
    clock += garbage.REST
    garbage.rest()
    assert seen() is None


class _Ring:
    """Something that only the collector can free."""

    me: _Ring


def _ring() -> _Ring:
    ring = _Ring()
    ring.me = ring
    return ring


def _looked_at(kept: list[list[int]]) -> bool:
    return any(each is kept[0] for each in gc.get_objects())
