"""The framing of event files: the checksum, torn and damaged files, and a length that means harm."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.training.foreign.tfrecord import (
    LONGEST,
    RecordTail,
    crc32c,
    crc32c_of_rows,
    frame,
    length_crc,
    masked,
    next_header,
)

RECORDS = [bytes([n]) * (n % 7 + 1) for n in range(40)] + [b"x" * 3000]


def all_of(path: Path, at_once: int = 1 << 18) -> tuple[list[bytes], RecordTail]:
    tail = RecordTail(path)
    found = tail.read(at_once)
    while tail.more:
        found += tail.read(at_once)
    return found, tail


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(b"".join(map(frame, RECORDS)))
    return path


# RFC 3720, B.4
@pytest.mark.parametrize(
    ("data", "crc"),
    [
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(reversed(range(32))), 0x113FDB5C),
        (b"", 0),
    ],
)
def test_the_checksum_is_that_of_the_standard(data, crc):
    assert crc32c(data) == crc


@given(st.lists(st.binary(min_size=9, max_size=9), min_size=1, max_size=30))
def test_many_checksums_at_once_are_those_of_each(rows):
    together = crc32c_of_rows(np.array([list(r) for r in rows], dtype=np.uint8))
    assert together.tolist() == [masked(crc32c(r)) for r in rows]


def test_records_come_back_however_little_is_read_at_once(file):
    for at_once in (1, 13, 100, 4096, 1 << 18):
        found, tail = all_of(file, at_once)
        assert found == RECORDS
        assert (tail.junk, tail.offset) == (0, file.stat().st_size)


@given(cut=st.integers(0, sum(len(frame(r)) for r in RECORDS)))
def test_a_torn_record_waits_for_its_rest(cut, tmp_path_factory):
    data = b"".join(map(frame, RECORDS))
    path = tmp_path_factory.mktemp("torn") / "events"
    path.write_bytes(data[:cut])
    tail = RecordTail(path)
    first = tail.read()
    assert (first, tail.junk) == (RECORDS[: len(first)], 0)
    assert tail.read() == []
    with path.open("ab") as file:
        file.write(data[cut:])
    assert first + tail.read() == RECORDS
    assert tail.junk == 0


@given(data=st.data())
def test_a_changed_byte_costs_one_record_and_is_counted(data, tmp_path_factory):
    whole = bytearray(b"".join(map(frame, RECORDS)))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.mktemp("damaged") / "events"
    path.write_bytes(whole)
    found, tail = all_of(path)
    hit = next(n for n in range(len(RECORDS)) if at < sum(len(frame(r)) for r in RECORDS[: n + 1]))
    assert found == RECORDS[:hit] + RECORDS[hit + 1 :]
    assert tail.junk == 1


def test_what_is_no_record_is_passed_over_and_counted_once(tmp_path):
    path = tmp_path / "events"
    path.write_bytes(frame(b"one") + bytes(5000) + frame(b"two") + b"\x1b[2J" * 99)
    found, tail = all_of(path, 64)
    assert (found, tail.junk) == ([b"one", b"two"], 2)
    with path.open("ab") as file:
        file.write(frame(b"three"))
    assert tail.read() == [b"three"]


def test_a_giant_length_takes_no_memory_and_waits(tmp_path):
    length = struct.pack("<Q", 1 << 62)
    path = tmp_path / "events"
    path.write_bytes(frame(b"one") + length + struct.pack("<I", length_crc(length)) + b"y" * 100)
    found, tail = all_of(path)
    assert (found, tail.junk, tail.more) == ([b"one"], 0, False)
    assert tail.offset == len(frame(b"one"))


def test_records_longer_than_any_scalar_are_passed_over_unread(tmp_path):
    path = tmp_path / "events"
    path.write_bytes(frame(b"one") + frame(bytes(LONGEST + 1)) + frame(bytes(LONGEST)) + frame(b"two"))
    found, tail = all_of(path, 4096)
    assert [len(r) for r in found] == [3, LONGEST, 3]
    assert tail.junk == 0


def test_a_file_that_was_replaced_or_cut_is_read_anew(file):
    _, tail = all_of(file)
    file.write_bytes(frame(b"new"))
    assert (tail.read(), tail.restarted) == ([b"new"], True)
    assert (tail.read(), tail.restarted) == ([], False)


def test_a_missing_file_is_empty_until_it_is_there(tmp_path):
    tail = RecordTail(tmp_path / "events")
    assert tail.read() == []
    tail.path.write_bytes(frame(b"one"))
    assert tail.read() == [b"one"]


@given(st.binary(max_size=400), st.integers(0, 40))
def test_no_header_is_found_where_none_is(data, start):
    found = next_header(data, start)
    assert found is None or length_crc(data[found : found + 8]) == int.from_bytes(
        data[found + 8 : found + 12], "little"
    )
