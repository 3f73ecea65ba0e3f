"""Files of vectors that lie, end too soon, hold what is no number, or do not fit; and readers that are killed."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from vector_files import binary, names, numbers, text, write

from core.errors import DiskFullError, InputError, LabError, MemoryShortError
from core.folders import cache_dir
from core.lock import FileLock
from core.vectors import importing, mapped
from core.vectors.sources import load_steps, load_vectors
from core.weights.tensor_file import TensorFile


@pytest.fixture
def copies(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where copies lie; every file is a large one."""
    monkeypatch.setattr(importing, "LARGE", 1)
    return cache_dir() / "vectors" / "mapped"


def kept(copies: Path) -> list[str]:
    return sorted(path.name for path in copies.iterdir() if path.suffix != ".lock") if copies.exists() else []


def refused(path: str, kind: type[LabError], *said: str) -> LabError:
    with pytest.raises(kind) as caught:
        load_vectors(path)
    for words in said:
        assert words in caught.value.title, caught.value.title
    assert caught.value.hint
    return caught.value


# --- the first line lies


@pytest.mark.parametrize("make", [binary, text])
@pytest.mark.parametrize("gzipped", [False, True])
def test_a_first_line_that_lies_about_the_count(tmp_path: Path, copies: Path, make: object, gzipped: bool) -> None:
    content = make(names(30), numbers(30, 6))  # type: ignore[operator]
    rest = content.partition(b"\n")[2]
    for count, said in ((29, "29"), (31, "31"), (1, "1 words"), (10**12, "1,000,000,000,000")):
        lying = write(tmp_path / f"v{count}", f"{count} 6\n".encode() + rest, gzipped=gzipped)
        if count == 10**12 and gzipped:  # how much comes out is not known beforehand: there is no room for what it says
            refused(lying, MemoryShortError, "GiB")
        else:
            refused(lying, InputError, said)
    assert kept(copies) == []


@pytest.mark.parametrize("width", [1, 5, 7, 50, 99_999])
@pytest.mark.parametrize("make", [binary, text])
def test_a_first_line_that_lies_about_the_width(tmp_path: Path, copies: Path, make: object, width: int) -> None:
    content = make(names(30), numbers(30, 6))  # type: ignore[operator]
    lying = write(tmp_path / "v", f"30 {width}\n".encode() + content.partition(b"\n")[2])
    refused(lying, InputError, str(Path(lying)))
    assert kept(copies) == []


def test_a_huge_claim_is_held_against_what_is_free(
    tmp_path: Path, copies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "v", binary(names(3), numbers(3, 4), header="9000000 4"), gzipped=True)
    monkeypatch.setattr(importing, "free_memory", lambda: 1 << 30)
    refused(path, MemoryShortError, "needs 1.7 GiB of memory", "1.0 GiB are free")
    monkeypatch.setattr(importing, "free_memory", lambda: 1 << 40)
    monkeypatch.setattr(importing.shutil, "disk_usage", lambda folder: SimpleNamespace(free=100 << 20))
    refused(path, DiskFullError, "needs 0.4 GiB", "100.0 MiB are free")
    monkeypatch.setattr(importing, "LARGE", 1 << 40)  # into memory: the matrix too
    monkeypatch.setattr(importing, "free_memory", lambda: 1 << 30)
    refused(path, MemoryShortError, "needs 1.8 GiB of memory", "1.0 GiB are free")
    assert kept(copies) == []


def test_memory_that_ends_on_the_way_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(arrays: object) -> None:
        raise MemoryError

    path = write(tmp_path / "v", binary(names(3), numbers(3, 4)))
    monkeypatch.setattr(importing._Reader, "norms", lambda self: fails(self))
    refused(path, MemoryShortError, "does not fit into memory")


# --- cut off, damaged


def is_number(some: bytes) -> bool:
    try:
        float(some)
    except ValueError:
        return False
    return True


def test_a_file_cut_anywhere_is_refused(tmp_path: Path, copies: Path) -> None:
    for make in (binary, text):
        content = make(names(4), numbers(4, 3))
        for cut in range(1, len(content) - 1):
            if make is text and cut > content.rindex(b" ") + 1 and is_number(content[:cut].rpartition(b" ")[2]):
                continue  # within the very last number the rest is a number too
            path = write(tmp_path / "v", content[:cut])
            refused(path, InputError, path)
    assert kept(copies) == []


def test_a_packed_file_cut_or_damaged_is_refused(tmp_path: Path, copies: Path) -> None:
    import gzip

    packed = gzip.compress(binary(names(50), numbers(50, 20)))
    for cut in (2, 3, 10, 30, len(packed) // 2, len(packed) - 1):
        refused(write(tmp_path / "v", packed[:cut]), InputError, "damaged or cut off")
    for at in (15, len(packed) // 2, len(packed) - 6):
        broken = bytearray(packed)
        broken[at] ^= 0xFF
        refused(write(tmp_path / "v", bytes(broken)), InputError, "v")
    assert kept(copies) == []


def test_a_line_that_is_short_long_or_no_numbers(tmp_path: Path) -> None:
    good = text(names(9), numbers(9, 3), header=None)
    for line, said in (
        (b"odd 1 2", "line 10: a word and 3 numbers were expected, got 2 after 'odd'"),
        (b"odd 1 2 x", "line 10: 3 numbers were expected behind 'odd'"),
        (b"odd", "line 10: a word and 3 numbers were expected, got 0"),
        (b"1 2 3", "line 10"),
        (b"odd 0x10 2 3", "line 10"),
        (b"odd 1_0 2 3", "line 10"),
    ):
        refused(write(tmp_path / "v", good + line + b"\n" + good), InputError, said)


# --- what is no number


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
def test_what_is_not_finite_is_refused_with_its_word_and_place(tmp_path: Path, copies: Path, value: float) -> None:
    matrix = numbers(50, 4)
    matrix[41, 2] = value
    what = "its length is above 1e+18" if value == 3e38 else f"its number 3 is {value}"
    refused(write(tmp_path / "b", binary(names(50), matrix)), InputError, "row 42", "'w41'", what)
    refused(write(tmp_path / "t", text(names(50), matrix)), InputError, "line 43", "'w41'", what)
    refused(write(tmp_path / "g", text(names(50), matrix, header=None)), InputError, "line 42", "'w41'", what)
    assert kept(copies) == []


def test_a_diverged_model_is_refused_with_its_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.weights.locate import Weights

    word, whole = load_vectors("demo:wte").words[300], Weights.array

    def diverged(self: Weights, name: str) -> np.ndarray:
        values = np.array(whole(self, name))
        values[300] = np.nan
        return values

    monkeypatch.setattr(Weights, "array", diverged)
    with pytest.raises(LabError, match="not finite") as caught:
        load_vectors("demo:wte")
    assert repr(word) in caught.value.title and "diverged" in caught.value.hint


# --- folders, permissions, disks


def test_a_folder_and_a_file_without_permission(tmp_path: Path) -> None:
    refused(str(tmp_path), InputError, "is a folder")
    if os.name != "nt" and os.geteuid():
        path = tmp_path / "v"
        path.write_bytes(b"x")
        path.chmod(0)
        refused(str(path), InputError, "cannot be read")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names")
def test_a_pipe_and_a_device_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    refused(str(tmp_path / "pipe"), InputError, "a device or a pipe")
    refused("/dev/zero", InputError, "a device or a pipe")


def test_a_cache_that_cannot_be_written_costs_the_copy_alone(tmp_path: Path, copies: Path) -> None:
    cache_dir().mkdir(parents=True, exist_ok=True)
    (cache_dir() / "vectors").write_text("a file where a folder should be")
    found = load_vectors(write(tmp_path / "v", binary(names(5), numbers(5, 3))))
    assert len(found) == 5 and "no copy could be kept" in found.notes[0]


def test_a_disk_that_fills_up_is_said_and_leaves_nothing(
    tmp_path: Path, copies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: mapped.CopyWriter, rows: np.ndarray) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = write(tmp_path / "v", binary(names(5), numbers(5, 3)))
    with monkeypatch.context() as patch:
        patch.setattr(mapped.CopyWriter, "rows", full)
        refused(path, DiskFullError, "no space left")
    assert kept(copies) == []
    assert len(load_vectors(path)) == 5


def test_a_file_that_changes_while_it_is_read_leaves_no_copy(tmp_path: Path, copies: Path) -> None:
    path = write(tmp_path / "v", binary(names(50), numbers(50, 5)))
    steps = load_steps(path)
    next(steps)
    os.utime(path, ns=(1, 1))
    with pytest.raises(LabError, match="changed while it was read"):
        list(steps)
    assert kept(copies) == []
    assert len(load_vectors(path)) == 50


# --- copies that are not whole


def test_a_copy_cut_or_overwritten_is_made_again(tmp_path: Path, copies: Path) -> None:
    matrix = numbers(40, 5)
    path = write(tmp_path / "v", binary(names(40), matrix))
    load_vectors(path)
    copy = copies / kept(copies)[0]
    whole = copy.read_bytes()
    for content in (
        b"",
        whole[:3],
        whole[:4096],
        whole[:-1],
        b"\0" * len(whole),
        whole + b"\0",
        whole.replace(b'"norms"', b'"nroms"'),
    ):
        copy.write_bytes(content)
        found = load_vectors(path)
        assert np.array_equal(found.matrix_all, matrix) and found.words[:] == [f"w{n}" for n in range(40)]
        assert copy.read_bytes() == whole
    TensorFile(copy)  # any reader of safetensors opens it


CHILD = """
import sys
from core.vectors import importing, reading
from core.vectors.sources import load_steps
importing.LARGE = 1
reading._PIECE = 4000
for step in load_steps(sys.argv[1]):
    print(step.phase, flush=True)
    if len(sys.argv) > 2 and step.words:
        sys.stdin.readline()
print(step.vectors.neighbours("w7", 1)[0].word, flush=True)
"""


def child(path: str, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, path, *more], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_several_processes_at_once_read_it_once(tmp_path: Path, copies: Path) -> None:
    path = write(tmp_path / "v", binary(names(2000), numbers(2000, 40)))
    found = load_vectors(write(tmp_path / "same", binary(names(2000), numbers(2000, 40)))).neighbours("w7", 1)[0].word
    processes = [child(path) for _ in range(3)]
    said = [process.communicate(timeout=120)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert [lines[-1] for lines in said] == [found] * 3
    assert sum("writing" in lines for lines in said) == 1
    assert len([name for name in kept(copies) if name.endswith(".safetensors")]) == 2
    assert not [name for name in kept(copies) if name.endswith(".tmp")]


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
def test_a_reader_that_is_killed_leaves_no_copy_and_no_lock(tmp_path: Path, copies: Path) -> None:
    path = write(tmp_path / "v", binary(names(2000), numbers(2000, 40)))
    reader = child(path, "wait")
    assert reader.stdout is not None and reader.stdin is not None
    assert [reader.stdout.readline().strip() for _ in range(2)] == ["reading", "reading"]
    waiting = load_steps(path)
    assert next(waiting).phase == "waiting"
    reader.send_signal(signal.SIGKILL)
    reader.wait(60)
    reader.stdin.close()
    reader.stdout.close()
    until = time.monotonic() + 60
    last = next(step for step in waiting if step.phase == "done" or time.monotonic() > until)
    assert last.vectors is not None and len(last.vectors) == 2000
    assert kept(copies) == [mapped.copy_path(Path(path)).name]  # what the killed one had written is gone


def test_a_copy_that_another_holds_is_waited_for_until_given_up(tmp_path: Path, copies: Path) -> None:
    import threading

    path = write(tmp_path / "v", binary(names(5), numbers(5, 3)))
    copies.mkdir(parents=True)
    lock = FileLock(mapped.lock_path(mapped.copy_path(Path(path))))
    assert lock.acquire()
    cancel = threading.Event()
    steps = load_steps(path, cancel)
    assert next(steps).phase == "waiting"
    cancel.set()
    with pytest.raises(LabError, match="given up"):
        next(steps)
    lock.release()
