"""What leaves a pass: tables that read back to the same numbers, pictures in text, figures for print."""

from __future__ import annotations

import csv
import math
import os
import threading
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_models import byte_ids, byte_level, letters

from core.errors import InputError, LabError, MissingExtraError
from core.model.ablation import sweep
from core.model.lens import LensRow, LensToken, lens
from core.model.pictures.blocks import ASCII_MARKS, MARKS, text_picture
from core.model.pictures.figures import (
    heads_figure,
    history_figure,
    lens_figure,
    map_figure,
    maps_figure,
    save_figure,
)
from core.model.pictures.labels import token_label, token_labels
from core.model.pictures.maps import HeadMap, combined_map, head_maps
from core.model.pictures.tables import csv_lines, lens_table, map_table, profile_table, save_csv, sweep_table
from core.model.profiles import MEASURES, head_profiles
from core.model.rollout import rollout
from core.model.trace import Trace, trace
from core.weights.checkpoint import LoadedModel

TEXT = "the cat, the hat"
ALL = [(layer, head) for layer in range(2) for head in range(4)]


@pytest.fixture
def model() -> LoadedModel:
    return letters(context=200)


@pytest.fixture
def run(model: LoadedModel) -> Trace:
    return trace(model.model, model.tokenizer.encode(TEXT))


def of(values: list[list[float]], what: str = "pattern") -> HeadMap:
    """A map of given numbers."""
    T = len(values)
    return HeadMap("m", what, 1, 2, "head", tuple(range(T)), tuple("abcdefghij"[:T]), torch.tensor(values))


def read(lines: Iterator[str]) -> tuple[list[str], list[list[str]]]:
    header, *rows = csv.reader(line for line in lines)
    return header, rows


# Maps and tables


def test_every_pattern_row_adds_up_and_the_upper_half_is_empty(model: LoadedModel, run: Trace) -> None:
    header, rows = read(csv_lines(map_table(head_maps(run, model.tokenizer, "tiny", ALL))))
    T = len(TEXT)
    assert header == ["layer", "head", "position", "token", *(f"{i} {c}" for i, c in enumerate(TEXT.replace(" ", "·")))]
    assert len(rows) == 8 * T
    for row in rows:
        layer, head, position = map(int, row[:3])
        seen, rest = row[4 : 5 + position], row[5 + position :]
        assert sum(map(float, seen)) == pytest.approx(1, abs=1e-6)
        assert rest == [""] * (T - 1 - position)
        exact = [np.float32(cell) for cell in seen]
        assert exact == run.pattern(layer, head)[position, : position + 1].tolist(), "full precision"
        assert row[3] == header[4 + position].split(" ", 1)[1]


def test_a_map_as_plain_values(model: LoadedModel, run: Trace) -> None:
    (one,) = head_maps(run, model.tokenizer, "tiny", [(1, 3)])
    found = one.to_dict()
    assert [len(row) for row in found["rows"]] == list(range(1, len(TEXT) + 1))
    assert found["rows"][4] == run.pattern(1, 3)[4, :5].tolist()
    assert (found["layer"], found["head"], found["model"], found["how"]) == (1, 3, "tiny", "head")
    (raw,) = head_maps(run, model.tokenizer, "tiny", [(1, 3)], "raw_scores")
    assert torch.equal(raw.values, run.raw_scores(1, 3))
    whole = combined_map(run, model.tokenizer, "tiny", 1, "rollout")
    assert torch.equal(whole.values, rollout(run, 1)) and whole.head is None
    with pytest.raises(InputError, match="expected one of pattern, scores, raw_scores, got 'score'"):
        head_maps(run, model.tokenizer, "tiny", ALL, "score")


def test_heads_are_computed_when_it_is_their_turn(
    model: LoadedModel, run: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []
    pattern = Trace.pattern
    monkeypatch.setattr(Trace, "pattern", lambda self, *where: asked.append(where) or pattern(self, *where))
    lines = csv_lines(map_table(head_maps(run, model.tokenizer, "tiny", ALL)))
    for _ in range(2 + len(TEXT)):
        next(lines)
    assert asked == ALL[:2]


def test_tables_of_profiles_lens_and_sweep(model: LoadedModel, run: Trace) -> None:
    profiles = head_profiles(model.model, run.ids)
    header, rows = read(csv_lines(profile_table(profiles)))
    assert header == ["layer", "head", *MEASURES] and len(rows) == 8
    assert np.float32(rows[5][header.index("entropy")]) == np.float32(profiles.entropy[1, 1])
    header, rows = read(csv_lines(lens_table(lens(run, k=2), model.tokenizer)))
    assert header[:5] == ["layer", "entropy_bits", "answer", "rank", "probability"] and len(header) == 9
    assert rows[-1][3] == "1" and rows[-1][2] == rows[-1][5]
    assert float(rows[-1][4]) == float(rows[-1][6]) == lens(run)[-1].probability
    effects = list(sweep(model.model, run.ids))
    header, rows = read(csv_lines(sweep_table(effects)))
    assert [float(row[2]) for row in rows] == [e.loss_change for e in effects]


def test_what_is_no_number_is_written_so() -> None:
    _, rows = read(csv_lines(map_table([of([[1.0, 0.0], [math.nan, math.nan]])])))
    assert rows[1][4:] == ["nan", "nan"] and rows[0][4:] == ["1.0", ""]


def test_a_table_is_whole_or_not_there(model: LoadedModel, run: Trace, tmp_path: Path) -> None:
    target = tmp_path / "map.csv"
    target.write_text("before")

    def breaking() -> Iterator[HeadMap]:
        yield from head_maps(run, model.tokenizer, "tiny", ALL[:1])
        raise InputError("no further", "")

    with pytest.raises(InputError, match="no further"):
        save_csv(map_table(breaking()), target)
    assert target.read_text() == "before" and list(tmp_path.iterdir()) == [target]
    save_csv(map_table(head_maps(run, model.tokenizer, "tiny", ALL)), target)
    assert target.read_text() == "".join(csv_lines(map_table(head_maps(run, model.tokenizer, "tiny", ALL))))
    with pytest.raises(LabError, match="cannot be written"):
        save_csv(map_table(head_maps(run, model.tokenizer, "tiny", ALL)), tmp_path / "nowhere" / "map.csv")


# Labels


def test_tokens_that_are_no_text_have_labels() -> None:
    loaded = byte_level()
    ids = byte_ids(loaded, "é\n x\t")
    assert token_labels(loaded.tokenizer, ids) == ("⟨C3⟩", "⟨A9⟩", "↵", "·", "x", "→")
    assert token_labels(loaded.tokenizer, [400]) == ("⟨400⟩",), "an id that a rounded vocabulary has too many"


@given(st.binary(max_size=12))
def test_a_label_is_one_line_that_can_be_printed(piece: bytes) -> None:
    label = token_label(piece)
    assert label and label.isprintable()


# Pictures in text


def test_a_picture_says_who_looks_at_whom() -> None:
    lines = text_picture(of([[1.0, 0.0, 0.0], [0.05, 0.95, 0.0], [0.2, 0.005, 0.7951]]), 60)
    assert lines == [
        "L1 H2 · attention",
        "    a b c",
        "0 a ██      a            1.00",
        "1 b ░░██    b            0.95",
        "2 c ▒▒··██  c            0.80",
        "row: who looks, column: at whom; · under 0.01, ░ from 0.01, ▒ from 0.1, ▓ from 0.3, █ from 0.6",
    ]


def test_without_unicode_and_with_what_is_no_number() -> None:
    lines = text_picture(of([[1.0, 0.0], [math.nan, math.nan]]), 60, ascii_only=True)
    assert "\n".join(lines).isascii()
    assert lines[2].startswith("0 a ##") and lines[3].startswith("1 b ????") and "not a number" in lines[3]
    assert lines[-1] == "? 2 places are not a number"


def test_scores_are_drawn_between_their_ends() -> None:
    low = -math.inf
    lines = text_picture(of([[-3.0, low, low], [1.0, 2.0, low], [7.0, 0.0, 1.0]], "scores"), 60)
    assert lines[2].split()[2] == "··" and lines[4].split()[2].startswith("██")
    assert "· under -1, ░ from -1, ▒ from 1, ▓ from 3, █ from 5" in lines[-1]
    alike = text_picture(of([[2.0, low], [2.0, 2.0]], "scores"), 60)
    assert "██" in alike[2]


@given(st.integers(1, 200), st.integers(20, 160), st.booleans())
def test_a_picture_keeps_its_width_and_loses_no_peak(tokens: int, width: int, ascii_only: bool) -> None:
    values = torch.zeros(tokens, tokens)
    row, column = tokens - 1, tokens // 3
    values[row, column] = 1.0
    one = HeadMap("m", "pattern", 0, 0, "head", tuple(range(tokens)), ("日本",) * tokens, values)
    lines = text_picture(one, width, ascii_only=ascii_only)
    marks = ASCII_MARKS if ascii_only else MARKS
    rows = [line for line in lines[2:] if not line.startswith(("row:", "each"))]
    assert sum(marks[-1] in line.split(" ", 2)[-1] for line in rows) == 1
    assert max(len(line) + sum(c in "日本" for c in line) for line in rows) <= width
    assert any(line.startswith("each mark is the largest of") for line in lines) == (len(rows) < tokens)


# Figures


def pixels(path: Path) -> np.ndarray:
    import matplotlib.image

    return np.asarray(matplotlib.image.imread(path))


def test_figures_are_written_in_the_format_of_their_name(model: LoadedModel, run: Trace, tmp_path: Path) -> None:
    (one,) = head_maps(run, model.tokenizer, "tiny", [(1, 3)])
    png, svg = (save_figure(map_figure(one), tmp_path / f"map.{kind}") for kind in ("png", "svg"))
    image = pixels(png)
    assert min(image.shape[:2]) > 300
    yellow = np.array([0.993248, 0.906157, 0.143936])  # the upper end of viridis: the first token sees itself alone
    assert (np.abs(image[..., :3] - yellow).max(-1) < 0.01).sum() > 100
    assert ElementTree.parse(svg).getroot().tag.endswith("svg")
    again = save_figure(map_figure(one), tmp_path / "again.png")
    assert again.read_bytes() == png.read_bytes()


def test_every_kind_of_figure_draws(model: LoadedModel, run: Trace, tmp_path: Path) -> None:
    long = trace(model.model, torch.arange(150) % 39)
    profiles = head_profiles(model.model, run.ids)  # one token has no scores: some measures are no numbers
    figures = {
        "long": map_figure(next(head_maps(long, model.tokenizer, "tiny", [(0, 0)])), "log"),
        "scores": map_figure(next(head_maps(run, model.tokenizer, "tiny", [(0, 0)], "scores"))),
        "many": maps_figure(head_maps(long, model.tokenizer, "tiny", ALL), 8, 4),
        "heads": heads_figure({name: profiles[name] for name in MEASURES}, "tiny", profiles.chance),
        "history": history_figure([0, 10], {"L0 H0": [0.5, math.nan]}, "induction", 0.1),
        "lens": lens_figure(lens(run), model.tokenizer),
    }
    for name, figure in figures.items():
        some = pixels(save_figure(figure, tmp_path / f"{name}.png"))[::4, ::4].reshape(-1, 4)
        assert len(np.unique(some, axis=0)) > 20, name


def test_text_that_the_font_has_not_and_mathematics_are_no_trouble(tmp_path: Path) -> None:
    one = HeadMap("$\\alpha$_日", "pattern", 0, 0, "head", (0, 1), ("$x^", "🙂日"), torch.eye(2))
    save_figure(map_figure(one), tmp_path / "odd.png")  # a warning would be an error


def test_what_is_no_number_is_left_out_and_said(tmp_path: Path) -> None:
    figure = map_figure(of([[1.0, 0.0], [math.nan, math.nan]]))
    assert "2 places are not a number" in figure.axes[0].get_title()
    save_figure(figure, tmp_path / "nan.png")
    nothing = torch.full((2, 2), math.nan)
    save_figure(heads_figure({"entropy": nothing}), tmp_path / "none.png")
    save_figure(maps_figure([of([[math.nan]]), of([[1.0]])], 2, 2), tmp_path / "some.png")


def test_two_threads_draw_at_once(tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.png" for i in range(4)]
    threads = [threading.Thread(target=lambda p=path: save_figure(map_figure(of([[1.0]])), p)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({path.read_bytes() for path in paths}) == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_what_nothing_can_replace_is_written_to(model: LoadedModel, run: Trace, tmp_path: Path) -> None:
    """A file put in place of a pipe would leave its reader waiting, in place of /dev/null break the machine."""
    rows, figure = lens_table(lens(run), model.tokenizer), map_figure(of([[1.0]]))
    writers: list[Callable[[Path], object]] = [
        lambda path: save_csv(rows, path),
        lambda path: save_figure(figure, path),
    ]
    for write, kind, start in zip(writers, ("csv", "png"), (b"layer,", b"\x89PNG"), strict=True):
        pipe = tmp_path / f"pipe.{kind}"
        os.mkfifo(pipe)
        read: list[bytes] = []
        reader = threading.Thread(target=lambda p=pipe, into=read: into.append(p.read_bytes()), daemon=True)
        reader.start()
        write(pipe)
        assert pipe.is_fifo()
        reader.join()
        assert read[0].startswith(start) and list(tmp_path.iterdir()) == [pipe]
        pipe.unlink()


def test_where_a_figure_cannot_go(tmp_path: Path) -> None:
    figure = map_figure(of([[1.0]]))
    many = tuple(LensToken(i, 0.01) for i in range(41))
    with pytest.raises(InputError, match="41 tokens a layer do not fit into one figure, 40 do"):
        lens_figure([LensRow(0, many, 1.0, None, None, math.nan)], letters().tokenizer)
    with pytest.raises(InputError, match=r"ends with \.png, \.svg or \.pdf"):
        save_figure(figure, tmp_path / "map.gif")
    with pytest.raises(InputError, match=r"the folder .* is not there"):
        save_figure(figure, tmp_path / "nowhere" / "map.png")
    (tmp_path / "taken.png").mkdir()
    with pytest.raises(LabError, match="cannot be written") as caught:
        save_figure(figure, tmp_path / "taken.png")
    assert not isinstance(caught.value, (InputError, MissingExtraError))
