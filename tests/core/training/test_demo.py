"""What ships as the demo: its size, its kind, its card, and that its heads are worth looking at."""

from __future__ import annotations

import json
import math

import torch

import core
from core.folders import asset
from core.model.profiles import head_profiles
from core.training.runs import open_run

MOST_BYTES = 15_000_000
MOST_PARAMETERS = 1_200_000


def test_all_that_ships_is_small() -> None:
    folder = asset("demo").parent
    total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert total <= MOST_BYTES, f"{total:,} bytes"


def test_it_is_a_run_like_any_other() -> None:
    run = open_run("demo")
    config = run.config
    assert run.meta["parameters"] <= MOST_PARAMETERS
    assert (config.model.context_length, config.corpus) == (256, "python-docs")
    assert len(run.snapshots) == 7 and run.snapshots[0].step == 0
    assert len(run.meta["corpus"]["sha256"]) == 64
    losses = [event.val_loss for event in run.events() if event.kind == "eval"]
    assert losses[0] > losses[-1] > 0


def test_its_tokenizer_is_our_own() -> None:
    lab = core.load_model("demo")
    assert isinstance(lab.tokenizer, core.BPETokenizer)
    text = "The for statement, ünïcödé and 12345"
    assert lab.tokenizer.decode(lab.tokenizer.encode(text)) == text
    assert lab.tokenizer.vocab_size == lab.config.vocab_size


def test_its_card_says_where_it_comes_from() -> None:
    card = (asset("demo") / "README.md").read_text(encoding="utf-8")
    meta = json.loads((asset("demo") / "run.json").read_text(encoding="utf-8"))
    for said in (meta["corpus"]["sha256"], "make assets", "PSF License", "Validation loss", f"{meta['parameters']:,}"):
        assert said in card, said
    assert "/tmp" not in card and "/tmp" not in json.dumps(meta), "no path of the machine that trained it"


def test_it_knows_more_than_chance_of_text() -> None:
    lab = core.load_model("demo")
    text = core.load_corpus("python-docs")[:20_000]
    ids = torch.tensor(lab.tokenizer.encode(text)[:257])
    with torch.no_grad():
        loss = torch.nn.functional.cross_entropy(lab.model(ids[None, :-1])[0], ids[1:])
    assert float(loss) < 0.5 * math.log(lab.tokenizer.vocab_size)


def test_heads_can_be_recognised() -> None:
    """One that looks at the token before, and one of induction, which comes later: both on tokens without sense."""
    found = head_profiles(core.load_model("demo").model)
    untrained = head_profiles(core.load_model("demo@0").model)
    layer, _, previous = found.best("previous")
    induction_layer, _, induction = found.best("induction")
    assert previous > 0.5 and induction > 0.25
    assert induction_layer > layer, "an induction head stands on one that looks at the token before"
    for measure in ("previous", "induction"):
        assert untrained.best(measure)[2] < 2 * untrained.chance[measure]


def test_its_history_shows_them_appear_one_after_the_other() -> None:
    steps = [snapshot.step for snapshot in open_run("demo").snapshots]
    rise = {step: head_profiles(core.load_model(f"demo@{step}").model, texts=1) for step in steps}
    first = {m: next(s for s in steps if rise[s].best(m)[2] > 0.2) for m in ("previous", "induction")}
    assert steps[0] < first["previous"] < first["induction"] < steps[-1]
