"""How well word vectors answer analogies and agree with people: the two scores of the field.

The rules are gensim's (``evaluate_word_analogies`` and ``evaluate_word_pairs``), and so are the answers, by test: words
are compared without regard to case, only the first ``restrict_vocab`` words take part (files are sorted by frequency),
and a question with an unknown word is left out, or wrong with ``dummy4unknown``. Ours asks many questions in one matrix
product, says how far it is, and can be stopped.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.vectors.question_files import AnalogySet, BadLine, PairSet, read_questions

if TYPE_CHECKING:
    from core.vectors.store import Vectors

Question = tuple[str, str, str, str]

RESTRICT_VOCAB = 300_000
"""gensim's own limit."""
TOTAL = "total"
_BATCH_BYTES = 64 << 20
_MOST_QUESTIONS = 256
_LOOKED_AT = 5  # answers that gensim goes through for one that is not a word of the question in other letters


@dataclass(frozen=True, slots=True)
class Miss:
    """A question that was answered wrongly."""

    question: Question
    """a : b :: c : the word that was asked for."""
    got: str
    """The answer; empty where a word is unknown and that counts as wrong."""


@dataclass(frozen=True, slots=True)
class SectionScore:
    """How one section stands, or all of them (``section`` is ``total``)."""

    section: str
    right: int
    asked: int
    """Questions that were answered, rightly or not."""
    unknown: int
    """Questions with a word that has no vector, or is beyond ``restrict_vocab``."""
    questions: int
    """All of the section."""
    finished: bool
    """False while the section is being asked: how far it is."""
    done: float
    """How much of the whole file is done, 0 to 1."""
    misses: tuple[Miss, ...] = ()
    """The wrong ones, when it is finished."""

    @property
    def accuracy(self) -> float | None:
        """Right of asked, 0 to 1; None if nothing could be asked."""
        return self.right / self.asked if self.asked else None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, without the misses."""
        return {
            "section": self.section,
            "accuracy": self.accuracy,
            "right": self.right,
            "asked": self.asked,
            "unknown": self.unknown,
            "questions": self.questions,
        }


@dataclass(frozen=True, slots=True)
class PairsScore:
    """How the cosines of pairs agree with people's judgements."""

    name: str
    pearson: float
    pearson_p: float
    """Of the same or more by chance, two-sided."""
    spearman: float
    spearman_p: float
    pairs: int
    """That were compared."""
    unknown: int
    """With a word that has no vector."""
    malformed: tuple[BadLine, ...]

    @property
    def unknown_share(self) -> float:
        """gensim's ``oov_ratio``, as a share of all pairs."""
        return self.unknown / max(self.pairs + self.unknown, 1)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "name": self.name,
            "pearson": self.pearson,
            "pearson_p": self.pearson_p,
            "spearman": self.spearman,
            "spearman_p": self.spearman_p,
            "pairs": self.pairs,
            "unknown": self.unknown,
            "malformed": [str(line) for line in self.malformed],
        }


def evaluate_analogies(
    vectors: Vectors,
    questions: str | AnalogySet = "google",
    *,
    restrict_vocab: int = RESTRICT_VOCAB,
    case_insensitive: bool = True,
    dummy4unknown: bool = False,
    cancel: threading.Event | None = None,
) -> Iterator[SectionScore]:
    """Asks a : b :: c : ? and counts how often the word asked for comes first, the three of the question left out.

    Args:
        vectors: what is scored; its rows should be in the order of frequency.
        questions: ``google``, ``relations``, a file, or what ``read_questions`` has read (which names malformed lines).
        restrict_vocab: only the first so many words take part, as questions and as answers.
        case_insensitive: whether ``Paris`` in the file finds ``paris``; of several the most frequent.
        dummy4unknown: whether a question with an unknown word is wrong, rather than left out.
        cancel: set, it ends early, after the batch at hand.

    Yields:
        how the section at hand stands after every batch, each section when it is finished, and last the total.

    Raises:
        InputError: the file cannot be read, or holds pairs; ``restrict_vocab`` is below 1.
    """
    found = read_questions(questions) if isinstance(questions, str) else questions
    if not isinstance(found, AnalogySet):
        raise InputError(f"expected analogies, {found.name} holds pairs", "evaluate_pairs scores those")
    asker = _Asker(vectors, restrict_vocab, case_insensitive)
    return _evaluate(asker, found, dummy4unknown, cancel or threading.Event())


def _evaluate(asker: _Asker, found: AnalogySet, dummy4unknown: bool, cancel: threading.Event) -> Iterator[SectionScore]:
    before, right, asked, unknown = 0, 0, 0, 0
    for section, questions in found.sections:
        known = [question for question in questions if asker.knows(question)]
        left_out = len(questions) - len(known)
        misses: list[Miss] = []
        for start in range(0, len(known), asker.batch):
            if cancel.is_set():
                return
            if start:
                done = (before + left_out + start) / len(found)
                yield SectionScore(section, start - len(misses), start, left_out, len(questions), False, done)
            batch = known[start : start + asker.batch]
            answers = zip(batch, asker.answers(batch), strict=True)
            misses += [Miss(question, got) for question, got in answers if got != asker.form(question[3])]
        score = SectionScore(
            section,
            right=len(known) - len(misses),
            asked=len(questions) if dummy4unknown else len(known),
            unknown=left_out,
            questions=len(questions),
            finished=True,
            done=(before + len(questions)) / max(len(found), 1),
            misses=tuple(misses) + _unanswered(questions, known if dummy4unknown else questions),
        )
        before += len(questions)
        right, asked, unknown = right + score.right, asked + score.asked, unknown + left_out
        yield score
    yield SectionScore(TOTAL, right, asked, unknown, len(found), True, 1.0)


def _unanswered(questions: Sequence[Question], known: Sequence[Question]) -> tuple[Miss, ...]:
    answered = set(known)
    return tuple(Miss(question, "") for question in questions if question not in answered)


class _Asker:
    """The words that take part, and the answers to batches of questions about them."""

    def __init__(self, vectors: Vectors, restrict_vocab: int, case_insensitive: bool) -> None:
        if restrict_vocab < 1:
            raise InputError(f"restrict_vocab must be at least 1, got {restrict_vocab}", "300000 is gensim's")
        self._vectors = vectors
        self._size = min(restrict_vocab, len(vectors))
        self._upper = case_insensitive
        norms = np.array(vectors.norms[: self._size])
        self._pointless = np.flatnonzero(~((norms > 0) & np.isfinite(norms)))  # no direction, so no answer
        norms[self._pointless] = 1.0
        self._scale = 1.0 / norms
        self._row: dict[str, int] = {}
        for row, word in enumerate(vectors.words[: self._size]):
            self._row.setdefault(self.form(word), row)  # of several the first, which is the most frequent
        self.batch = max(1, min(_MOST_QUESTIONS, _BATCH_BYTES // (4 * max(self._size, 1))))

    def form(self, word: str) -> str:
        """The word as words are compared."""
        return word.upper() if self._upper else word

    def knows(self, question: Question) -> bool:
        """Whether all four words take part."""
        return all(self.form(word) in self._row for word in question)

    def cosine(self, a: str, b: str) -> float | None:
        """The cosine of two words; None if one takes no part or has no direction."""
        at = [self._row.get(self.form(word)) for word in (a, b)]
        if at[0] is None or at[1] is None:
            return None
        x, y = (np.asarray(self._vectors.matrix_all[row], dtype=np.float64) for row in at)
        lengths = float(np.linalg.norm(x) * np.linalg.norm(y))
        return float(x @ y) / lengths if lengths else None

    def answers(self, questions: list[Question]) -> list[str]:
        """The answer to each, as words are compared; gensim's ``most_similar(positive=[b, c], negative=[a])``."""
        if not questions:
            return []
        rows = np.array([[self._row[self.form(word)] for word in question[:3]] for question in questions])
        matrix = self._vectors.matrix_all[: self._size]
        a, b, c = (np.asarray(matrix[rows[:, i]]) * self._scale[rows[:, i], None] for i in range(3))
        cosines = (b + c - a) @ matrix.T
        cosines *= self._scale
        cosines[:, self._pointless] = -np.inf
        np.put_along_axis(cosines, rows, -np.inf, axis=1)
        found = []
        for line, best, question in zip(cosines, cosines.argmax(axis=1), questions, strict=True):
            asked = {self.form(word) for word in question[:3]}
            got = self.form(self._vectors.words[int(best)])
            found.append(got if got not in asked else self._further(line, asked))
        return found

    def _further(self, cosines: NDArray[np.float32], asked: set[str]) -> str:
        """The best of the first few that is no word of the question in other letters; failing that, the last."""
        few = min(_LOOKED_AT, len(cosines))
        best = np.argpartition(-cosines, few - 1)[:few]
        got = ""
        for row in best[np.argsort(-cosines[best], kind="stable")]:
            if cosines[row] == -np.inf:
                break
            got = self.form(self._vectors.words[int(row)])
            if got not in asked:
                break
        return got


def evaluate_pairs(
    vectors: Vectors,
    pairs: str | PairSet = "wordsim353",
    *,
    restrict_vocab: int = RESTRICT_VOCAB,
    case_insensitive: bool = True,
    dummy4unknown: bool = False,
) -> PairsScore:
    """The correlation between the cosines of pairs of words and how alike people found them.

    Args:
        vectors: what is scored.
        pairs: ``wordsim353``, a file (two words and a number a line), or what ``read_questions`` has read.
        restrict_vocab: only the first so many words take part.
        case_insensitive: whether case is looked past; of several words the most frequent.
        dummy4unknown: whether a pair with an unknown word counts as a cosine of 0, rather than being left out.

    Raises:
        InputError: the file cannot be read, holds analogies, or fewer than two of its pairs are known.
    """
    found = read_questions(pairs) if isinstance(pairs, str) else pairs
    if not isinstance(found, PairSet):
        raise InputError(f"expected pairs, {found.name} holds analogies", "evaluate_analogies scores those")
    asker = _Asker(vectors, restrict_vocab, case_insensitive)
    judged, measured, unknown = [], [], 0
    for a, b, value in found.pairs:
        cosine = asker.cosine(a, b)
        unknown += cosine is None
        if cosine is not None or dummy4unknown:
            judged.append(value)
            measured.append(cosine or 0.0)
    if len(judged) < 2:
        raise InputError(
            f"expected two pairs or more whose words are known, of {len(found)} in {found.name} there are "
            f"{len(judged)}",
            "larger vectors know more words: llm-lab pull glove-wiki-gigaword-50",
        )
    return _correlated(found, judged, measured, unknown)


def _correlated(found: PairSet, judged: list[float], measured: list[float], unknown: int) -> PairsScore:
    import warnings

    from scipy import stats

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a constant side has no correlation: nan says so
        pearson, spearman = stats.pearsonr(judged, measured), stats.spearmanr(judged, measured)
    return PairsScore(
        name=found.name,
        pearson=float(pearson[0]),
        pearson_p=float(pearson[1]),
        spearman=float(spearman[0]),
        spearman_p=float(spearman[1]),
        pairs=len(judged),
        unknown=unknown,
        malformed=found.malformed,
    )
