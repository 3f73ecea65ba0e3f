"""The demo vectors: what they are trained on, what they are expected to know, and how they are made.

``python -m core.vectors.teaching`` (part of ``make assets``) writes the teaching corpus, trains on it with our own
Word2Vec, scores the result on every relation that the corpus teaches, and puts ``assets/demo-vectors`` in place.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from core.files import write_json_atomic
from core.vectors import teaching_words as words
from core.vectors.teaching_card import REAL, card
from core.vectors.teaching_text import write_corpus
from core.vectors.teaching_words import Row
from core.vectors.training_config import Word2VecConfig

__all__ = ["CONFIG", "RELATIONS", "SEED", "make_demo", "write_corpus"]

SEED = 1
CONFIG = Word2VecConfig(
    method="skip-gram",
    vector_size=64,
    window=5,
    min_count=5,
    negative=10,
    sample=3e-4,
    epochs=12,
    alpha=0.05,
    seed=SEED,
)


def _pairs(table: tuple[Row, ...], first: int, second: int) -> tuple[tuple[str, str], ...]:
    return tuple((row.forms[first], row.forms[second]) for row in table)


RELATIONS: dict[str, tuple[tuple[str, str], ...]] = {
    "royalty-and-gender": _pairs((*words.COMMONERS, *words.ROYALS, *words.NOBLES), 0, 1),
    "family": _pairs(words.FAMILY, 0, 1),
    "gender-of-others": _pairs(words.OTHERS, 0, 1),
    "common-to-royal": (("man", "king"), ("woman", "queen"), ("boy", "prince"), ("girl", "princess")),
    "country-capital": _pairs(words.COUNTRIES, 0, 1),
    "country-adjective": _pairs(words.COUNTRIES, 0, 2),
    "verb-past": _pairs(words.VERBS, 0, 1),
    "verb-ing": _pairs(words.VERBS, 0, 2),
    "plural": _pairs(words.NOUNS, 0, 1),
    "comparative": _pairs(words.ADJECTIVES, 0, 1),
    "superlative": _pairs(words.ADJECTIVES, 0, 2),
    "animal-young": _pairs(words.ANIMALS, 0, 1),
}
"""What the corpus teaches: section, and its pairs. Every two pairs of a section make two questions."""


def analogy_lines() -> str:
    """Every question that the relations make, in the format of the Google analogy set."""
    lines = []
    for section, pairs in RELATIONS.items():
        lines.append(f": {section}")
        for (a, b), (c, d) in itertools.permutations(pairs, 2):
            lines.append(f"{a} {b} {c} {d}")
    return "\n".join(lines) + "\n"


def train_demo() -> tuple[Any, dict[str, Any]]:
    """Trains the demo vectors, and says what was done: gensim's ``KeyedVectors``, and the facts of ``demo.json``."""
    from core.vectors.training import CountedEvent, EpochEvent, VectorTraining

    text = write_corpus(SEED)
    training = VectorTraining(text, CONFIG, name="teaching")
    facts: dict[str, Any] = {
        "name": "demo",
        "synthetic": True,
        "label": "demo vectors, synthetic: trained on made-up sentences",
        "real": f"real ones: {REAL}",
        "seed": SEED,
        "corpus_sha256": hashlib.sha256(text.encode("utf-8")).hexdigest(),
        "config": dataclasses.asdict(CONFIG),
    }
    for event in training:
        if isinstance(event, CountedEvent):
            facts |= {"sentences": event.sentences, "tokens": event.words, "words": event.vocabulary}
        elif isinstance(event, EpochEvent):
            facts["loss"] = round(event.loss, 4)
    return training.keyed(), facts


def score_relations(keyed: Any) -> list[tuple[str, int, int]]:
    """Each relation with the questions that were answered right, and all of them."""
    import numpy as np

    unit = keyed.vectors / np.linalg.norm(keyed.vectors, axis=1, keepdims=True)
    at = keyed.key_to_index
    found = []
    for section, pairs in RELATIONS.items():
        right = asked = 0
        for (a, b), (c, d) in itertools.permutations(pairs, 2):
            cosines = unit @ (unit[at[b]] - unit[at[a]] + unit[at[c]])
            cosines[[at[a], at[b], at[c]]] = -np.inf
            right += int(cosines.argmax()) == at[d]
            asked += 1
        found.append((section, right, asked))
    return found


def make_demo(target: Path) -> None:
    """Trains the demo vectors and puts what ships of them into ``target``, over the same files of before."""
    from core.vectors.training import save

    keyed, facts = train_demo()
    sections = score_relations(keyed)
    facts["relations"] = {name: [right, asked] for name, right, asked in sections}
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "ships"
        save(keyed, fresh / "vectors.bin")
        write_json_atomic(fresh / "demo.json", facts)
        (fresh / "README.md").write_text(card(facts, CONFIG, sections), encoding="utf-8")
        shutil.copytree(fresh, target, dirs_exist_ok=True)  # whatever else is in that folder stays


if __name__ == "__main__":
    make_demo(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2] / "assets/demo-vectors")
