"""``llm-lab generate`` and ``llm-lab score`` with the demo model: text, JSON, pipes, signals, wrong words."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from terminals import open_terminal, started

import core
from core.generation.transcript import open_transcript

needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and terminals")
SHORT = ("generate", "demo", "-p", "The list ", "--max-new-tokens", "12")
ENDLESS = ("generate", "demo", "-p", "The list ", "--max-new-tokens", "100000000")


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def typed(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))


def lines(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_it_is_what_core_generates(llm_lab):
    said = llm_lab(*SHORT, "--seed", "7", "--top-k", "20", "--json")
    config = core.SamplingConfig(max_new_tokens=12, seed=7, top_k=20)
    expected = list(core.generate(core.load_model("demo"), "The list ", config))
    assert said.code == 0 and said.err == ""
    assert [step["token_id"] for step in lines(said.out)] == [step.token_id for step in expected]
    assert lines(said.out)[-1]["end"] == "length"
    text = llm_lab(*SHORT, "--seed", "7", "--top-k", "20")
    assert text.out == "".join(step.text for step in expected) + "\n" and text.err == ""
    assert llm_lab(*SHORT, "--seed", "7", "--top-k", "20").out == text.out


def test_the_prompt_from_a_file_and_from_standard_input(llm_lab, tmp_path, monkeypatch):
    expected = llm_lab(*SHORT).out
    prompt = tmp_path / "prompt.txt"
    prompt.write_bytes(b"The list \r\n")
    assert llm_lab("generate", "demo", "-f", prompt, "--max-new-tokens", "12").out == expected
    typed(monkeypatch, b"The list \n")
    assert llm_lab("generate", "demo", "-", "--max-new-tokens", "12").out == expected
    typed(monkeypatch, b"The list ")
    assert llm_lab("generate", "demo", "--max-new-tokens", "12", "-", "--echo").out == "The list " + expected


def test_several_continuations_one_below_the_other(llm_lab):
    said = llm_lab(*SHORT, "-n", "3")
    alone = [llm_lab(*SHORT, "--seed", str(42 + i)).out for i in range(3)]
    parts = said.out.split("--- ")[1:]
    assert [part.splitlines()[0] for part in parts] == [f"{i + 1} of 3, seed {42 + i}" for i in range(3)]
    assert [part.split("\n", 1)[1].rstrip("\n") for part in parts] == [text.rstrip("\n") for text in alone]


def test_a_line_for_each_token_with_what_it_stood_among(llm_lab):
    said = llm_lab(*SHORT, "--top", "3", "--top-k", "2")
    assert len(said.out.splitlines()) == 12
    assert "rank 1" in said.out and "(cut by top-k)" in said.out and "bits" in said.out


def test_every_setting_reaches_the_sampling(llm_lab):
    line = lines(
        llm_lab(
            *SHORT, "--json", "--temperature", "0.5", "--top-k", "9", "--top-p", "0.9", "--min-p", "0.01",
            "--typical-p", "0.95", "--repetition-penalty", "1.1", "--presence-penalty", "-0.1",
            "--frequency-penalty", "0.1",
            "--logit-bias", "3=-1", "--logit-bias", "4=1", "--banned-tokens", "5",
        ).out
    )[-1]  # fmt: skip
    assert list(line["kept"]) == [
        "logit_bias", "repetition_penalty", "presence_penalty", "frequency_penalty", "banned_tokens",
        "temperature", "top_k", "top_p", "min_p", "typical_p",
    ]  # fmt: skip
    stopped = llm_lab(*SHORT[:-1], "500", "--temperature", "0", "--stop", "zzz", "--stop", r"\n")
    assert stopped.code == 0 and "\n" not in stopped.out[:-1]


def test_a_preset_to_begin_with(llm_lab):
    greedy = lines(llm_lab(*SHORT, "--preset", "greedy", "--json").out)
    assert all(step["rank"] == 1 for step in greedy)
    assert (
        llm_lab(*SHORT, "--preset", "greedy", "--temperature", "1.0").out != llm_lab(*SHORT, "--preset", "greedy").out
    )


def test_beams_give_the_likeliest_texts(llm_lab):
    said = llm_lab(*SHORT, "--beams", "4", "-n", "2")
    heads = [line for line in said.out.splitlines() if line.startswith("--- ")]
    assert len(heads) == 2 and "1 of 2, log probability -" in heads[0]
    steps = lines(llm_lab(*SHORT, "--beams", "4", "--json").out)
    assert len(steps) == 12 and steps[-1]["is_last"] and len(steps[-1]["finished"]) == 4
    assert steps[-1]["finished"][0]["text"] in said.out


def test_stop_texts_and_the_prompt_count_for_beams_too(llm_lab):
    whole = llm_lab(*SHORT[:-1], "40", "--beams", "3").out
    mark = whole.strip()[10]  # whatever the demo says: a character that it would have come to
    stopped = llm_lab(*SHORT[:-1], "40", "--beams", "3", "-n", "3", "--stop", mark, "--echo")
    before, *texts = re.split(r"^--- \d of 3, .*\n", stopped.out, flags=re.M)
    assert not before and len(texts) == 3
    assert all(text.startswith("The list ") and mark not in text.removeprefix("The list ").strip() for text in texts)
    slid = llm_lab(*SHORT[:-1], "300", "--beams", "2")
    assert slid.code == 0 and slid.err.startswith("note: the context was full ")


def test_the_prompt_stands_before_each_answer(llm_lab):
    alone = [llm_lab(*SHORT, "--seed", str(42 + i)).out for i in range(2)]
    several = llm_lab(*SHORT, "-n", "2", "--echo").out
    assert several == "".join(
        "\n" * bool(i) + f"--- {i + 1} of 2, seed {42 + i}\nThe list {text}" for i, text in enumerate(alone)
    )
    table = llm_lab(*SHORT, "--top", "1", "--echo").out.splitlines()
    assert table[0] == "The list " and table[1].startswith("#0 ") and len(table) == 13


def test_the_transcript_opens_again(llm_lab, tmp_path):
    said = llm_lab(*SHORT, "-n", "2", "--save", tmp_path / "t.md")
    tree = open_transcript(tmp_path / "t.md")
    a, b = tree.children(0)
    assert (a.model, a.sampling.seed, b.sampling.seed, tree[0].prompt) == ("demo", 42, 43, "The list ")
    assert tree.text(a.id) in said.out and tree.text(b.id) in said.out


def test_no_prompt_starts_anew_and_says_so(llm_lab):
    said = llm_lab("generate", "demo", "--max-new-tokens", "3")
    assert said.code == 0 and said.err == "note: the prompt is empty: the answer starts after <|endoftext|>\n"


def test_a_prompt_longer_than_the_context_says_so(llm_lab):
    said = llm_lab("generate", "demo", "-p", "x1 " * 400, "--max-new-tokens", "3")
    assert said.code == 0 and "the model sees 256 at once" in said.err


def test_a_context_that_slides_is_said_behind_the_text(llm_lab):
    said = llm_lab(*SHORT[:-1], "300", "-n", "2")
    assert said.code == 0 and said.err.startswith("note: the context was full ")
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "title"),
    [
        (("--temperature", "-1"), "temperature must be at least 0, got -1"),
        (("--temperature", "nan"), "temperature must be a finite number, got nan"),
        (("--top-p", "2"), "top_p must be from 0 to 1, got 2"),
        (("--top-k", "few"), "--top-k must be a whole number, got 'few'"),
        (("--stop", ""), "stop must be texts that are not empty"),
        (("--logit-bias", "3:1"), "--logit-bias must be ID=BIAS"),
        (("--banned-tokens", "x"), "--banned-tokens must be a token id"),
        (("--banned-tokens", "384"), "banned_tokens names token 384, the model has tokens 0 to 383"),
        (("--preset", "gredy"), "did you mean greedy?"),
        (("--temprature", "2"), "has no option --temprature (did you mean --temperature?)"),
        (("--bad",), "has no option --bad"),
        (("-n", "0"), "n must be at least 1, got 0"),
        (("-n", "x"), "-n"),
        (("-n", "1000000000"), "are free"),
        (("--beams", "0"), "beams must be at least 1, got 0"),
        (("--beams", "2", "-n", "-1"), "n must be at least 1, got -1"),
        (("--beams", "2", "-n", "3"), "more texts than the 2 beams"),
        (("--beams", "2", "--temperature", "1", "--seed", "3"), "draws nothing, got --temperature, --seed beside it"),
        (("--beams", "2", "--preset", "wild"), "draws nothing, got --preset beside it"),
        (("--beams", "2", "--save", "t.md", "--top", "3"), "--top and --save tell of drawn tokens"),
        (("--presence-penalty", "1e300"), "presence_penalty must be from -1,000,000 to 1,000,000, got 1e+300"),
        (("--device", "cuda:9"), "device cuda:9 was asked for"),
        (("--dtype", "fp16"), "among auto, float32"),
        (("--save", "t.txt"), "FILE.md or FILE.json, got t.txt"),
        (("--save", "no/t.md"), "there is no folder"),
        (("--save", "~nobody-of-that-name/t.md"), "~nobody-of-that-name/t.md is no path"),
        (("-f", "~nobody-of-that-name/t"), "~nobody-of-that-name/t cannot be read"),
        (("-f", ""), "a file without a name cannot be read"),
        (("-f", "nowhere.txt"), "nowhere.txt cannot be read: No such file"),
        (("hello",), "a prompt needs -p, got 'hello' alone"),
        (("-", "-p", "x"), "one source of the prompt was expected, got - and -p"),
        (("-p", "\udcff"), "the prompt is not UTF-8"),
    ],
)  # fmt: skip
def test_words_that_are_wrong_give_two_lines(llm_lab, words, title):
    said = llm_lab("generate", "demo", *words)
    assert said.code in (1, 2) and title in said.error["title"], said
    assert said.error["hint"]
    assert not list((llm_lab.state).glob("error-*"))


def test_all_that_is_wrong_is_named_at_once_as_json(llm_lab):
    said = llm_lab("generate", "demo", "--temperature", "-1", "--top-p", "x", "--json")
    assert said.code == 2 and all(word in said.json["error"]["title"] for word in ("temperature", "--top-p"))


def test_the_prompt_is_not_printed_among_json(llm_lab):
    said = llm_lab(*SHORT, "--echo", "--json")
    assert said.code == 2 and "--echo prints text, --json prints none" in said.json["error"]["title"]


def test_a_transcript_does_not_take_a_folders_name(llm_lab, tmp_path):
    (tmp_path / "t.md").mkdir()
    assert "t.md is a folder" in llm_lab(*SHORT, "--save", tmp_path / "t.md").error["title"]


@pytest.mark.parametrize("command", [("generate", "demo", "-"), ("score", "demo", "-")])
def test_an_input_that_is_closed_is_said(llm_lab, monkeypatch, command):
    monkeypatch.setattr("sys.stdin", None)
    assert llm_lab(*command).error["title"] == "standard input cannot be read: it is closed"


@pytest.mark.parametrize("model", ["nowhere", "demo@17", ""])
def test_a_model_that_is_not_there(llm_lab, model):
    said = llm_lab("generate", model, "-p", "x")
    assert said.code in (1, 2) and said.error["hint"]


def test_a_prompt_that_is_no_text(llm_lab, tmp_path, monkeypatch):
    (tmp_path / "x").write_bytes(b"ab\xff")
    assert "x is not UTF-8: byte 0xFF at 2" in llm_lab("generate", "demo", "-f", tmp_path / "x").error["title"]
    typed(monkeypatch, b"\xff")
    assert "standard input is not UTF-8" in llm_lab("generate", "demo", "-").error["title"]


class TestScore:
    TEXT = "A list is a mutable sequence of objects.\n"

    def test_it_is_what_core_scores(self, llm_lab, tmp_path, monkeypatch):
        (tmp_path / "text.txt").write_text(self.TEXT)
        found = core.score(core.load_model("demo"), self.TEXT)
        said = llm_lab("score", "demo", tmp_path / "text.txt", "--json")
        *tokens, whole = lines(said.out)
        assert whole["kind"] == "text" and whole["perplexity"] == found.perplexity
        assert [t["logprob"] for t in tokens] == [t.logprob for t in found.tokens]
        typed(monkeypatch, self.TEXT.encode())
        plain = llm_lab("score", "demo", "-")
        assert plain.out.startswith(f"perplexity {found.perplexity:.3f} over {found.scored} tokens")

    def test_a_line_for_each_token(self, llm_lab, tmp_path):
        (tmp_path / "text.txt").write_text(self.TEXT)
        said = llm_lab("score", "demo", tmp_path / "text.txt", "--tokens")
        tokens = core.load_model("demo").tokenizer.encode(self.TEXT)
        assert len(said.out.splitlines()) == len(tokens) + 1 and "rank 1 " in said.out

    @pytest.mark.parametrize(
        ("words", "content", "title"),
        [
            ((), "a", "at least two tokens is needed, got 1"),
            ((), "", "at least two tokens is needed, got 0"),
            (("--stride", "0"), "abc", "stride must be from 1"),
            (("--stride", "257"), "abc", "context_length 256, got 257"),
            ((), None, "cannot be read"),
        ],
    )
    def test_what_cannot_be_scored(self, llm_lab, tmp_path, words, content, title):
        if content is not None:
            (tmp_path / "text.txt").write_text(content, encoding="utf-8")
        said = llm_lab("score", "demo", tmp_path / "text.txt", *words)
        assert said.code == 2 and title in said.error["title"]


@needs_posix
class TestProcesses:
    def test_a_reader_that_goes_away_ends_it_quietly(self, llm_lab):
        process = llm_lab.start(*ENDLESS, "--json")
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["index"] == 0
        process.stdout.close()
        assert process.stderr is not None
        assert (process.stderr.read(), process.wait(60)) == ("", 141)

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_ends_it_within_a_token(self, llm_lab, number):
        process = llm_lab.start(*ENDLESS, "--json")
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (128 + number, "")
        assert lines(out)[-1]["end"] == "cancelled"

    def test_a_terminal_closed_mid_stream_leaves_no_traceback(self, llm_lab, tmp_path):
        leader, follower = open_terminal()
        with (tmp_path / "err").open("wb") as err:
            process = llm_lab.start(*ENDLESS, stdin=follower, stdout=follower, stderr=err, start_new_session=True)
        os.close(follower)
        seen = b""
        while len(seen) < 20:
            seen += os.read(leader, 1000)
        os.close(leader)
        assert process.wait(60) in (141, 129)
        assert (tmp_path / "err").read_text() == "" and not list(llm_lab.state.glob("error-*"))

    def test_on_a_terminal_it_says_how_fast_it_was(self, llm_lab):
        with started(partial(llm_lab.start, *SHORT)) as terminal:
            seen = terminal.read_to_end()
        assert terminal.process.returncode == 0
        assert b"note: 12 tokens, " in seen and b"/s, the first after " in seen and b"ended: length" in seen


def test_the_path_of_a_run_is_a_model_too(llm_lab):
    from core.training.runs import open_run

    demo = Path(open_run("demo").path)
    assert llm_lab("generate", demo, *SHORT[2:]).out == llm_lab(*SHORT).out
