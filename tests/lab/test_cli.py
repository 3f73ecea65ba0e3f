"""The command line as such: help, versions, and everything that can be typed wrongly."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

import core
from core.config import GPTConfig, TrainConfig
from core.fields import config_fields
from lab.cli import report
from lab.cli.commands import COMMANDS
from lab.cli.flags import flag
from lab.cli.train_flags import asked_config

STREAM = {
    *("ablate", "attention", "convert", "generate", "heads", "pull", "score"),
    *("train", "train-tokenizer", "vectors", "watch"),
}
"""The commands of which ``--json`` prints an object a line."""


def test_help_names_every_command(llm_lab):
    said = llm_lab("--help")
    assert said.code == 0
    assert said.err == ""
    for name, command in COMMANDS.items():
        assert any(line.strip().startswith(name) and command.help in line for line in said.out.splitlines())


@pytest.mark.parametrize("words", [("-h",), ("help",)])
def test_other_ways_to_ask_for_help(llm_lab, words):
    assert llm_lab(*words).out == llm_lab("--help").out


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help_that_fits_the_terminal(llm_lab, name, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    said = llm_lab(name, "--help")
    assert said.code == 0
    assert said.out.startswith(f"Usage: llm-lab {name}")
    assert max(len(line) for line in said.out.splitlines()) <= 80
    assert llm_lab("help", name).out == said.out
    assert ("a line for" in " ".join(said.out.partition("--json")[2].split()[:30])) is (name in STREAM)


def test_version(llm_lab):
    assert llm_lab("--version").out == f"llm-lab {core.__version__}\n"
    assert json.loads(llm_lab("--version", "--json").out) == {"version": core.__version__}


def test_every_field_of_a_configuration_is_a_flag(llm_lab):
    said = llm_lab("train", "--help").out
    for name in {**config_fields(GPTConfig), **config_fields(TrainConfig)}:
        assert f"{flag(name)}" in said


def test_unknown_command_offers_the_nearest(llm_lab):
    said = llm_lab("trian")
    assert said.code == 2
    assert said.error["title"] == "llm-lab has no command 'trian' (did you mean train?)"
    assert "--help" in said.error["hint"]


def test_unknown_options_are_all_named_with_the_nearest(llm_lab):
    said = llm_lab("train", "--n-layer", "3", "--lerning-rate=2")
    assert said.code == 2
    assert said.error["title"] == (
        "llm-lab train has no option --n-layer (did you mean --n-layers?), "
        "--lerning-rate (did you mean --learning-rate?)"
    )


@pytest.mark.parametrize(
    "words",
    [
        ("weights", "demo@99999"),
        ("lens", "demo@99999", "x"),
        ("generate", "demo@best@7", "-p", "x"),
        ("vectors", "demo@99999:wte", "neighbours", "a"),
        ("vectors", "demo@99999", "neighbours", "a"),
        ("watch", "demo@99999"),
        ("train", "--resume", "demo", "--checkpoint", "99999"),
        ("train", "--init-from", "demo@99999"),
    ],
)
def test_a_step_that_is_not_there_is_bad_input_to_every_command(llm_lab, words):
    said = llm_lab(*words)
    assert said.code == 2
    assert "demo" in said.error["title"]
    assert said.error["hint"]


def test_an_error_with_json_is_one_object_on_stdout(llm_lab):
    said = llm_lab("trian", "--json")
    assert (said.code, said.err) == (2, "")
    assert set(json.loads(said.out)["error"]) == {"title", "hint"}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("train", "--learning-rate"), "--learning-rate needs a value"),
        (("train", "surplus"), "surplus"),
        (("train", "--seed", "1", "--seed", "2"), "--seed was given more than once"),
        (("watch",), "needs RUN"),
        (("open", "nowhere"), "no screen 'nowhere'"),
        (("train", "--preset", "shakespeare-1mn"), "did you mean shakespeare-1min?"),
        (("train", "--preset", "shakespare"), "did you mean shakespeare-1min?"),
        (("train", "--model", "gpt-2"), "did you mean gpt2?"),
        (("train", "--config", "missing.json"), "no file missing.json"),
        (("train", "--checkpoint", "best"), "--checkpoint belongs to --resume"),
        (("train", "--resume", "x", "--name", "y"), "--name"),
        (("--modle", "demo"), "did you mean --model?"),
    ],
)
def test_bad_words_give_two_lines(llm_lab, words, complaint):
    said = llm_lab(*words)
    assert said.code == 2
    assert complaint in said.error["title"]
    assert said.error["hint"]


def test_all_wrong_values_are_named_at_once(llm_lab):
    said = llm_lab("train", "--emb-dim", "30", "--batch-size", "0", "--n-layers", "many", "--schedule", "cosin")
    assert said.code == 2
    for part in ("--n-layers must be a whole number", "emb_dim must be divisible", "batch_size must be at least 1"):
        assert part in said.error["title"]
    assert "did you mean cosine?" in said.error["title"]


def test_nothing_is_written_when_the_words_are_wrong(llm_lab):
    llm_lab("train", "--emb-dim", "30")
    assert not llm_lab.runs.exists()


class TestConfiguration:
    def test_flags_stand_above_file_above_preset(self, tmp_path):
        file = tmp_path / "mine.json"
        file.write_text(json.dumps({"batch_size": 5, "seed": 7, "model": {"n_layers": 2}}))
        config = asked_config(None, "shakespeare-1min", str(file), None, {"seed": "9", "n_heads": "2"})
        preset = TrainConfig.preset("shakespeare-1min")
        assert config == preset.override(batch_size=5, seed=9, n_layers=2, n_heads=2)

    def test_a_shape_by_name_leaves_the_vocabulary_to_the_tokenizer(self):
        config = asked_config(None, None, None, "gpt2", {"n_layers": "2"})
        assert (config.model.emb_dim, config.model.n_layers, config.model.vocab_size) == (768, 2, None)

    def test_a_run_json_is_a_configuration_file(self, tmp_path):
        wanted = TrainConfig().override(n_layers=1, batch_size=3)
        file = tmp_path / "run.json"
        file.write_text(json.dumps({"format": 1, "name": "x", "config": wanted.to_dict()}))
        assert asked_config(None, None, str(file), None, {}) == wanted

    def test_a_file_with_a_byte_order_mark(self, tmp_path):
        file = tmp_path / "mark.json"
        file.write_bytes(b'\xef\xbb\xbf{"seed": 3}')
        assert asked_config(None, None, str(file), None, {}).seed == 3

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            (b'{"batch_siz": 3, "n_layer": 2}', "did you mean batch_size?"),
            (b'{"seed": ', "line 1"),
            (b"[1, 2]", "expected an object"),
            (b"\xff\xfe\x00", "cannot be read"),
            (b'{"model": 3}', "model must be"),
        ],
    )
    def test_files_that_are_none(self, llm_lab, tmp_path, text, complaint):
        file = tmp_path / "wrong.json"
        file.write_bytes(text)
        said = llm_lab("train", "--config", file)
        assert said.code == 2
        assert complaint in said.error["title"]

    def test_line_breaks_can_be_typed_in_a_prompt(self):
        assert asked_config(None, None, None, None, {"sample_prompt": r"\nROMEO:\n"}).sample_prompt == "\nROMEO:\n"

    def test_switches(self):
        config = asked_config(None, None, None, None, {"tie_weights": False, "stride": "none"})
        assert (config.model.tie_weights, config.stride) == (False, None)


class TestTerminal:
    def test_a_dumb_terminal_gets_help_and_the_reason(self, llm_lab, monkeypatch):
        monkeypatch.setenv("TERM", "dumb")
        said = llm_lab()
        assert said.code == 2
        assert said.out == llm_lab("--help").out
        assert "TERM is dumb" in said.err
        assert len(said.err.splitlines()) == 2

    def test_no_terminal(self, llm_lab, monkeypatch):
        monkeypatch.setenv("TERM", "xterm-256color")
        done = llm_lab.start("open", "training")
        out, err = done.communicate(timeout=60)
        assert done.returncode == 2
        assert out == "", "what was asked for is known"
        assert "is not a terminal" in err


class TestUnexpected:
    @pytest.fixture
    def broken(self, monkeypatch):
        def fail(*_: object) -> int:
            raise ZeroDivisionError("nobody\nexpected this")

        monkeypatch.setattr("lab.cli.entry._dispatch", fail)

    def test_a_bug_gives_two_lines_and_a_log(self, llm_lab, broken):
        said = llm_lab("runs")
        assert said.code == 1
        assert said.error["title"] == "a bug in llm-lab: ZeroDivisionError: nobody expected this"
        (log,) = llm_lab.state.glob("*.log")
        assert str(log) in said.error["hint"]
        assert "Traceback" in log.read_text()

    def test_a_bug_with_json(self, llm_lab, broken):
        said = llm_lab("runs", "--json")
        assert (said.code, said.err) == (1, "")
        assert "ZeroDivisionError" in said.json["error"]["title"]

    def test_debug_shows_the_traceback(self, llm_lab, broken, monkeypatch):
        monkeypatch.setenv("LLM_LAB_DEBUG", "1")
        said = llm_lab("runs")
        assert said.code == 1
        assert "Traceback" in said.err

    def test_a_state_folder_that_cannot_be_written(self, llm_lab, broken):
        llm_lab.state.write_text("a file where a folder should be")
        said = llm_lab("runs")
        assert said.code == 1
        assert "the whole story is in" in said.error["hint"]


def test_a_closed_pipe_is_quiet(llm_lab):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "lab", "--help"], stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60
        )
    finally:
        os.close(writer)
    assert done.stderr == ""
    assert done.returncode != 0


def test_an_old_code_page_does_not_matter(llm_lab):
    done = llm_lab.start("runs", env={"PYTHONIOENCODING": "ascii"})
    out, err = done.communicate(timeout=60)
    assert done.returncode == 0, err
    assert "no runs in" in out


def test_json_has_no_nan(capsys):
    report.print_json({"loss": float("nan"), "all": [float("inf"), 1.5], "path": os.curdir})
    assert json.loads(capsys.readouterr().out) == {"loss": None, "all": [None, 1.5], "path": "."}
