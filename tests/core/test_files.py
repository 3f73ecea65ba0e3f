"""What is written beside its name and put in its place: whole or not at all, by several at once too."""

import threading

import pytest

from core.files import Beside, write_bytes_atomic


@pytest.mark.parametrize("folder", [False, True])
def test_without_put_nothing_stays_and_what_was_there_does(tmp_path, folder):
    path = tmp_path / "it"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), Beside(path) as new:
        (new.path.mkdir() or new.path / "file" if folder else new.path).write_bytes(b"half")
        raise ZeroDivisionError
    assert [p.name for p in tmp_path.iterdir()] == ["it"] and path.read_bytes() == b"old"


def test_a_folder_comes_whole(tmp_path):
    with Beside(tmp_path / "it") as new:
        new.path.mkdir()
        (new.path / "file").write_bytes(b"whole")
        new.put()
    assert [p.relative_to(tmp_path).as_posix() for p in sorted(tmp_path.rglob("*"))] == ["it", "it/file"]


def test_two_threads_that_write_one_file_leave_what_one_of_them_wrote(tmp_path):
    path, texts = tmp_path / "it", [bytes([65 + i]) * 200_000 for i in range(4)]
    threads = [threading.Thread(target=write_bytes_atomic, args=(path, text)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() in texts and [p.name for p in tmp_path.iterdir()] == ["it"]
