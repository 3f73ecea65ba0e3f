"""The demo's model card: what it is, what it was trained on, how well it does, and which of its heads to look at."""

from __future__ import annotations

import platform
from pathlib import Path

from core.generation.engine import generate
from core.generation.settings import SamplingConfig
from core.model.profiles import MEASURES, head_profiles
from core.training.events import EvalEvent
from core.training.runs import open_run
from core.weights.checkpoint import LoadedModel, load_model

LICENCE = """The text is the Python manual as `pydoc_data.topics` carries it, part of Python itself: copyright Python
Software Foundation, under the PSF License Version 2 (examples in it also under the Zero-Clause BSD License). The
weights and this card are under the licence of LLM Lab."""
PROMPT = "A class definition"
"""What the sample on the card goes on from."""


def write_card(folder: Path, run_dir: Path) -> None:
    """Writes ``README.md`` into the folder that ships, from the run that it came from."""
    run, lab = open_run(run_dir), load_model(str(run_dir) + "@latest", device="cpu")
    meta = run.meta
    corpus, model = meta["corpus"], meta["config"]["model"]
    evals = [event for event in run.events() if isinstance(event, EvalEvent)]
    best = min(evals, key=lambda event: event.val_loss)
    sampling = SamplingConfig(max_new_tokens=150, temperature=0.7, top_p=0.95, seed=1)
    sample = "".join(step.text for step in generate(lab, PROMPT, sampling))
    bits = best.val_loss / 0.6931471805599453 / corpus["bytes_per_token"]
    lines = [
        "# The demo model",
        "",
        f"A GPT of {meta['parameters']:,} parameters: {model['n_layers']} layers, {model['n_heads']} heads, width "
        f"{model['emb_dim']}, context {model['context_length']}, a byte-pair vocabulary of {model['vocab_size']} of "
        "our own. It ships so that every screen has something real to show without a network; it writes like the "
        "Python manual and knows nothing.",
        "",
        f"- Command: `make assets` (`python -m core.training.demo`), seed {meta['seed']}, {meta['device']}, "
        f"{meta['dtype']}, torch {meta['versions']['torch']}, Python {platform.python_version()}",
        f"- Corpus: `{corpus['name']}`, {corpus['characters']:,} characters, SHA-256 `{corpus['sha256']}`. It differs "
        "between Python releases, so another release makes another demo.",
        f"- {evals[-1].step:,} steps of {meta['config']['batch_size']} windows, dropout {model['drop_rate']}; the last "
        f"tenth of the text is for validation. {meta['config']['repeat_fraction']:.0%} of the training windows are "
        "random tokens said over and over, from which a small model learns induction heads",
        f"- Validation loss {evals[-1].val_loss:.3f} nats a token at the end, {best.val_loss:.3f} at best (step "
        f"{best.step:,}; {bits:.2f} bits a byte); training loss {evals[-1].train_loss:.3f}. The text is small and "
        "read many times: it is learnt by heart in part, as the distance of the two says.",
        "",
        "## Its heads",
        "",
        *_heads(lab),
        "",
        "## A sample",
        "",
        f"Temperature 0.7, top-p 0.95, seed 1, after `{PROMPT}`. Colder, it may fall into saying one thing over and "
        "over, which is what induction heads do.",
        "",
        *("    " + line for line in f"{PROMPT}{sample}".splitlines()),
        "",
        "## Licence",
        "",
        LICENCE,
        "",
    ]
    (folder / "README.md").write_text("\n".join(line.rstrip() for line in lines), encoding="utf-8")


def _heads(lab: LoadedModel) -> list[str]:
    from core.data.corpora import load_corpus

    ids = lab.tokenizer.encode(load_corpus("python-docs")[-4000:])[: lab.config.context_length]
    random, text = head_profiles(lab.model), head_profiles(lab.model, ids)
    lines = [
        "The strongest head for each measure (`core.head_profiles`), on repeated random tokens and on text that was",
        "not trained on; in brackets what a head that looks at all tokens alike would have:",
        "",
        "| measure | what it is | random tokens | text |",
        "|---|---|---|---|",
    ]
    for measure in ("previous", "duplicate", "induction", "first"):
        cells = []
        for found in (random, text):
            layer, head, value = found.best(measure)
            cells.append(f"layer {layer} head {head}: {value:.2f} ({found.chance[measure]:.2f})")
        lines.append(f"| {measure} | {MEASURES[measure].partition(' (')[0]} | {cells[0]} | {cells[1]} |")
    return lines
