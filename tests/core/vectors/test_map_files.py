"""Maps and tables of cosines as files: any word, any number of them, every digit."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.vectors.map_files import map_csv, map_figure, matrix_csv, write_map
from core.vectors.projection import Projection

ODD = ("$x_1$", "王", "new york", "a\\b", "_hidden", "<b>&", "e\u0301", "\U0001f600", "-", "“q”")


def a_map(words: tuple[str, ...], share: tuple[float, float] | None = (0.5, 0.25)) -> Projection:
    xy = np.random.default_rng(1).standard_normal((len(words), 2))
    return Projection(words, xy, share, "pca", ("component 1", "component 2"))


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_words_that_no_font_has_are_drawn_all_the_same(tmp_path: Path, kind: str) -> None:
    path = write_map(a_map(ODD), tmp_path / f"m.{kind}", title="$a$ 王", groups={"_hidden": "$g$", "-": "g"})
    assert path.stat().st_size > 2000 and [file.name for file in tmp_path.iterdir()] == [path.name]


def test_few_words_have_their_names_and_many_have_dots() -> None:
    few, many = map_figure(a_map(ODD)), map_figure(a_map(tuple(f"w{i}" for i in range(1000)), None))
    assert len(few.axes[0].texts) == len(ODD) and not many.axes[0].texts
    assert few.axes[0].get_xlabel() == "component 1 · keeps 50.0% of the spread"
    assert many.axes[0].get_xlabel() == "component 1"
    assert len(many.axes[0].collections[0].get_offsets()) == 1000  # type: ignore[arg-type]


def test_a_group_has_its_colour_and_its_name() -> None:
    figure = map_figure(a_map(("a", "b", "c")), groups={"a": "first", "b": "second"})
    legend = figure.axes[0].get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["first", "second", "others"]


@pytest.mark.parametrize("name", ["m", "m.gif", "m.csv.gz", "none/m.png"])
def test_a_file_that_cannot_be_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"expected a file that ends with|is not there"):
        write_map(a_map(("a", "b")), tmp_path / name)
    assert not list(tmp_path.iterdir())


WORDS = st.lists(st.text(st.characters(blacklist_categories=["Cs"]), max_size=8), min_size=1, max_size=5, unique=True)


@given(WORDS, st.floats(-1e30, 1e30), st.floats(-1, 1))
def test_every_digit_and_every_word_comes_back(words: list[str], x: float, cosine: float) -> None:
    xy = np.full((len(words), 2), x)
    rows = _read(map_csv(Projection(tuple(words), xy, None, "pca", ("x", "y"))))
    assert [row[0] for row in rows[1:]] == words
    assert np.array_equal(np.array([row[1:] for row in rows[1:]], dtype=float), xy)
    table = np.full((len(words), len(words)), cosine)
    rows = _read(matrix_csv(words, table))
    assert rows[0][1:] == words and np.array_equal(np.array([row[1:] for row in rows[1:]], dtype=float), table)


def _read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))
