"""``llm-lab attention``, ``heads``, ``lens`` and ``ablate``, on the demo that ships and on faulty models."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from terminals import open_terminal
from tiny_models import LETTERS, tiny_model

import core
from core.config import GPTConfig
from core.folders import asset
from core.model.ablation import ablate, sweep
from core.model.gpt import GPT
from core.model.lens import lens
from core.model.profiles import MEASURES
from core.model.rollout import rollout
from core.model.trace import trace
from core.shelf import kept_steps
from core.tokenizers import get_tokenizer
from core.training.runs import open_run
from core.weights.checkpoint import load_model
from core.weights.own import config_dict

TEXT = "The for statement"


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """The commands take one for a small model, and set it for the process."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def demo() -> Any:
    return load_model("demo", device="cpu")


@pytest.fixture(scope="module")
def ids(demo: Any) -> list[int]:
    found: list[int] = demo.tokenizer.encode(TEXT)
    return found


def model_folder(folder: Path, model: GPT) -> Path:
    """A model of ours beside its tokenizer, as ``llm-lab convert`` leaves it."""
    from safetensors.torch import save_file

    folder.mkdir()
    save_file(dict(model.state_dict()), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config_dict(model.config)))
    get_tokenizer("char", LETTERS).save(folder)
    return folder


def lines(said: Any) -> list[dict[str, Any]]:
    assert said.code == 0, said.err
    return [
        json.loads(line, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
        for line in said.out.splitlines()
    ]


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


# Attention


def test_attention_of_one_head_is_what_core_says(llm_lab: Any, demo: Any, ids: list[int]) -> None:
    (found,) = lines(llm_lab("attention", "demo", TEXT, "--layer", 2, "--head", 1, "--json", "--device", "cpu"))
    pattern = trace(demo.model, ids).pattern(2, 1).tolist()
    assert found["rows"] == [row[: i + 1] for i, row in enumerate(pattern)]
    assert found["ids"] == ids and "".join(found["tokens"]) == TEXT.replace(" ", "·")
    said = llm_lab("attention", "demo", TEXT, "--layer", 2, "--head", 1)
    assert said.out.splitlines()[0] == "L2 H1 · attention"
    assert len([line for line in said.out.splitlines() if "█" in line]) >= 1


def test_attention_of_all_heads(llm_lab: Any, demo: Any, ids: list[int]) -> None:
    found = lines(llm_lab("attention", "demo", TEXT, "--json"))
    L, H = demo.config.n_layers, demo.config.n_heads
    assert [(one["layer"], one["head"]) for one in found] == [(la, h) for la in range(L) for h in range(H)]
    said = llm_lab("attention", "demo", TEXT, "--position", 1).out.splitlines()
    assert said[0] == "1 ·for looks at" and len(said) == 2 + L * H
    alone = llm_lab("attention", "demo", TEXT, "--position", 0).out.splitlines()[2:]
    assert {line.split()[2] for line in alone} == {"0.00"}, "a token that sees itself alone: no bit, and no -0.00"
    assert len(lines(llm_lab("attention", "demo", TEXT, "--layer", 1, "--json"))) == H
    assert len(lines(llm_lab("attention", "demo", TEXT, "--head", 1, "--json"))) == L
    off = lines(llm_lab("attention", "demo", TEXT, "--layer", 1, "--head", 0, "--off", "0.*", "--json"))[0]
    expected = trace(demo.model, ids, ablate=[(0, h) for h in range(H)]).pattern(1, 0)
    assert off["rows"][-1] == pytest.approx(expected[-1].tolist(), rel=1e-5)


def test_several_heads_as_one(llm_lab: Any, demo: Any, ids: list[int]) -> None:
    (found,) = lines(llm_lab("attention", "demo", TEXT, "--together", "rollout", "--json"))
    expected = rollout(trace(demo.model, ids))
    assert found["rows"][-1] == pytest.approx(expected[-1].tolist(), rel=1e-5)
    assert len(lines(llm_lab("attention", "demo", TEXT, "--together", "mean", "--json"))) == demo.config.n_layers
    most = llm_lab("attention", "demo", TEXT, "--together", "max").out.splitlines()[2:]
    assert {line.split()[6] for line in most} == {"–"}, "its rows are no distribution and have no entropy"


def test_attention_as_files(llm_lab: Any, tmp_path: Path) -> None:
    files = {kind: tmp_path / f"map.{kind}" for kind in ("csv", "png", "svg")}
    said = llm_lab("attention", "demo", TEXT, *(f"--{kind}={path}" for kind, path in files.items()))
    assert said.code == 0 and not said.out
    assert said.err.splitlines() == [f"note: wrote {path}" for path in files.values()]
    rows = table(files["csv"].read_text())
    for row in rows:
        seen = [cell for name, cell in row.items() if name.split(" ")[0].isdecimal()]
        position = int(row["position"])
        assert sum(map(float, seen[: position + 1])) == pytest.approx(1, abs=1e-6)
        assert not any(seen[position + 1 :])
    assert files["png"].read_bytes().startswith(b"\x89PNG") and b"<svg" in files["svg"].read_bytes()
    printed = llm_lab("attention", "demo", TEXT, "--csv", "-")
    assert table(printed.out) == rows


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of another kind")
def test_standard_output_that_is_closed(llm_lab: Any, tmp_path: Path) -> None:
    out = tmp_path / "lens.csv"
    for where in (">&-", f"--csv {out} >&- 2>&-"):
        said = subprocess.run(f"{sys.executable} -m lab lens demo abc {where}", shell=True, capture_output=True)
        assert (said.returncode, said.stdout, said.stderr) == (0, b"", b"")
    assert out.read_text().startswith("layer,")


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="no such device")
@pytest.mark.parametrize("words", ["", "--json"])
def test_standard_output_that_is_full(llm_lab: Any, words: str) -> None:
    ask = f"{sys.executable} -m lab lens demo abc {words} >/dev/full"
    said = subprocess.run(ask, shell=True, capture_output=True, text=True)
    assert said.returncode == 1
    assert said.stderr.splitlines()[0] == "no space left where standard output goes" and said.stderr.count("\n") == 2


@pytest.mark.parametrize("command", [("lens", "demo", "abc"), ("heads", "demo")])
def test_threads_are_told_how_to_wait_before_torch_comes(llm_lab: Any, command: tuple[str, ...]) -> None:
    code = (
        "import os, sys\n"
        "class Watch:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'torch' and os.environ.get('OMP_WAIT_POLICY') != 'passive': sys.exit('too late')\n"
        "sys.meta_path.insert(0, Watch())\n"
        "from lab.__main__ import main\n"
        f"sys.exit(main({list(command)!r}))"
    )
    env = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    said = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert (said.returncode, said.stderr) == (0, "")


# Profiles


def test_heads_of_random_tokens_and_of_a_text(llm_lab: Any, demo: Any, ids: list[int]) -> None:
    found = llm_lab("heads", "demo", "--json").json
    expected = core.head_profiles(demo.model)
    assert found["on"] == "random" and found["tokens"] == expected.tokens
    for name in MEASURES:
        assert torch.allclose(torch.tensor(found[name]), expected[name], atol=1e-6), name
    text = llm_lab("heads", "demo", TEXT, "--json").json
    assert text["on"] == "text" and text["tokens"] == len(ids)
    assert text["induction"][0][0] is None, "no token comes twice: no number, which JSON writes null"
    assert "Olsson" in text["what"]["induction"]


def test_heads_sorted_by_a_measure(llm_lab: Any, demo: Any) -> None:
    expected = core.head_profiles(demo.model)
    said = llm_lab("heads", "demo", "--measure", "previous", "--top", 3).out.splitlines()
    assert said[0].split() == list(MEASURES) and said[1].startswith("chance")
    layer, head, value = expected.best("previous")
    assert said[2].split()[:2] == [f"L{layer}", f"H{head}"] and said[2].split()[2] == f"{value:.3f}"
    assert len(said) == 6
    order = llm_lab("heads", "demo", "--measure", "entropy", "--heads", "1.*,3.0", "--json").json["heads"]
    values = [float(expected.entropy[layer, head]) for layer, head in order]
    assert len(order) == 5 and values == sorted(values, reverse=True)
    listed = table(llm_lab("heads", "demo", "--measure", "entropy", "--heads", "1.*,3.0", "--csv", "-").out)
    assert [[int(row["layer"]), int(row["head"])] for row in listed] == order


def test_heads_as_a_run_learned(llm_lab: Any, tmp_path: Path) -> None:
    steps = list(kept_steps(open_run("demo")))
    found = lines(llm_lab("heads", "demo", TEXT, "--over-steps", "--json"))
    assert [event["step"] for event in found] == steps
    assert all(event["text"]["tokens"] == len(load_model("demo").tokenizer.encode(TEXT)) for event in found)
    said = llm_lab("heads", "demo", TEXT, "--over-steps", "--heads", "2.1,0.0").out.splitlines()
    assert len(said) == 1 + 2 * len(steps) and said[1].split()[1:3] == ["L0", "H0"]
    png, out = tmp_path / "time.png", tmp_path / "time.csv"
    assert llm_lab("heads", "demo", "--over-steps", "--measure", "previous", "--png", png, "--csv", out).code == 0
    rows = table(out.read_text())
    assert len(rows) == len(steps) * 16 and png.read_bytes().startswith(b"\x89PNG")
    assert float(rows[-1]["previous"]) == pytest.approx(
        float(core.head_profiles(load_model("demo").model).previous[3, 3])
    )


def test_a_step_that_cannot_be_read_is_passed_over(llm_lab: Any) -> None:
    folder = Path(llm_lab.runs) / "mine"
    shutil.copytree(asset("demo"), folder)
    first, *_ = sorted((folder / "snapshots").iterdir())
    first.write_bytes(b"torn")
    said = llm_lab("heads", "mine", "--over-steps", "--json")
    found = lines(said)
    assert found[0]["kind"] == "skipped" and {event["kind"] for event in found[1:]} == {"step"}
    assert "is left out" in said.err


# The lens


def test_the_lens_ends_with_the_models_own_answer(llm_lab: Any, demo: Any, ids: list[int]) -> None:
    found = llm_lab("lens", "demo", TEXT, "--top", 3, "--json").json
    own = demo.model(torch.tensor([ids]))[0, -1].double().softmax(-1)
    last = found["rows"][-1]
    assert [t["token"] for t in last["top"]] == own.topk(3).indices.tolist()
    assert [t["probability"] for t in last["top"]] == pytest.approx(own.topk(3).values.tolist(), rel=1e-5)
    expected = lens(trace(demo.model, ids), k=3)
    assert [row["rank"] for row in found["rows"]] == [row.rank for row in expected]
    assert [row["entropy_bits"] for row in found["rows"]] == pytest.approx([row.entropy for row in expected])
    generated = llm_lab("generate", "demo", "-p", TEXT, "--temperature", 0, "--max-new-tokens", 1, "--json").json
    assert last["answer"] == generated["token_id"]
    said = llm_lab("lens", "demo", TEXT, "--position", 0).out.splitlines()
    assert said[0].startswith("after 0 The: rank and probability of ") and len(said) == 2 + 5
    assert llm_lab("lens", "demo", TEXT, "--position", -len(ids), "--json").json["position"] == 0


def test_the_lens_as_files(llm_lab: Any, tmp_path: Path) -> None:
    png = tmp_path / "lens.png"
    said = llm_lab("lens", "demo", TEXT, "--csv", "-", "--png", png)
    assert [row["layer"] for row in table(said.out)] == ["0", "1", "2", "3", "4"]
    assert png.read_bytes().startswith(b"\x89PNG")


# Switching off


def test_ablate_says_before_and_after(llm_lab: Any, demo: Any, ids: list[int]) -> None:
    found = llm_lab("ablate", "demo", TEXT, "--heads", "0.1,2.*", "--json").json
    expected = ablate(demo.model, ids, [(0, 1), *((2, h) for h in range(4))])
    assert found["heads"] == [list(head) for head in expected.heads]
    assert found["kl_bits"] == pytest.approx(expected.kl_bits, rel=1e-4)
    assert found["loss_change"] == pytest.approx(expected.loss_change, abs=1e-6)
    assert {t["token"] for t in found["top"]} == {s.token for s in expected.top(10)}
    said = llm_lab("ablate", "demo", TEXT, "--heads", "!2.1").out.splitlines()
    assert said[0].startswith("15 heads off: !2.1 · after 4 ment") and said[-1].startswith("KL ")
    none = llm_lab("ablate", "demo", TEXT, "--heads", "2.1,!2.1", "--json").json
    assert none["kl_bits"] == 0 and none["loss_change"] == 0


def test_heads_without_a_text_say_what_they_were_measured_on(llm_lab: Any) -> None:
    assert (
        llm_lab("heads", "demo").out.splitlines()[-1].startswith("means over 128 tokens (64 random ones, said twice)")
    )
    assert llm_lab("heads", "demo", TEXT).out.splitlines()[-1].startswith("means over 5 tokens; ")


def test_a_row_is_a_position_by_another_word_and_a_hint_says_the_one_that_was_typed(llm_lab: Any) -> None:
    for option in ("--row", "--position"):
        said = llm_lab("attention", "demo", TEXT, "--layer", 0, option, 2)
        assert said.out.startswith("2 ")
        refused = llm_lab("attention", "demo", TEXT, option, 50)
        assert refused.code == 2 and f"leave out {option}" in refused.err
    both = llm_lab("attention", "demo", TEXT, "--row", 1, "--position", 2)
    assert both.code == 2 and "--row and --position are the same" in both.err


def test_a_sweep_streams_and_sorts(llm_lab: Any, demo: Any, ids: list[int], tmp_path: Path) -> None:
    *heads, whole = lines(llm_lab("ablate", "demo", TEXT, "--sweep", "--json"))
    expected = list(sweep(demo.model, ids))
    assert [(e["layer"], e["head"]) for e in heads] == [(e.layer, e.head) for e in expected]
    assert [e["loss_change"] for e in heads] == pytest.approx([e.loss_change for e in expected], abs=1e-6)
    assert whole["kind"] == "sweep" and (whole["heads"], whole["of"]) == (16, 16)
    worst = max(expected, key=lambda e: e.kl_bits)
    said = llm_lab("ablate", "demo", TEXT, "--sweep", "--sort", "kl", "--top", 2).out.splitlines()
    assert said[1].split()[:2] == [f"L{worst.layer}", f"H{worst.head}"] and said[-1].startswith("2 of 16 heads")
    *rows, one = llm_lab("ablate", "demo", "a", "--sweep", "--top", 16).out.splitlines()[1:]
    bits = [float(row.split()[-1]) for row in rows]
    assert bits == sorted(bits, reverse=True) and one.endswith("one token has no loss"), (
        "what has no loss is sorted by KL"
    )
    ordered = sorted(expected, key=lambda e: -e.loss_change)
    said = llm_lab("ablate", "demo", TEXT, "--sweep", "--top", 3).out.splitlines()[-2]
    easier = [e for e in ordered[3:] if e.loss_change < 0]
    assert easier, "the text has heads without which it is easier"
    assert said == (
        f"highest loss first; 13 more left out, {len(easier)} of them lower the loss (L{easier[-1].layer} "
        f"H{easier[-1].head} most: {easier[-1].loss_change:+.4f}); --top 16 lists all"
    )
    assert "left out" not in llm_lab("ablate", "demo", TEXT, "--sweep", "--top", 16).out
    out, png = tmp_path / "sweep.csv", tmp_path / "sweep.png"
    assert llm_lab("ablate", "demo", TEXT, "--sweep", "--csv", out, "--png", png).code == 0
    assert len(table(out.read_text())) == 16 and png.read_bytes().startswith(b"\x89PNG")
    beside = lines(llm_lab("ablate", "demo", TEXT, "--sweep", "--heads", "2.1", "--json"))
    assert beside[9]["loss_change"] == pytest.approx(0, abs=1e-7), "it is off already"
    assert beside[-1]["off"] == [[2, 1]]
    said = llm_lab("ablate", "demo", TEXT, "--sweep", "--heads", "2.1").out.splitlines()[-1]
    assert said.endswith(f"loss over the text without 2.1 {beside[-1]['loss']:.4f} nats")


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows sends no SIGINT to one process")
def test_ctrl_c_ends_a_sweep_with_what_there_is(llm_lab: Any, tmp_path: Path) -> None:
    model = GPT(GPTConfig(39, 256, 256, 8, 24), torch.Generator().manual_seed(0))
    folder = model_folder(tmp_path / "deep", model)
    process = llm_lab.start("ablate", folder, "the cat " * 31, "--sweep", "--json", stderr=subprocess.PIPE)
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    rest, said = process.stdout.read(), process.stderr.read()  # communicate would lose what is read ahead
    assert process.wait(timeout=60) == 130
    *heads, whole = [json.loads(line) for line in (first + rest).splitlines()]
    assert whole["kind"] == "sweep" and whole["heads"] == len(heads) < whole["of"] == 192
    assert said == f"note: ended after {len(heads)} of 192 heads\n"


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_a_bar_on_the_terminal_leaves_standard_output_alone(llm_lab: Any, tmp_path: Path) -> None:
    ours, theirs = open_terminal()
    try:
        process = llm_lab.start("ablate", "demo", TEXT, "--sweep", "--json", stderr=theirs, env={"TERM": "xterm"})
        out = process.stdout.read()
        assert process.wait(timeout=60) == 0
        assert b"heads" in os.read(ours, 65536), "the bar was drawn"
    finally:
        os.close(ours)
        os.close(theirs)
    assert [json.loads(line)["kind"] for line in out.splitlines()] == ["head"] * 16 + ["sweep"]


# What can be wrong


def test_a_text_from_a_file_a_pipe_and_the_line_are_the_same(llm_lab: Any, tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_text(TEXT + "\n")
    typed = llm_lab("lens", "demo", TEXT, "--json").json
    assert llm_lab("lens", "demo", file, "--json").json == typed
    process = llm_lab.start("lens", "demo", "-", "--json", stdin=subprocess.PIPE)
    out, _ = process.communicate(TEXT + "\n", timeout=60)
    assert json.loads(out)["ids"] == typed["ids"]


def test_a_path_that_is_mistyped_is_a_text_and_that_is_said(llm_lab: Any, tmp_path: Path) -> None:
    said = llm_lab("lens", "demo", f"{tmp_path}/no.txt", "--json")
    assert said.code == 0 and said.err == f"note: there is no file {tmp_path}/no.txt: this is read as a text\n"
    assert llm_lab("lens", "demo", "and/or.", "--json").err == ""


def test_more_tokens_than_the_context_are_cut_and_said(llm_lab: Any, tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "small", tiny_model(39, context=8))
    for command in (("attention",), ("lens",), ("heads",), ("ablate", "--heads", "0.0")):
        said = llm_lab(command[0], folder, "the cat, the cat", *command[1:], "--json")
        assert said.code == 0 and "note: 16 tokens, context 8: the first 8 are cut" in said.err
    assert llm_lab("lens", folder, "the cat, the cat", "--json").json["tokens"] == list(",·the·cat"[-8:])
    said = llm_lab("heads", "demo", "word " * 600, "--over-steps", "--json")
    assert lines(said)[0]["text"]["tokens"] == 256 and "context 256" in said.err


def test_one_token_one_head_one_layer(llm_lab: Any, tmp_path: Path) -> None:
    model = GPT(GPTConfig(39, 8, 6, 1, 1), torch.Generator().manual_seed(0))
    folder = model_folder(tmp_path / "one", model)
    assert lines(llm_lab("attention", folder, "a", "--json"))[0]["rows"] == [[1.0]]
    assert "1.00" in llm_lab("attention", folder, "a").out
    found = llm_lab("ablate", folder, "a", "--heads", "0.0", "--json").json
    assert found["loss_before"] is None and found["kl_bits"] >= 0
    assert "one token has no loss" in llm_lab("ablate", folder, "a", "--heads", "*").out
    assert llm_lab("ablate", folder, "a", "--heads", "0.0").out.startswith("1 head off: ")
    assert llm_lab("ablate", folder, "a", "--sweep").code == 0
    assert len(llm_lab("lens", folder, "a", "--json").json["rows"]) == 2
    assert llm_lab("heads", folder, "a", "--json").json["previous"] == [[None]]
    assert llm_lab("heads", folder, "a", "--measure", "previous").code == 0


def test_nan_in_the_weights_is_shown_and_is_null_in_json(llm_lab: Any, tmp_path: Path) -> None:
    model = tiny_model(39)
    model.h[1].attn.c_attn.weight[0, 0] = math.nan
    folder = model_folder(tmp_path / "broken", model)
    text = "the cat"
    found = lines(llm_lab("attention", folder, text, "--json"))
    assert found[4]["rows"][-1] == [None] * 7 and None not in found[5]["rows"][-1]
    assert "not a number" in llm_lab("attention", folder, text, "--layer", 1, "--head", 0).out
    assert "nan" in llm_lab("attention", folder, text).out
    assert llm_lab("lens", folder, text, "--json").json["rows"][-1]["entropy_bits"] is None
    assert llm_lab("ablate", folder, text, "--heads", "0.0", "--json").json["kl_bits"] is None
    assert llm_lab("heads", folder, text, "--json").json["entropy"][1][0] is None
    for command in (("lens",), ("heads",), ("ablate", "--heads", "0.0"), ("ablate", "--sweep")):
        said = llm_lab(command[0], folder, text, *command[1:])
        assert said.code == 0 and "nan" in said.out, command
        assert "+nan" not in said.out and not {"up", "down"} & {*said.out.split()}, "nothing rose or fell"
    png = tmp_path / "nan.png"
    for command in ("attention", "lens", "heads"):
        assert llm_lab(command, folder, text, "--png", png).code == 0


@pytest.mark.parametrize(
    ("argv", "title"),
    [
        (("attention", "demo", ""), "expected a text of at least one token, got an empty one"),
        (("lens", "demo", "--position"), "--position needs a value"),
        (("attention", "demo", "--layers"), "got --layers, which is no option here"),
        (("attention", "demo", "a", "--layer", "4"), "there is no layer 4: there are layers 0 to 3"),
        (("attention", "demo", "a", "--head", "-1"), "there is no head -1"),
        (("attention", "demo", "a", "--what", "values"), "expected one of pattern, scores, raw_scores"),
        (("attention", "demo", "a", "--together", "sum"), "heads cannot be seen together by 'sum'"),
        (("attention", "demo", "a", "--together", "mean", "--head", "1"), "--together is of the patterns of all heads"),
        (("attention", "demo", "a", "--png", "map.jpg"), "a file that ends with .png was expected, got map.jpg"),
        (("attention", "demo", "a", "--svg", "nowhere/map.svg"), "the folder of nowhere/map.svg is not there"),
        (("attention", "demo", "a", "--csv", "nowhere/map.csv"), "the folder of nowhere/map.csv is not there"),
        (("attention", "demo", "a", "--csv", "."), "a file was expected, got ."),
        (("attention", "demo", "a", "--csv", "~no such user/x.csv"), "~no such user/x.csv can be no file: "),
        (("attention", "nobody", "a"), "no model is called nobody"),
        (("lens", "demo", "abc", "--position", "9"), "there is no token 9: the text has tokens 0 to 2"),
        (("lens", "demo", "abc", "--top", "0"), "--top must be at least 1"),
        (("lens", "demo", "abc", "--token", "9999"), "there is no token 9999"),
        (("lens", "demo", "abc", "--off", "7.0"), "--off: there is no layer 7, named in 7.0"),
        (("ablate", "demo", "abc"), "expected --heads or --sweep, got neither"),
        (("ablate", "demo", "abc", "--heads", "0.9"), "--heads: there is no head 9, named in 0.9"),
        (("ablate", "demo", "abc", "--heads", ""), "--heads: expected heads, got none"),
        (("ablate", "demo", "abc", "--heads", "0.1", "--png", "x.png"), "--csv, --png and --svg are of a sweep"),
        (("heads", "demo", "--measure", "inducton"), "no measure is called 'inducton' (did you mean induction?)"),
        (("heads", "demo", "--follow"), "--follow goes with --over-steps"),
        (("heads", "demo", "--over-steps", "--top", "2"), "--top is of a list of heads, got it with --over-steps"),
        (("heads", "demo", "--over-steps", "--heads", "9.0"), "--heads: there is no layer 9"),
        (("attention", "demo", "a", "--steps", "--what", "scores"), "--steps are those of one place, got --what"),
        (("attention", "demo", "a", "--part", "loss", "--together", "mean"), "--steps are those of one place"),
        (("lens", "demo", "abc", "--top", "41", "--png", "x.png"), "41 tokens a layer do not fit into one figure"),
        (("heads", "nobody", "--over-steps"), "nobody is not a run, and only a run has a history"),
        (("heads", "gpt2"), "gpt2 is not on this machine"),
    ],
)
def test_what_cannot_be_looked_at_is_said_in_two_lines(llm_lab: Any, argv: tuple[str, ...], title: str) -> None:
    said = llm_lab(*argv)
    assert said.code == 2
    assert title in said.error["title"]


@pytest.mark.skipif(sys.platform == "win32", reason="says so in other words")
def test_a_name_that_is_too_long_for_a_file(llm_lab: Any) -> None:
    said = llm_lab("lens", "demo", "abc", "--csv", "x" * 300)  # Python 3.14 is told so only as it opens the file
    assert said.code in (1, 2) and "name too long" in said.error["title"]


@pytest.mark.parametrize("argv", [("attention",), ("heads",), ("lens",), ("ablate", "--sweep")])
def test_a_table_and_json_are_not_printed_into_each_other(llm_lab: Any, argv: tuple[str, ...]) -> None:
    said = llm_lab(argv[0], "demo", "abc", *argv[1:], "--csv", "-", "--json")
    assert said.code == 2 and "got the two together" in said.json["error"]["title"]


def test_a_width_that_the_heads_cannot_share_is_refused(llm_lab: Any, tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "odd", tiny_model(39))
    config = json.loads((folder / "config.json").read_text())
    config["model"]["n_heads"] = 5
    (folder / "config.json").write_text(json.dumps(config))
    said = llm_lab("attention", folder, "abc")
    assert said.code == 2 and "emb_dim" in said.error["title"] and "n_heads" in said.error["title"]


def test_a_text_that_the_tokenizer_cannot_write(llm_lab: Any, tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "small", tiny_model(39))
    said = llm_lab("attention", folder, "§")
    assert said.code == 2 and "§" in said.error["title"]
