"""A real file system of two megabytes fills up under everything that writes: two lines, and nothing by halves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from small_disks import fill, mounted

from core.config import TrainConfig
from core.errors import DiskFullError, LabError
from core.training import tensorboard_out
from core.training.events import EndEvent, StepEvent, WarningEvent
from core.training.runs import open_run
from core.training.stored import find_checkpoint
from core.training.trainer import Trainer


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB."""
    with mounted(tmp_path / "disk") as place:
        yield place


def small(folder: Path, run_dir: Path, **changes: object) -> TrainConfig:
    """A run of quick steps."""
    text = folder / "text.txt"
    text.write_text("The quick brown fox jumps over the lazy dog.\n" * 200)
    return TrainConfig().override(
        corpus=str(text), tokenizer="char", n_layers=1, n_heads=1, emb_dim=8, context_length=8, batch_size=2,
        eval_interval=0, sample_interval=0, checkpoint_interval=0, snapshot_count=0,
        device="cpu", dtype="float32", threads=1, run_dir=str(run_dir),
    ).override(**changes)  # fmt: skip


def names(disk: Path) -> set[str]:
    return {str(p.relative_to(disk)) for p in disk.rglob("*") if p.is_file()}


def convert(disk: Path) -> None:
    from core.weights.convert import convert as steps

    for _ in steps("demo", disk / "made", to="huggingface"):
        pass


def picture(disk: Path) -> None:
    from core.pictures import new_figure, save_figure

    figure = new_figure(8, 8)
    axes = figure.add_subplot()
    axes.imshow(torch.rand(300, 300, generator=torch.Generator().manual_seed(0)).numpy())
    save_figure(figure, disk / "heads.png")


def taken_away(disk: Path) -> None:
    from screens.widgets.take_away import TakeAwayRequest, draw_figure

    def draw(path: Path) -> None:
        with path.open("wb") as file:  # matplotlib writes so, piece by piece
            for _ in range(100):
                file.write(b"x" * 4096)

    draw_figure(TakeAwayRequest(what="plot", figure=draw), disk / "plot.png")


def tokenizer(disk: Path) -> None:
    from core.tokenizers.bpe import BPETokenizer

    BPETokenizer.train("the cat, the dog and the end. " * 50, 400).save(disk)


def settings(disk: Path) -> None:
    from lab.settings import Settings, save_settings

    try:
        save_settings(Settings(views={"x": "y" * 9000}), disk / "settings.json")
    except OSError as error:
        raise DiskFullError(str(error)) from error  # the app logs it and goes on


@pytest.mark.parametrize("write", [convert, picture, taken_away, tokenizer, settings])
@pytest.mark.parametrize("leave", [0, 24_576])
def test_what_has_no_room_is_refused_and_leaves_nothing(disk: Path, write: Callable[[Path], None], leave: int) -> None:
    (disk / "settings.json").write_text('{"screen": "weights"}')
    fill(disk, leave)
    before = names(disk)
    if leave and write in (tokenizer, settings):
        write(disk)  # it has room
        return
    with pytest.raises(LabError) as caught:
        write(disk)
    assert isinstance(caught.value, DiskFullError), caught.value
    assert "no space left" in caught.value.title or "No space" in caught.value.title
    assert names(disk) == before
    assert (disk / "settings.json").read_text() == '{"screen": "weights"}'


def test_tensorboard_events_that_have_no_room_end_and_the_run_goes_on(
    disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event files lie on the full disk, the rest of the run does not."""
    monkeypatch.setattr(tensorboard_out, "FOLDER", str(disk / "events"))
    fill(disk)
    trainer = Trainer(small(tmp_path, tmp_path / "run", max_steps=300, tensorboard=True))
    events = list(trainer.run())
    (warning,) = [e for e in events if isinstance(e, WarningEvent)]
    assert "no more TensorBoard events are written" in warning.title
    assert [e.step for e in open_run(tmp_path / "run").events("step")] == list(range(1, 301))
    assert isinstance(events[-1], EndEvent) and events[-1].reason == "finished"


def test_a_run_on_a_disk_that_fills_up_can_be_read_stopped_and_gone_on_with(disk: Path, tmp_path: Path) -> None:
    """In this process: it waits for space, is asked to stop, ends; with space it goes on from what was kept."""
    trainer = Trainer(small(tmp_path, disk / "run", max_steps=40, emb_dim=16, checkpoint_interval=5))
    warned = kept = 0
    ballast = disk / "ballast"
    with pytest.raises(DiskFullError, match="no space left"):
        for event in trainer.run():
            if event.kind == "checkpoint" and not ballast.exists():
                kept = event.step
                fill(disk)
            elif isinstance(event, WarningEvent):
                warned = event.step
                assert "no space left" in event.title
                trainer.request_stop()
    run = open_run(disk / "run")
    assert warned > 0 and kept == 5
    assert run.state == "stopped" and "no space left" in run.status().message
    assert run.unreadable == 0
    assert [e.step for e in run.events("step")] == list(range(1, max(e.step for e in run.events("step")) + 1))
    assert [c.step for c in run.checkpoints] == [kept]
    assert not list((disk / "run").rglob(".*"))
    ballast.unlink()
    again = list(Trainer.resumed(disk / "run", max_steps=12).run())
    assert [e.step for e in again if isinstance(e, StepEvent)] == list(range(kept + 1, 13))
    assert isinstance(again[-1], EndEvent) and again[-1].reason == "finished"
    assert find_checkpoint(disk / "run").name == "step-000012"
