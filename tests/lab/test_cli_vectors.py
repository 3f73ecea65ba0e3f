"""``llm-lab vectors``: what is asked, drawn, scored and trained, on the demo vectors that ship."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.vectors.question_files import AnalogySet, read_questions
from core.vectors.sources import load_vectors
from core.vectors.store import Vectors
from core.vectors.teaching_text import write_corpus
from core.vectors.word2vec_files import save

SYNTHETIC = "synthetic"


def lines_of(said: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said.out.splitlines()]


# --- asking


def test_king_less_man_and_woman(llm_lab: Any) -> None:
    said = llm_lab("vectors", "demo", "analogy", "king - man + woman", "-n", 3)
    assert said.code == 0 and not said.err
    lines = said.out.splitlines()
    assert lines[0] == "king - man + woman ≈" and lines[1].split()[:2] == ["1", "queen"]
    assert len(lines) == 1 + 3 + 2 and "with them: " in lines[-2]
    assert SYNTHETIC in lines[-1] and "llm-lab pull glove-wiki-gigaword-50" in lines[-1]
    answer = llm_lab("vectors", "demo", "analogy", "king - man + woman", "--json").json
    found = load_vectors("demo").evaluate("king - man + woman")
    assert answer["synthetic"] is True and answer["neighbours"] == [each.to_dict() for each in found.neighbours]


def test_an_expression_without_quotes_four_words_and_the_product(llm_lab: Any) -> None:
    assert "queen" in llm_lab("vectors", "demo", "analogy", "king", "-", "man", "+", "woman").out.splitlines()[1]
    answer = llm_lab("vectors", "demo", "analogy", "paris : france :: tokyo", "--json").json
    assert answer["neighbours"][0]["word"] == "japan"
    product = llm_lab("vectors", "demo", "analogy", "-man + king + woman", "--method", "cosmul", "--json").json
    assert product["neighbours"][0]["word"] == "queen" and product["negative"] == ["man"]
    refused = llm_lab("vectors", "demo", "analogy", "2*king - man", "--method", "cosmul")
    assert refused.code == 2 and "got 2 times king" in refused.error["title"]
    whole = llm_lab("vectors", "demo", "analogy", "king + king", "--with-inputs", "--json").json
    assert whole["neighbours"][0]["word"] == "king"


def test_neighbours_similarity_and_the_odd_one_out(llm_lab: Any) -> None:
    demo = load_vectors("demo")
    answer = llm_lab("vectors", "demo", "neighbours", "paris", "-n", 4, "--measure", "euclid", "--json").json
    expected = [each.to_dict() for each in demo.neighbours("paris", 4, measure="euclid")]
    assert answer["neighbours"] == expected
    two = llm_lab("vectors", "demo", "similarity", "king", "queen", "--json").json
    assert two["cosine"] == demo.similarity("king", "queen") and two["ranks"] == list(
        demo.compare("king", "queen").ranks
    )
    assert f"cosine {two['cosine']:.4f}" in llm_lab("vectors", "demo", "similarity", "king", "queen").out
    many = llm_lab("vectors", "demo", "similarity", "king", "queen", "man", "--json").json
    assert np.allclose(many["cosines"], demo.matrix(["king", "queen", "man"]))
    table = llm_lab("vectors", "demo", "similarity", "king", "queen", "man").out.splitlines()
    assert table[0].split() == ["king", "queen", "man"] and table[1].split()[:2] == ["king", "1.00"]
    odd = llm_lab("vectors", "demo", "odd-one-out", "king", "queen", "banana", "prince")
    assert odd.out.splitlines()[0] == "banana"


def test_centred_takes_the_mean_away_and_list_says_how_alike_all_are(llm_lab: Any) -> None:
    plain = load_vectors("demo")
    expected = [each.to_dict() for each in plain.centred().neighbours("king", 5)]
    for line in (("demo", "neighbours", "king", "--centred"), ("demo:centred", "neighbours", "king", "--centred")):
        answer = llm_lab("vectors", *line, "-n", 5, "--json").json
        assert answer["neighbours"] == expected and answer["vectors"] == "demo:centred" and answer["synthetic"] is True
    assert f"cosine {plain.mean_cosine:.3f} on average; --centred" in llm_lab("vectors", "demo", "list").out
    facts = llm_lab("vectors", "demo", "list", "--centred", "--json").json
    assert abs(facts["mean_cosine"]) < 0.01 < plain.mean_cosine
    assert "queen" in llm_lab("vectors", "demo", "analogy", "king - man + woman", "--centred").out.splitlines()[1]
    assert "--centred, and none came" in llm_lab("vectors", "list", "--centred").error["title"]
    refused = llm_lab("vectors", "train", "python-docs", "--centred", "-o", "x.bin")
    assert "no use for --centred" in refused.error["title"]


def test_words_come_from_a_file_too(llm_lab: Any, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("queen\nman king\n", encoding="utf-8")
    answer = llm_lab("vectors", "demo", "similarity", "king", "-f", tmp_path / "words.txt", "--json").json
    assert answer["of"] == ["king", "queen", "man"]
    target = tmp_path / "cosines.csv"
    assert llm_lab("vectors", "demo", "similarity", "king", "queen", "man", "-o", target).code == 0
    header, *rows = list(csv.reader(target.read_text(encoding="utf-8").splitlines()))
    assert header == ["", "king", "queen", "man"]
    read = np.array([[float(cell) for cell in row[1:]] for row in rows])
    assert np.array_equal(read, load_vectors("demo").matrix(["king", "queen", "man"]))


def test_a_models_own_tokens_are_asked_likewise(llm_lab: Any) -> None:
    answer = llm_lab("vectors", "demo:wte", "list", "-n", 3, "--json").json
    assert answer["width"] == 128 and answer["synthetic"] is False and len(answer["first"]) == 3


def test_what_there_is_and_what_one_holds(llm_lab: Any) -> None:
    there = {source["name"]: source for source in llm_lab("vectors", "list", "--json").json["vectors"]}
    assert there["demo"]["synthetic"] and there["demo"]["here"] and not there["glove-wiki-gigaword-50"]["here"]
    assert "llm-lab pull glove-wiki-gigaword-50" in llm_lab("vectors", "list").out
    for argv in (("vectors", "demo"), ("vectors", "demo", "list")):
        said = llm_lab(*argv)
        assert f"demo: {len(load_vectors('demo')):,} words x 64 numbers" in said.out and SYNTHETIC in said.out


# --- maps


@pytest.mark.parametrize(("kind", "begins"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_a_map_as_a_picture(llm_lab: Any, tmp_path: Path, kind: str, begins: bytes) -> None:
    target = tmp_path / f"map.{kind}"
    said = llm_lab("vectors", "demo", "map", "-o", target)
    assert said.code == 0 and SYNTHETIC in said.out and "of the spread" in said.out
    assert target.read_bytes().startswith(begins)
    if kind == "svg":
        drawn = target.read_text(encoding="utf-8")
        assert SYNTHETIC in drawn and "<!-- queen -->" in drawn
        llm_lab("vectors", "demo", "map", "-o", target)
        assert target.read_text(encoding="utf-8") == drawn, "the same picture is the same file"


def test_a_map_as_numbers_by_components_and_by_axes(llm_lab: Any, tmp_path: Path) -> None:
    words = ("king", "queen", "prince", "princess", "man", "woman")
    demo, target = load_vectors("demo"), tmp_path / "map.csv"
    assert llm_lab("vectors", "demo", "map", *words, "--components", "2,3", "-o", target).code == 0
    header, *rows = list(csv.reader(target.read_text(encoding="utf-8").splitlines()))
    assert header == ["word", "component 2", "component 3"] and [row[0] for row in rows] == list(words)
    expected = demo.project(words, "pca", axes=(1, 2))
    assert np.array_equal(np.array([[float(x), float(y)] for _, x, y in rows]), expected.xy)
    axes = ("--method", "axes", "--pairs", "man:woman,boy:man")
    answer = llm_lab("vectors", "demo", "map", *words, *axes, "--json").json
    sides = {point["word"]: point["x"] for point in answer["points"]}
    assert sides["queen"] > sides["king"] and sides["princess"] > sides["prince"]


def test_a_map_by_tsne(llm_lab: Any) -> None:
    said = llm_lab("vectors", "demo", "map", "-n", 12, "--method", "tsne", "--seed", 4, "--json").json
    assert said["method"] == "tsne" and len(said["points"]) == 12 and said["share"] is None


# --- scores


def test_scores_by_section(llm_lab: Any, tmp_path: Path) -> None:
    said = llm_lab("vectors", "demo", "evaluate", "relations")
    assert said.code == 0 and "royalty-and-gender" in said.out and SYNTHETIC in said.out
    (tmp_path / "own.txt").write_text(": s\nman king woman queen\nman king\nman king woman apple\nx y z w\n", "utf-8")
    *sections, whole = lines_of(llm_lab("vectors", "demo", "evaluate", tmp_path / "own.txt", "--misses", "--json"))
    assert [line["kind"] for line in sections] == ["section"] and whole["kind"] == "analogies"
    assert (whole["right"], whole["asked"], whole["unknown"]) == (1, 2, 1)
    assert whole["malformed"] == ["line 3: expected four words, found 2, got 'man king'"]
    assert sections[0]["misses"] == [{"question": ["man", "king", "woman", "apple"], "got": "QUEEN"}]
    told = llm_lab("vectors", "demo", "evaluate", tmp_path / "own.txt", "--misses")
    assert "man king woman apple: queen" in told.out
    assert told.err.splitlines() == [
        "1 malformed line of own.txt left out: line 3: expected four words, found 2, got 'man king'"
    ]


def test_pairs_that_all_stand_alike_have_no_correlation(llm_lab: Any, tmp_path: Path) -> None:
    (tmp_path / "same.txt").write_text("king queen 1\nman woman 1\ncat dog 1\n", "utf-8")
    said = llm_lab("vectors", "demo", "evaluate", tmp_path / "same.txt")
    assert said.code == 0 and "same.txt: no correlation" in said.out and "nan" not in said.out
    (whole,) = lines_of(llm_lab("vectors", "demo", "evaluate", tmp_path / "same.txt", "--json"))
    assert whole["spearman"] is None and whole["pairs"] == 3


def test_the_two_sets_of_gensim_when_none_is_named(llm_lab: Any) -> None:
    found = lines_of(llm_lab("vectors", "demo", "evaluate", "--json"))
    assert [line["kind"] for line in found] == ["section"] * 14 + ["analogies", "pairs"]
    assert found[-1]["name"] == "wordsim353" and -1 <= found[-1]["spearman"] <= 1
    few = lines_of(llm_lab("vectors", "demo", "evaluate", "--restrict", 5, "--json"))
    assert few[-2]["accuracy"] is None and "there are 0" in few[-1]["why"]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no such signals")
def test_ctrl_c_ends_scoring_with_what_was_asked_by_then(llm_lab: Any, tmp_path: Path) -> None:
    google = read_questions("google")
    assert isinstance(google, AnalogySet)
    words = dict.fromkeys(word for _, questions in google.sections for four in questions for word in four)
    words |= dict.fromkeys(f"other{i}" for i in range(60_000))
    table = np.random.default_rng(1).standard_normal((len(words), 32), dtype=np.float32)
    save(Vectors(words, table), tmp_path / "many.bin")
    process: subprocess.Popen[str] = llm_lab.start("vectors", tmp_path / "many.bin", "evaluate", "google", "--json")
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    *sections, last = [first, *map(json.loads, out.splitlines())]
    assert process.returncode == 130 and "Traceback" not in err
    assert last == {"kind": "interrupted", "name": "google"}
    assert 1 <= len(sections) < 14 and all(line["kind"] == "section" for line in sections)


# --- training


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text("\n".join(write_corpus(3).splitlines()[:3000]), encoding="utf-8")
    return path


@pytest.mark.parametrize("ending", ["bin", "txt"])
def test_vectors_are_trained_shown_and_asked(llm_lab: Any, tmp_path: Path, text: Path, ending: str) -> None:
    target = tmp_path / "made" / f"words.{ending}"
    settings = ("--epochs", 2, "--vector-size", 12, "--min-count", 2, "--method", "cbow", "--seed", 3)
    said = llm_lab("vectors", "train", text, "-o", target, *settings, "--probes", "the,unheard")
    assert said.code == 0, said.err
    assert f"{target}: " in said.out and "cbow on text.txt" in said.out
    progress = said.err.splitlines()
    assert "different ones get a vector" in progress[0]
    assert progress[1].startswith("epoch 1/2  loss ") and progress[2].startswith("  the: ")
    assert progress[3] == "  unheard: unknown"
    answer = llm_lab("vectors", target, "neighbours", "the", "-n", 3, "--json").json
    assert answer["width"] == 12 and answer["synthetic"] is False and len(answer["neighbours"]) == 3
    assert target.read_bytes()[:4] == b"%d" % answer["words"] if answer["words"] > 999 else True


def test_training_as_lines_of_json_the_corpus_first_or_last(llm_lab: Any, tmp_path: Path, text: Path) -> None:
    target = tmp_path / "w.bin"
    few = ("--epochs", 1, "--vector-size", 4, "--min-count", 1)
    found = lines_of(llm_lab("vectors", text, "train", "-o", target, *few, "--probes", "the", "--json"))
    assert found[0]["kind"] == "counted" and found[-1]["kind"] == "saved" and found[-1]["path"] == str(target)
    (epoch,) = (line for line in found if line["kind"] == "epoch")
    assert epoch["loss"] > 0 and len(epoch["probes"]["the"]) == 8
    taken = llm_lab("vectors", "train", text, "-o", target, *few)
    assert taken.code == 2 and "is there already" in taken.error["title"] and "--force" in taken.error["hint"]
    assert llm_lab("vectors", "train", text, "-o", target, *few, "--force").code == 0


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_keeps_what_was_learnt(llm_lab: Any, tmp_path: Path, number: signal.Signals) -> None:
    target = tmp_path / "w.bin"
    argv = ("vectors", "train", "teaching", "-o", target, "--epochs", 100_000, "--vector-size", 8, "--json")
    process: subprocess.Popen[str] = llm_lab.start(*argv)
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["kind"] == "epoch":
            break
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    last = json.loads(out.splitlines()[-1])
    assert process.returncode == 128 + number
    assert last["kind"] == "interrupted" and 0 < last["done"] < 1
    assert "Traceback" not in err and "kept" in err
    assert len(load_vectors(str(target))) == last["words"]


# --- what cannot be done


@pytest.mark.parametrize(
    ("argv", "title"),
    [
        ((), "needs a SPEC and what to do with it"),
        (("nowhere",), "no vectors are called 'nowhere'"),
        (("demo", "anlogy", "x"), "got 'anlogy' (did you mean analogy?)"),
        (("analogy", "demo"), "expected one of analogy"),
        (("demo", "analogy"), "analogy needs an expression"),
        (("demo", "analogy", "king - (man"), "at character"),
        (("demo", "analogy", "king - qween"), "'qween' is not among"),
        (("demo", "analogy", "king - king"), "the sum is zero"),
        (("demo", "neighbours"), "neighbours needs one word, got 0"),
        (("demo", "neighbours", "king", "queen"), "neighbours needs one word, got 2"),
        (("demo", "neighbours", "king", "-n", "0"), "-n must be at least 1, got 0"),
        (("demo", "neighbours", "king", "--measure", "taxi"), "measure must be one of"),
        (("demo", "neighbours", "king", "--window", "3"), "neighbours has no use for --window"),
        (("demo", "neighbours", "king", "--jsn"), "has no option --jsn"),
        (("demo", "similarity", "king", "king"), "expected 2 different words or more, got 1"),
        (("demo", "odd-one-out", "king", "queen"), "expected 3 different words or more, got 2"),
        (("demo", "similarity", "-f", "none.txt"), "none.txt cannot be read"),
        (("demo", "map", "king", "-o", "m.gif"), "expected a file that ends with .png"),
        (("demo", "map", "king", "-o", "no/such/m.png"), "is not there"),
        (("demo", "similarity", "king", "queen", "-o", "m.png"), "expected a file that ends with .csv, got m.png"),
        (("list", "-n", "3"), "list shows the words of a SPEC with -n"),
        (("demo", "map", "king"), "two words or more"),
        (("demo", "map", "--method", "pc"), "got 'pc' (did you mean pca?)"),
        (("demo", "map", "--method", "axes"), "--method axes needs --pairs"),
        (("demo", "map", "--method", "axes", "--pairs", "man"), "--pairs must be two pairs of words"),
        (("demo", "map", "--pairs", "a:b,c:d"), "--pairs belongs to --method axes"),
        (("demo", "map", "--components", "1,x"), "--components must be two whole numbers"),
        (("demo", "map", "--components", "1,999"), "two different components from 1 to"),
        (("demo", "map", "--method", "tsne", "--seed", "x"), "--seed must be a whole number"),
        (("demo", "evaluate", "gogle"), "did you mean google?"),
        (("demo", "evaluate", "google", "--restrict", "0"), "--restrict must be at least 1"),
        (("train",), "train needs a CORPUS"),
        (("train", "teaching"), "train needs -o FILE"),
        (("train", "nowhere", "-o", "w.bin"), "neither a corpus"),
        (("train", "a", "b", "-o", "w.bin"), "train takes one CORPUS, got 2"),
        (("train", "teaching", "-o", "."), "is a folder"),
        (("train", "teaching", "-o", "w.bin", "--epochs", "0", "--window", "x"), "--window must be a whole number"),
        (("train", "teaching", "-o", "w.bin", "--min-count", "999999"), "a word stands 999999 times"),
    ],
)
def test_what_cannot_be_done_is_said_in_two_lines(llm_lab: Any, argv: tuple[str, ...], title: str) -> None:
    said = llm_lab("vectors", *argv)
    assert said.code == 2, said.err
    assert title in said.error["title"]
    assert title in json.loads(llm_lab("vectors", *argv, "--json").out.splitlines()[-1])["error"]["title"]


def test_a_training_that_cannot_begin_makes_no_folder(llm_lab: Any, tmp_path: Path) -> None:
    for wrong in (("teaching", "--workers", 0), ("nowhere",)):
        assert llm_lab("vectors", "train", *wrong, "-o", tmp_path / "a/b/w.bin").code == 2
    (tmp_path / "file").touch()
    said = llm_lab("vectors", "train", "teaching", "-o", tmp_path / "file" / "w.bin")
    assert said.code == 2 and "cannot be written into" in said.error["title"]
    assert not (tmp_path / "a").exists()


def test_the_help_names_every_setting(llm_lab: Any) -> None:
    said = llm_lab("vectors", "--help").out
    for word in ("odd-one-out", "--vector-size", "--pairs", "--restrict", "CORPUS train", "demo:wpe"):
        assert word in said
