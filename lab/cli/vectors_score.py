"""``llm-lab vectors SPEC evaluate [FILE ...]``: analogies by section, and pairs with people's judgements."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Any

from core.errors import InputError
from lab.cli.drawing import replace_line
from lab.cli.report import print_json, two_lines
from lab.cli.signals import stop_on_signals
from lab.cli.vectors_sources import about, on_terminal, say_synthetic

if TYPE_CHECKING:
    from core.vectors.evaluation import PairsScore, SectionScore
    from core.vectors.question_files import AnalogySet, BadLine, PairSet
    from core.vectors.store import Vectors
    from lab.cli.vectors_flags import Asked

_NAMED = 5
"""Malformed lines that are shown."""


def evaluate(asked: Asked) -> int:
    """Scores vectors on files of questions; left out: the Google analogies and WordSim-353."""
    from core.vectors.question_files import AnalogySet, read_questions

    files = [read_questions(name) for name in asked.words or ("google", "wordsim353")]
    if asked.given.get("restrict", 1) < 1:
        raise InputError(f"--restrict must be at least 1, got {asked.given['restrict']}", "300000 is gensim's")
    vectors = asked.load()
    if not asked.as_json:
        print(f"{vectors.label}: {len(vectors):,} words x {vectors.width}")
    cancelled = threading.Event()
    with stop_on_signals(cancelled.set, lambda said: None) as received:
        for found in files:
            if isinstance(found, AnalogySet):
                _analogies(asked, vectors, found, cancelled)
            else:
                _pairs(asked, vectors, found, alone=len(files) == 1)
            if cancelled.is_set():
                if asked.as_json:
                    print_json({"kind": "interrupted", "name": found.name})
                else:
                    two_lines("ended early: the scores above are of what was asked by then", "")
                return received.exit_code
    if not asked.as_json:
        say_synthetic(vectors)
    return 0


def _settings(asked: Asked) -> dict[str, Any]:
    given = asked.given
    found: dict[str, Any] = {
        "case_insensitive": not given.get("match_case"),
        "dummy4unknown": bool(given.get("count_unknown")),
    }
    return found | ({"restrict_vocab": given["restrict"]} if "restrict" in given else {})


def _analogies(asked: Asked, vectors: Vectors, found: AnalogySet, cancelled: threading.Event) -> None:
    from core.vectors.evaluation import TOTAL, evaluate_analogies
    from lab.cli.runs import print_table

    settings = _settings(asked)
    rows: list[tuple[str, ...]] = []
    missed: list[str] = []
    drawn = on_terminal() and not asked.as_json
    for score in evaluate_analogies(vectors, found, cancel=cancelled, **settings):
        if drawn:
            replace_line("" if score.section == TOTAL else f"{score.done:>4.0%}  {score.section}")
        if not score.finished:
            continue
        rows.append(_row(score))
        missed += [f"{' '.join(m.question)}: {m.got.lower() or 'unknown'}" for m in score.misses]
        if asked.as_json:
            print_json(_line(asked, vectors, found, score))
    if asked.as_json:
        return
    if drawn:
        replace_line()
    print_table((found.name, "right", "of", "accuracy", "unknown"), rows)
    if asked.given.get("misses"):
        print("\n".join(missed))
    _tell_malformed(found.malformed, found.name)


def _line(asked: Asked, vectors: Vectors, found: AnalogySet, score: SectionScore) -> dict[str, Any]:
    from core.vectors.evaluation import TOTAL

    if score.section == TOTAL:
        return {
            "kind": "analogies",
            **about(vectors),
            "name": found.name,
            **_settings(asked),
            **score.to_dict(),
            "malformed": [str(line) for line in found.malformed],
        }
    line: dict[str, Any] = {"kind": "section", "name": found.name, **score.to_dict()}
    if asked.given.get("misses"):
        line["misses"] = [{"question": list(miss.question), "got": miss.got} for miss in score.misses]
    return line


def _row(score: SectionScore) -> tuple[str, ...]:
    accuracy = "–" if score.accuracy is None else f"{score.accuracy:.1%}"
    return (score.section, f"{score.right:,}", f"{score.asked:,}", accuracy, f"{score.unknown:,}")


def _pairs(asked: Asked, vectors: Vectors, found: PairSet, alone: bool) -> None:
    from core.vectors.evaluation import evaluate_pairs

    try:
        score: PairsScore = evaluate_pairs(vectors, found, **_settings(asked))
    except InputError as error:
        if alone:
            raise
        if asked.as_json:
            print_json({"kind": "pairs", **about(vectors), "name": found.name, "pairs": 0, "why": error.title})
        else:
            two_lines(error.title, error.hint)
        return
    if asked.as_json:
        print_json({"kind": "pairs", **about(vectors), **_settings(asked), **score.to_dict()})
        return
    if math.isnan(score.spearman):
        print(f"{score.name}: no correlation, one side is the same for all of {score.pairs:,} pairs")
    else:
        print(
            f"{score.name}: Spearman {score.spearman:.4f} (p {score.spearman_p:.2g}), "
            f"Pearson {score.pearson:.4f} (p {score.pearson_p:.2g}), {score.pairs:,} pairs, {score.unknown:,} unknown"
        )
    _tell_malformed(found.malformed, found.name)


def _tell_malformed(lines: tuple[BadLine, ...], name: str) -> None:
    if not lines:
        return
    more = f"; and {len(lines) - _NAMED:,} more" if len(lines) > _NAMED else ""
    two_lines(
        f"{len(lines):,} malformed line{'s' * (len(lines) > 1)} of {name} left out: "
        + "; ".join(map(str, lines[:_NAMED]))
        + more,
        "",
    )
