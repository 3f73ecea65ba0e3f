import json
import math
import shlex
import shutil
from dataclasses import replace

import pytest
from recorded import CONFIG, events, loss_at, meta, write
from run_writing import writing

from core.config import TrainConfig
from core.data.windows import check_length
from core.errors import CorpusError
from core.presets import TRAIN_PRESETS
from core.training.ahead import ReadAhead
from core.training.rundir import RunWriter
from core.training.runs import open_run
from core.training.stored import find_checkpoint
from screens.training.control import Requests, why_not
from screens.training.dialogs import exactly, folder_or_run, more_than
from screens.training.doors import alert_for
from screens.training.fields import as_command, as_python, check, form_fields, text_of, texts_of
from screens.training.plots import Axes, axis_end, bits_per_byte
from screens.training.reader import DashboardReader, Wanted
from screens.training.takeaway import as_python as watch_python
from screens.training.takeaway import lesson_values
from screens.training.view import number_rows, state_sentence, verdict
from screens.widgets.take_away import export_path


def look(folder, shown=None, overlays=(), **axes):
    reader = DashboardReader()
    wanted = Wanted(folder, (), shown, overlays, Axes(**axes), 60)
    reading = reader.look(wanted)
    while reading.more:
        reading = reader.look(wanted)
    return reading


def test_a_long_file_is_read_by_another_process_and_shown_the_same(tmp_path, monkeypatch):
    run = write(tmp_path / "a")
    here = look(tmp_path, run)
    waits, wait = [], ReadAhead.wait

    def not_yet(ahead, seconds):  # however fast the other process is
        waits.append(seconds)
        return len(waits) > 1 and wait(ahead, seconds)

    monkeypatch.setattr(ReadAhead, "wait", not_yet)
    monkeypatch.setattr("core.training.ahead.LONG", 1)
    reader, wanted = DashboardReader(), Wanted(tmp_path, (), run, (), Axes(), 60)
    there = reader.look(wanted)
    assert there.more and there.plot.legend[0].text == "─ reading"
    assert (there.detail.view.step, there.detail.view.loss) == (2000, None)  # the trainer's last word stands at once
    while there.more:
        there = reader.look(wanted)
    assert there.detail.view == here.detail.view
    assert there.plot == here.plot
    assert there.detail.samples == here.detail.samples
    assert waits[0] == 0


def test_a_run_that_is_deleted_is_read_ahead_no_longer(tmp_path, monkeypatch):
    run, other = write(tmp_path / "a"), write(tmp_path / "b")
    ended = []
    monkeypatch.setattr(ReadAhead, "__init__", lambda ahead, metrics: setattr(ahead, "path", metrics))
    monkeypatch.setattr(ReadAhead, "wait", lambda ahead, seconds: False)
    monkeypatch.setattr(ReadAhead, "cancel", lambda ahead: ended.append(ahead.path.parent))
    monkeypatch.setattr("core.training.ahead.LONG", 1)
    reader, wanted = DashboardReader(), Wanted(tmp_path, (), run, (), Axes(), 60)
    assert reader.look(wanted).more and not ended
    shutil.rmtree(run)
    assert reader.look(wanted).detail.view.path == str(other)
    assert ended == [run]


def test_the_numbers_are_those_of_the_run(tmp_path):
    run = write(tmp_path / "a")
    view = look(tmp_path, run).detail.view
    assert (view.step, view.max_steps, view.state) == (2000, 2000, "finished")
    assert view.loss == pytest.approx(loss_at(2000))
    assert view.val_loss == pytest.approx(loss_at(2000) + 0.1)
    assert view.best_loss == pytest.approx(min(loss_at(s) + 0.1 for s in range(250, 2001, 250)))
    assert view.perplexity == pytest.approx(math.exp(view.val_loss))
    assert view.uniform_loss == pytest.approx(math.log(65))
    assert view.bits_per_byte == pytest.approx(view.val_loss / math.log(2))
    assert view.tokens == 2000 * 768
    assert view.batch_tokens == 12 * 64
    assert view.epoch == pytest.approx(2000 / 1307)
    assert view.tokens_per_second == pytest.approx(76_000)
    assert view.seconds_left is None
    rows = dict(number_rows(view))
    assert rows["step"] == "2,000 / 2,000"
    assert rows["MFU"] == "41 %"
    json.dumps(view.to_dict(), allow_nan=False)


def test_the_numbers_of_an_earlier_step_are_those_it_had_then(tmp_path):
    detail = look(tmp_path, write(tmp_path / "a", 1100)).detail
    then, short = detail.at(800), look(tmp_path, write(tmp_path / "b", 800)).detail.view
    of_the_run = {"name", "path", "heartbeat", "pid", "host", "state", "max_steps", "message", "phase"}
    assert {k: v for k, v in then.to_dict().items() if k not in of_the_run} == pytest.approx(
        {k: v for k, v in short.to_dict().items() if k not in of_the_run}
    )
    assert dict(number_rows(then, past=True))["validation"].endswith(" at 750")
    assert "left" not in dict(number_rows(then, past=True))
    first = detail.at(0)
    assert (first.step, first.loss, first.val_loss, first.eval_step) == (0, None, None, None)
    assert dict(number_rows(first, past=True))["best"] == "–"
    assert detail.at(None) is detail.view


def test_a_running_run_says_what_is_left_and_where_it_is(tmp_path):
    with writing(RunWriter.create(tmp_path / "live", meta())) as writer:
        writer.set_status(state="running", step=1000, max_steps=2000)
        for event in events(0, 1000):
            writer.emit(event)
        view = look(tmp_path, tmp_path / "live").detail.view
        assert view.state == "running"
        assert view.seconds_left == pytest.approx(10.0, rel=0.01)
        assert f"pid {view.pid}" in state_sentence(view)
        assert view.read_only is False
        assert why_not(view, "pause") is None


def test_what_the_lesson_says_is_what_the_panes_say(tmp_path):
    detail = look(tmp_path, write(tmp_path / "a")).detail
    values = lesson_values(detail)
    assert values["uniform_loss"] == "4.174"
    assert values["vocab_size"] == "65"
    assert values["val_loss"] == dict(number_rows(detail.view))["validation"]
    assert values["perplexity"] == dict(number_rows(detail.view))["perplexity"]
    assert values["when"] == "Now" and values["loss"] == dict(number_rows(detail.view))["loss"].split()[0]
    then, rows = lesson_values(detail, 100), dict(number_rows(detail.at(100), past=True))
    assert then["when"] == "At step 100" and then["step"] == "100"
    assert then["loss"] == rows["loss"].split()[0] != values["loss"] and then["tokens"] != values["tokens"]
    assert lesson_values(None) == {"when": "Now"}


def test_over_fitting_is_called_by_its_name(tmp_path):
    view = look(tmp_path, write(tmp_path / "a")).detail.view
    assert "over-fits" in verdict(replace(view, val_loss=2.0, train_eval_loss=1.0, best_loss=1.8))
    assert "close" in verdict(replace(view, val_loss=2.0, train_eval_loss=1.95, best_loss=2.0))
    assert "by heart" in verdict(replace(view, val_loss=2.0, train_eval_loss=1.5, best_loss=2.0))
    assert "no evaluation" in verdict(replace(view, val_loss=None))


def test_samples_and_log_are_newest_first(tmp_path):
    detail = look(tmp_path, write(tmp_path / "a", 1000)).detail
    assert [s.step for s in detail.samples] == [1000, 750, 500, 250]
    assert detail.log[0].text.startswith("stopped")
    assert "started" in detail.log[-1].text
    assert any("validation loss" in line.text and "best" in line.text for line in detail.log)


def test_a_diverged_run_offers_its_last_checkpoint_and_a_lower_rate(tmp_path):
    reading = look(tmp_path, write(tmp_path / "big-lr", 700, end="diverged"))
    alert = alert_for(reading, Requests())
    assert "not a number at step 701" in alert.title
    assert alert.hint == "lower the rate"
    assert [door[0] for door in alert.doors] == ["d", "u", "v"]
    assert "500" in alert.doors[1][1]
    assert any(line.level == "error" for line in reading.detail.log)
    assert dict(number_rows(reading.detail.view))["loss"] == "NaN"


def test_a_dead_run_says_what_is_kept(tmp_path):
    run = tmp_path / "dead"
    writer = RunWriter.create(run, meta())
    writer.set_status(state="running", step=10, max_steps=2000)
    for event in events(0, 300):
        writer.emit(event)
    writer._let_go()  # the process is gone: nobody has said how it ended
    reading = look(tmp_path, run)
    assert reading.detail.view.state == "dead"
    alert = alert_for(reading, Requests())
    assert "dead" in alert.title
    assert "no checkpoint" in alert.hint
    assert [key for key, _, _ in alert.doors] == ["v"]
    assert why_not(reading.detail.view, "stop") is not None


def test_a_dead_run_promises_the_step_that_it_resumes_from(tmp_path):
    run = write(tmp_path / "dead", 1000)
    (run / "snapshots" / "step-001071.safetensors").write_bytes(b"not looked into")
    reading = look(tmp_path, run)
    assert reading.detail.saved[-1].step == 1071
    dead = replace(reading, detail=replace(reading.detail, view=replace(reading.detail.view, state="dead")))
    alert = alert_for(dead, Requests())
    assert find_checkpoint(run, "latest").name == "step-001000"
    assert alert.doors[0] == ("u", "resume from step 1000", "resume_dead")
    assert "1000" in alert.hint and "1071" not in alert.hint


def test_a_folder_that_is_no_run_is_a_card_not_an_exception(tmp_path):
    write(tmp_path / "a", 10)
    (tmp_path / "nothing").mkdir()
    reading = look(tmp_path, tmp_path / "nothing")
    assert reading.problem is not None
    assert alert_for(reading, Requests()).title == reading.problem.title
    assert [r.name for r in reading.runs if not r.bundled] == ["a"]


# --- plots


def test_a_spike_of_one_step_is_in_the_plot(tmp_path):
    run = tmp_path / "spiky"
    with writing(RunWriter.create(run, meta())) as writer:
        for event in events(0, 1999):
            writer.emit(replace(event, loss=40.0) if event.kind == "step" and event.step == 1234 else event)
    figure = look(tmp_path, run).plot.figure
    raw = next(line for line in figure.lines if line.kind == "raw")
    assert 40.0 in raw.y
    assert raw.x[raw.y.index(40.0)] == 1234


def test_x_counts_steps_tokens_or_time(tmp_path):
    run = write(tmp_path / "a", 1000)
    ends = [look(tmp_path, run, unit=u).plot.figure.lines[0].x[-1] for u in ("step", "tokens", "time")]
    assert ends == pytest.approx([1000, 768_000, 10.0], rel=0.01)  # within the last column of the plot
    assert look(tmp_path, run, whole=True).plot.figure.x_range == (0.0, 2000.0)
    assert look(tmp_path, run).plot.figure.x_range == (0.0, 1000.0)


def test_runs_that_cut_text_differently_are_compared_in_bits_per_byte(tmp_path):
    by_char = write(tmp_path / "char", 500)
    config = replace(CONFIG, tokenizer="gpt2")
    by_gpt2 = write(tmp_path / "gpt2", 500, config, corpus={**meta(config)["corpus"], "bytes_per_token": 3.3})
    plot = look(tmp_path, by_char, (by_gpt2,)).plot
    assert "bits per byte" in plot.title
    assert [e.text[:2] for e in plot.legend] == ["─A", "•A", "─B", "•B"]
    dots = [line for line in plot.figure.lines if line.kind == "dots"]
    assert dots[0].y[-1] == pytest.approx(bits_per_byte(loss_at(500) + 0.1, 1.0))
    assert dots[1].y[-1] == pytest.approx(bits_per_byte(loss_at(500) + 0.1, 3.3))
    alike = look(tmp_path, by_char, (write(tmp_path / "other", 500),)).plot
    assert alike.title == "loss"


def test_published_losses_are_shown_only_beside_what_they_can_be_compared_with(tmp_path):
    from core.training.references import REFERENCES

    shakespeare = look(tmp_path, write(tmp_path / "a", 500), references=True).plot.figure
    assert [level.y for level in shakespeare.levels] == [
        r.loss for r in REFERENCES if (r.corpus, r.tokenizer) == ("tiny-shakespeare", "char")
    ]
    assert 1.4697 in [level.y for level in shakespeare.levels]
    other = replace(CONFIG, corpus="python-docs")
    assert look(tmp_path, write(tmp_path / "b", 500, other), references=True).plot.figure.levels == ()


def test_an_axis_that_grows_moves_seldom(tmp_path):
    from screens.training.reader import _source, _Watched

    run = open_run(write(tmp_path / "a", 30))
    history = run.history()
    history.update()
    assert axis_end(_source(_Watched(run, history)), "step", False) == 30


# --- requests


def test_a_request_is_asked_and_answered(tmp_path):
    run = tmp_path / "live"
    with writing(RunWriter.create(run, meta())) as writer:
        writer.set_status(state="running", step=5, max_steps=100)
        requests = Requests()
        pending = requests.sent(open_run(run).send("pause"), run)
        assert pending.asked.startswith("pause asked ")
        assert requests.take(run, look(tmp_path, run).detail.answers) == []
        for request in writer.requests():
            writer.answered(request, 7)
        (said,) = requests.take(run, look(tmp_path, run).detail.answers)
        assert said == f"{pending.asked}, done at step 7"
        assert requests.waiting(run) is None


def test_a_request_that_nobody_answers_becomes_a_card(tmp_path):
    run = tmp_path / "live"
    with writing(RunWriter.create(run, meta())) as writer:
        writer.set_status(state="running", step=5, max_steps=100)
        requests = Requests()
        pending = requests.sent(open_run(run).send("stop"), run)
        reading = look(tmp_path, run)
        assert alert_for(reading, requests) is None
        requests._pending[pending.request.id] = replace(pending, since=pending.since - 11)
        alert = alert_for(reading, requests)
        assert "no answer within 10 s" in alert.title
        requests.forget(run)
        assert alert_for(reading, requests) is None


# --- the form


def test_every_field_has_a_meaning_and_comes_back_as_it_was():
    fields = form_fields()
    assert len({f.name for f in fields}) == len(fields)
    assert all(f.meaning.endswith(".") for f in fields)
    for preset in TRAIN_PRESETS.values():
        checked = check({**texts_of(preset.config), "corpus": "python-docs"}, TrainConfig())
        assert checked.reasons == {}
        assert checked.config == replace(preset.config, corpus="python-docs")


def test_all_wrong_fields_get_their_reason_at_once():
    wrong = {
        "n_heads": "3",
        "batch_size": "many",
        "learning_rate": "-1",
        "optimizer": "adam",
        "corpus": "tiny-shakspere",
    }
    checked = check({**texts_of(TrainConfig()), **wrong}, TrainConfig())
    assert checked.config is None
    assert set(checked.reasons) >= {"batch_size", "learning_rate", "optimizer", "corpus"}
    assert "a whole number" in checked.reasons["batch_size"]
    assert "adamw" in checked.reasons["optimizer"]
    assert "tiny-shakespeare" in checked.reasons["corpus"]
    assert any("n_heads" in reason for reason in checked.reasons.values())


def test_texts():
    assert text_of("\n") == "\\n"
    prompt = {**texts_of(TrainConfig()), "sample_prompt": "ROMEO:\\n", "corpus": "python-docs"}
    assert check(prompt, TrainConfig()).config.sample_prompt == "ROMEO:\n"
    emptied = check({**texts_of(TrainConfig()), "max_steps": "", "stride": ""}, TrainConfig())
    assert set(emptied.reasons) == {"max_steps"}


def test_python_and_command_give_the_same_configuration():
    from lab.cli.train_flags import asked_config

    name = next(iter(TRAIN_PRESETS))
    config = TrainConfig.preset(name).override(n_layers=2, qkv_bias=False, stride=7, corpus="python-docs")
    words = shlex.split(as_command(config, name, "mine"))
    assert words[:6] == ["llm-lab", "train", "--preset", name, "--name", "mine"]
    rest, fields = words[6:], {}
    while rest:
        flag = rest.pop(0)
        if flag.startswith("--no-"):
            fields[flag[5:].replace("-", "_")] = False
        else:
            fields[flag[2:].replace("-", "_")] = rest.pop(0)
    assert asked_config(None, name, None, None, fields) == config
    scope = {}
    exec(as_python(config, name).split("for event")[0], scope)
    assert scope["config"] == config


def test_the_snippet_of_a_run_prints_its_numbers(tmp_path, capsys):
    run = write(tmp_path / "a", 500)
    exec(watch_python(str(run)), {})
    out = capsys.readouterr().out
    assert out.startswith("stopped 500")
    assert f"500 {loss_at(500) + 0.1}" in out


def test_answers_that_dialogs_take(tmp_path):
    assert exactly("a-run")("a-run ") is None
    assert exactly("a-run")("a-ru") is not None
    assert more_than(2000)("4_000") is None
    assert more_than(2000)("2000") is not None
    assert "whole number" in more_than(2000)("many")
    assert folder_or_run(str(tmp_path)) is None
    assert "not a directory" in folder_or_run(str(tmp_path / "no"))


def test_the_loss_says_that_it_is_smoothed_and_the_take_away_has_both(tmp_path):
    run = write(tmp_path / "a", 700)
    detail = look(tmp_path, run).detail
    rows = dict(number_rows(detail.view))
    assert rows["loss"].endswith(" smoothed")
    assert (rows["text"], rows["tokenizer"]) == ("tiny-shakespeare", "char")
    assert {"loss", "smooth_loss"} <= detail.view.to_dict().keys()
    assert detail.view.to_dict()["loss"] != detail.view.to_dict()["smooth_loss"]


def test_exported_files_name_the_screen_once(tmp_path):
    path = export_path("training", "training-shakes", "csv", tmp_path, now=0)
    assert path.name.startswith("training-shakes-19")


def test_the_hint_for_a_text_that_holds_no_window_asks_for_no_window_of_one():
    with pytest.raises(CorpusError) as caught:
        check_length(2, 64, "training")
    assert "context-length" not in caught.value.hint
