"""Figures as files: the same bytes each time and in any thread, any text, and names that no picture can have."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.errors import InputError
from core.pictures import PICTURES, check_path, drawable, new_figure, save_figure


def drawn(folder: Path, kind: str, n: int) -> bytes:
    figure = new_figure(3, 2)
    axes = figure.add_subplot()
    axes.scatter(range(9), [(7 * n) % 5 for n in range(9)], label="dots")
    axes.legend()
    axes.set_title(drawable("王 $x$"), parse_math=False)
    return save_figure(figure, folder / f"{n}.{kind}").read_bytes()


@pytest.mark.parametrize("kind", PICTURES)
def test_the_same_figure_is_the_same_file_in_any_thread(tmp_path: Path, kind: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        files = list(pool.map(lambda n: drawn(tmp_path, kind, n), range(8)))
    assert set(files) == {drawn(tmp_path, kind, 9)}


def test_what_the_font_has_not_is_a_box() -> None:
    assert drawable("añ王\U00012000·") == "añ□□·"


@pytest.mark.parametrize(
    ("name", "formats", "said", "hint"),
    [
        ("x.gif", PICTURES, "ends with .png, .svg or .pdf, got", "name it x.png"),
        ("x", ("csv",), "ends with .csv, got", "name it x.csv"),
        ("none/x.png", PICTURES, "is not there", "make it first"),
    ],
)
def test_a_name_that_no_picture_can_have(
    tmp_path: Path, name: str, formats: tuple[str, ...], said: str, hint: str
) -> None:
    with pytest.raises(InputError) as caught:
        check_path(tmp_path / name, formats)
    assert said in caught.value.title and hint in caught.value.hint
    check_path(tmp_path / "X.PNG")
