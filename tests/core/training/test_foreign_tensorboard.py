"""Event files as runs: parity with TensorBoard's own reader, growth, restarts, parts, damage, hostile names."""

from __future__ import annotations

import math
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.training.foreign.recognise import open_foreign
from core.training.foreign.summaries import (
    Decoder,
    decode,
    encode_scalars,
    encode_start,
    encode_version,
    fields,
    tensor_number,
)
from core.training.foreign.tfrecord import frame

sys.path.insert(0, str(Path(__file__).parent))  # tests/ has no packages
from tensorboard_writers import accumulated, column, writer

NAME = "events.out.tfevents.1700000000.host.1.0"


def put(folder: Path, *records: bytes, name: str = NAME) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("ab") as file:
        file.writelines(map(frame, records))
    return folder


def numbers(steps, tag="loss", wall=1000.0) -> list[bytes]:
    return [encode_scalars(wall + step, step, {tag: 1.0 + step}) for step in steps]


def steps_of(history) -> list[int]:
    return [int(s) for s in history.steps]


def test_what_pytorch_writes_is_read_as_tensorboard_reads_it(tmp_path):
    out = writer(tmp_path)
    for step in range(0, 900, 3):
        out.add_scalar("Loss/train", 4 * math.exp(-step / 300), step)
        out.add_scalar("lr", 1e-3 * (1 - step / 900), step)
        out.add_scalar("grad_norm", 1 + step % 7, step)
        if step % 90 == 0:
            out.add_scalar("Loss/val", 4 * math.exp(-step / 300) + 0.1, step)
            out.add_histogram("weights", np.arange(10.0), step)
            out.add_text("note", "said", step)
    out.close()
    run, theirs = open_foreign(tmp_path), accumulated(tmp_path)
    assert column(run, "step", "loss") == theirs["Loss/train"]
    assert column(run, "step", "lr") == theirs["lr"]
    assert column(run, "step", "grad_norm") == theirs["grad_norm"]
    assert column(run, "eval", "val_loss") == theirs["Loss/val"]
    assert run.facts.others == {"weights", "note/text_summary"}
    history = run.history()
    history.update()
    assert history.best == theirs["Loss/val"][-1]
    assert (history.unreadable, history.last_step) == (0, 897)


_TENSORFLOW = """
import sys
import tensorflow as tf
root = sys.argv[1]
with tf.summary.create_file_writer(root + "/plain").as_default():
    for step in range(40):
        tf.summary.scalar("loss", 3.0 - step * 0.01, step=step)
        tf.summary.scalar("grad_norm", tf.constant(step, tf.int32), step=step)
        tf.summary.scalar("lr", tf.constant(0.1 / (step + 1), tf.float64), step=step)
        tf.summary.scalar("perplexity", tf.constant(2.5, tf.bfloat16), step=step)
        tf.summary.histogram("weights", [1.0, 2.0], step=step)
        tf.summary.text("note", "said", step=step)
with tf.compat.v1.Graph().as_default():
    old = tf.compat.v1.summary.FileWriter(root + "/one")
    for step in range(5):
        value = tf.compat.v1.Summary.Value(tag="loss", simple_value=0.5 * step)
        old.add_summary(tf.compat.v1.Summary(value=[value]), step)
    old.close()
import keras
model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
x, y = tf.ones((8, 2)), tf.ones((8, 1))
board = keras.callbacks.TensorBoard(root + "/keras", write_graph=True)
kept = model.fit(x, y, validation_data=(x, y), epochs=6, batch_size=4, verbose=0, callbacks=[board])
print("losses", *kept.history["loss"], *kept.history["val_loss"])
"""


@pytest.mark.slow
def test_what_tensorflow_and_keras_write_is_read_as_tensorboard_reads_it(tmp_path):
    said = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _TENSORFLOW, str(tmp_path)], capture_output=True, text=True, check=True
    )
    run, theirs = open_foreign(tmp_path / "plain"), accumulated(tmp_path / "plain")
    assert len(theirs["loss"]) == 40
    assert column(run, "step", "loss") == theirs["loss"]
    assert column(run, "step", "lr") == theirs["lr"]
    assert column(run, "step", "grad_norm") == theirs["grad_norm"]
    assert column(run, "eval", "perplexity") == theirs["perplexity"]
    assert column(open_foreign(tmp_path / "one"), "step", "loss") == accumulated(tmp_path / "one")["loss"]
    losses = [
        float(word) for line in said.stdout.splitlines() if line.startswith("losses") for word in line.split()[1:]
    ]
    keras = open_foreign(tmp_path / "keras")
    assert column(keras, "step", "loss") == [(n, pytest.approx(v, rel=1e-6)) for n, v in enumerate(losses[:6])]
    assert column(keras, "eval", "val_loss")[:6] == [(n, pytest.approx(v, rel=1e-6)) for n, v in enumerate(losses[6:])]


def test_a_growing_file_is_followed_and_each_number_comes_once(tmp_path):
    out = writer(tmp_path)
    run = None
    for part in range(4):
        for step in range(part * 50, part * 50 + 50):
            out.add_scalar("train/loss", step / 7, step)
        out.flush()
        if run is None:
            run = open_foreign(tmp_path)
            history = run.history()
        history.update()
        assert steps_of(history) == list(range(part * 50 + 50))
    out.close()
    assert column(run, "step", "loss") == accumulated(tmp_path)["train/loss"]


def test_a_number_that_comes_late_joins_its_step(tmp_path):
    put(tmp_path, *numbers(range(5)))
    run = open_foreign(tmp_path)
    history = run.history()
    history.update()
    put(tmp_path, encode_scalars(1009.0, 4, {"lr": 0.5}), *numbers([5]))
    history.update()
    assert steps_of(history) == [0, 1, 2, 3, 4, 5]
    assert history.loss.tolist() == [1, 2, 3, 4, 5, 6]
    assert history.lr.tolist()[4:] == [0.5, 0.5]


def test_parts_in_folders_of_their_own_are_one_run(tmp_path):
    put(tmp_path / "train", *numbers(range(3000), "epoch_loss"))
    put(tmp_path / "validation", *numbers(range(0, 3000, 10), "epoch_loss"))
    put(tmp_path / "elsewhere", *numbers(range(5), "epoch_loss"))
    run = open_foreign(tmp_path)
    assert len(column(run, "step", "loss")) == 3000
    assert len(column(run, "eval", "val_loss")) == 300
    assert run.facts.shown == {"loss": "train/epoch_loss", "val_loss": "validation/epoch_loss"}


def test_scalars_that_pytorch_splits_over_folders_are_one_run(tmp_path):
    out = writer(tmp_path)
    for step in range(0, 50, 10):
        out.add_scalars("loss", {"train": 1.0 + step, "val": 2.0 + step}, step)
        out.add_scalar("lr", 0.5, step)
    out.close()
    run = open_foreign(tmp_path)
    assert column(run, "step", "loss") == [(s, 1.0 + s) for s in range(0, 50, 10)]
    assert column(run, "eval", "val_loss") == [(s, 2.0 + s) for s in range(0, 50, 10)]
    assert column(run, "step", "lr") == [(s, 0.5) for s in range(0, 50, 10)]


def test_a_run_that_went_on_from_an_earlier_step_has_no_step_twice(tmp_path):
    first = writer(tmp_path)
    for step in range(100):
        first.add_scalar("loss", 1.0, step)
        first.add_scalar("val_loss", 3.0, step)
    first.close()
    again = writer(tmp_path, purge_step=60)
    for step in range(60, 80):
        again.add_scalar("loss", 2.0, step)
    again.close()
    run, theirs = open_foreign(tmp_path), accumulated(tmp_path)
    history = run.history()
    history.update()
    assert list(zip(steps_of(history), history.loss.tolist(), strict=True)) == theirs["loss"]
    assert [int(s) for s in history.evals.step] == [s for s, _ in theirs["val_loss"]] == list(range(60))
    assert [e.from_step for e in history.resumes] == [59]


def test_a_program_that_began_again_without_saying_so_counts_as_the_newer(tmp_path):
    put(tmp_path, encode_version(1000.0), *numbers(range(50)))
    put(tmp_path, *numbers(range(20, 30), wall=5000.0), name="events.out.tfevents.1700009999.host.1.0")
    history = open_foreign(tmp_path).history()
    history.update()
    assert steps_of(history) == list(range(30))
    assert [e.from_step for e in history.resumes] == [19]


def test_an_evaluation_said_again_before_its_step_outlives_the_going_back(tmp_path):
    put(tmp_path, *numbers(range(50)), encode_scalars(2000.0, 40, {"val_loss": 1.0}))
    put(tmp_path, encode_scalars(3000.0, 40, {"val_loss": 2.0}), *numbers(range(40, 45), wall=3000.0))
    history = open_foreign(tmp_path).history()
    history.update()
    assert steps_of(history) == list(range(45))
    assert history.columns("eval.step", "eval.val_loss")[1].tolist() == [2.0]


def test_a_folder_with_the_name_of_an_event_file_is_passed_over(tmp_path):
    put(tmp_path, *numbers(range(3)))
    (tmp_path / "events.out.tfevents.1800000000.host.1.0").mkdir()
    history = open_foreign(tmp_path).history()
    history.update()
    assert steps_of(history) == [0, 1, 2]


def test_a_file_that_was_replaced_is_read_from_its_start(tmp_path):
    put(tmp_path, *numbers(range(50)))
    history = open_foreign(tmp_path).history()
    history.update()
    (tmp_path / NAME).unlink()
    put(tmp_path, *numbers(range(3)))
    history.update()
    assert steps_of(history) == [0, 1, 2]


def test_a_damaged_record_is_counted_and_the_others_stay(tmp_path):
    put(tmp_path, *numbers(range(30)))
    path = tmp_path / NAME
    data = bytearray(path.read_bytes())
    data[len(frame(numbers([0])[0])) + 20] ^= 0xFF
    path.write_bytes(data)
    run = open_foreign(tmp_path)
    history = run.history()
    history.update()
    assert steps_of(history) == [0, *range(2, 30)]
    assert history.unreadable == 1
    assert len(list(run.events())) == 29
    assert run.unreadable == 1


def test_records_that_are_no_events_are_counted(tmp_path):
    put(tmp_path, *numbers([1]), b"\x2a\xff", b"\x0b" * 30, *numbers([2]))
    history = open_foreign(tmp_path).history()
    history.update()
    assert steps_of(history) == [1, 2]
    assert history.unreadable == 2


def test_numbers_that_are_not_finite_are_gaps(tmp_path):
    values = [math.nan, math.inf, -math.inf, 2.0]
    put(tmp_path, *(encode_scalars(1.0, n, {"loss": v}) for n, v in enumerate(values)))
    run = open_foreign(tmp_path)
    history = run.history()
    history.update()
    assert np.isnan(history.loss[:3]).all()
    assert history.last("loss") == 2.0
    assert [e.to_dict()["loss"] for e in run.events("step")] == [None, None, None, 2.0]


def test_hostile_names_never_reach_a_terminal(tmp_path):
    evil = "\x1b]0;gone\x07\x1b[2J\u202e"
    put(tmp_path, encode_scalars(1.0, 1, {"loss": 1.0, evil: 2.0, "x" * 5000: 3.0}))
    run = open_foreign(tmp_path)
    list(run.events())
    assert all(name.isprintable() and len(name) < 700 for name in run.facts.others)
    assert run.log()[0].isprintable()
    assert run.facts.others == {"⟨1B⟩]0;gone⟨07⟩⟨1B⟩[2J⟨202E⟩", "x" * 120 + "…"}


def test_a_hundred_thousand_tags_are_not_all_remembered(tmp_path):
    put(tmp_path, *(encode_scalars(1.0, 1, {f"tag{n}-{k}": 1.0 for k in range(200)}) for n in range(500)))
    run = open_foreign(tmp_path)
    list(run.events())
    assert len(run.facts.others) == 500
    assert run.facts.more_others
    assert run.facts.sentence().endswith("and 494+ more")


def test_of_two_names_for_one_number_one_is_shown(tmp_path):
    put(tmp_path, encode_scalars(1.0, 1, {"loss": 1.0, "train/loss": 2.0}), encode_scalars(2.0, 2, {"loss": 3.0}))
    run = open_foreign(tmp_path)
    assert column(run, "step", "loss") == [(1, 2.0)]
    assert run.facts.others == {"loss"}


def test_percentages_become_shares(tmp_path):
    put(tmp_path, encode_scalars(1.0, 1, {"loss": 1.0, "mfu_pct": 50.0}))
    assert [e.mfu for e in open_foreign(tmp_path).events("step")] == [0.5]


def test_time_counts_from_the_first_record(tmp_path):
    put(
        tmp_path,
        encode_version(100.0),
        encode_scalars(100.0, 1, {"loss": 1.0}),
        encode_scalars(107.5, 2, {"loss": 1.0}),
    )
    assert [e.time for e in open_foreign(tmp_path).events("step")] == [0.0, 7.5]


def test_a_start_at_a_step_that_was_never_reached_drops_nothing(tmp_path):
    put(tmp_path, *numbers(range(5)), encode_start(2000.0, 9), *numbers([9], wall=3000.0))
    history = open_foreign(tmp_path).history()
    history.update()
    assert steps_of(history) == [0, 1, 2, 3, 4, 9]
    assert not history.resumes


@given(st.lists(st.binary(max_size=60), max_size=12))
def test_records_of_any_bytes_never_raise_but_as_told(records):
    read = Decoder()
    for data in records:
        try:
            record = read(data)
        except ValueError:
            continue
        assert isinstance(record.step, int)


finite = st.floats(width=32, allow_nan=False, allow_infinity=False)
tags = st.text(st.characters(codec="utf-8"), max_size=20)


@given(st.floats(0, 2e9), st.integers(0, 2**63 - 1), st.dictionaries(tags, finite, max_size=5))
def test_what_we_write_is_what_tensorboard_and_we_read(wall, step, values):
    from tensorboard.compat.proto.event_pb2 import Event

    data = encode_scalars(wall, step, values)
    theirs, ours, quick = Event.FromString(data), decode(data), Decoder()
    assert {v.tag: v.simple_value for v in theirs.summary.value} == values
    assert (theirs.wall_time, theirs.step) == (ours.wall_time, ours.step) == (wall, step)
    assert {s.tag: s.value for s in ours.scalars} == values
    assert quick(data) == quick(data) == ours  # the second time by the remembered layout


@given(st.data())
def test_tensors_of_one_number_are_read_whatever_their_type(data):
    from tensorboard.compat.proto import tensor_pb2, types_pb2
    from tensorboard.util.tensor_util import make_ndarray, make_tensor_proto

    kind = data.draw(st.sampled_from(["f4", "f8", "f2", "i4", "i8", "u1", "i2", "i1", "u2"]))
    value = data.draw(st.integers(0, 100))
    proto = make_tensor_proto(np.array(value, dtype=kind))
    assert tensor_number(proto.SerializeToString()) == float(make_ndarray(proto)) == value
    half = tensor_pb2.TensorProto(dtype=types_pb2.DT_BFLOAT16, half_val=[struct.unpack("<H", b"\x20\x40")[0]])
    assert tensor_number(half.SerializeToString()) == 2.5
    several = make_tensor_proto(np.zeros(3, dtype=kind))
    assert tensor_number(several.SerializeToString()) is None
    assert tensor_number(make_tensor_proto("words").SerializeToString()) is None


@given(st.binary(max_size=80))
def test_fields_of_any_bytes_end(data):
    try:
        assert len(list(fields(data))) <= len(data)
    except ValueError:
        return
