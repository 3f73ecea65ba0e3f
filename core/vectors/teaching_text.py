"""The teaching corpus: plain English sentences made from templates, the same for the same seed.

No sentence says that a king is to a man what a queen is to a woman. The words meet, each in its own sentences, what
goes with them: *he* and *his* or *she* and *her*, thrones or newspapers, *yesterday* or *tomorrow*, mayors and airports
or governments and borders, *many* or *each*. That is all that Word2Vec has to learn from.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterable, Iterator, Mapping

from core.vectors import teaching_everyday as everyday
from core.vectors import teaching_frames as frames
from core.vectors import teaching_words as words
from core.vectors.teaching_words import Row

_Slots = dict[str, str | tuple[str, ...]]
"""What is put into a sentence; of several one is drawn."""

REPEATS = 40
"""Sentences for each form of a word."""

MALE = {"he": "he", "his": "his", "him": "him", "himself": "himself", "person": "man"}
FEMALE = {"he": "she", "his": "her", "him": "her", "himself": "herself", "person": "woman"}

_OPENERS = frozenset(
    ("a", "an", "the", "{his}", "of", "with", "in", "on", "at", "for", "from", "to", "under", "over", "across", "about")
) | frozenset(("into", "beside", "behind", "near", "around", "above", "after", "before", "along", "through", "up"))


def write_corpus(seed: int = 1) -> str:
    """The teaching corpus, one sentence a line, in an order of chance.

    The same text for the same seed in every release of Python (``random.Random`` promises that for what is used here).
    """
    rng = random.Random(seed)
    topics = (_people, _countries, _verbs, _nouns, _adjectives, _animals, _workers, _things, _said)
    lines = [_set(line) for topic in topics for line in topic(rng)]
    rng.shuffle(lines)
    return "\n".join(lines) + "\n"


def _set(line: str) -> str:
    """A sentence as it is printed: ``a`` is ``an`` before a vowel, a capital first, a full stop last."""
    line = re.sub(r"\b([Aa]) (?=[aeio]|u(?!ni))", r"\1n ", line)
    return f"{line[0].upper()}{line[1:]}."


def _fill(rng: random.Random, sentences: Iterable[str], times: int, **slots: str | tuple[str, ...]) -> Iterator[str]:
    """So many sentences from frames by chance; of a slot with several values one is drawn for each sentence."""
    choices = tuple(sentences)
    for _ in range(times):
        values = {name: value if isinstance(value, str) else rng.choice(value) for name, value in slots.items()}
        values = {name: value.format_map(_Kept(values)) for name, value in values.items()}
        yield rng.choice(choices).format_map(values | _capitals(values))


class _Kept(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "{" + name + "}"


def _capitals(values: Mapping[str, str]) -> dict[str, str]:
    return {"He": values["he"].capitalize()} if "he" in values else {}


def _people(rng: random.Random) -> Iterator[str]:
    sexes = ((MALE, words.MALE_NAMES), (FEMALE, words.FEMALE_NAMES))
    tables = (
        (words.ROYALS, frames.ROYAL),
        (words.NOBLES, frames.NOBLE),
        (words.COMMONERS, frames.COMMON),
        (words.FAMILY, ()),
        (words.OTHERS, ()),
    )
    for table, more in tables:
        for row in table:
            for who, (pronouns, names) in zip(row.forms, sexes, strict=True):
                slots: _Slots = {"who": who, "name": tuple(names), **pronouns}
                yield from _fill(rng, frames.PEOPLE, REPEATS, phrase=row.phrases, **slots)
                yield from _fill(rng, more, REPEATS if more else 0, **slots)
                age = frames.CHILD if who in ("boy", "girl", "prince", "princess") else frames.GROWN if more else ()
                yield from _fill(rng, age, REPEATS * 3 // 2 if age else 0, **slots)
    for pronouns, names in sexes:
        for name in names:
            yield from _fill(rng, frames.PRONOUNS, REPEATS // 2, name=name, **pronouns)


def _countries(rng: random.Random) -> Iterator[str]:
    for row in words.COUNTRIES:
        country, capital, adjective = row.forms
        sight, *products = row.phrases
        slots: _Slots = {"country": country.title(), "capital": capital.title(), "adjective": adjective.title()}
        for kind, times in (
            (frames.COUNTRY, REPEATS),
            (frames.CAPITAL, REPEATS),
            (frames.ADJECTIVE, REPEATS),
            (frames.BOTH, REPEATS // 4),
        ):
            yield from _fill(rng, kind, times, sight=sight, product=tuple(products), **slots)


def _forms(rng: random.Random, table: Iterable[Row], slot: str, said: str, *kinds: tuple[str, ...]) -> Iterator[str]:
    """Each form of each row in the sentences of its kind, with the phrases that all forms share."""
    for row in table:
        for form, kind in zip(row.forms, kinds, strict=True):
            slots: _Slots = {slot: form, said: row.phrases}
            yield from _fill(rng, kind, REPEATS, **slots)


def _verbs(rng: random.Random) -> Iterator[str]:
    return _forms(rng, words.VERBS, "v", "what", frames.PLAIN, frames.PAST, frames.GOING_ON)


def _nouns(rng: random.Random) -> Iterator[str]:
    return _forms(rng, words.NOUNS, "n", "where", frames.ONE, frames.MANY)


def _adjectives(rng: random.Random) -> Iterator[str]:
    return _forms(rng, words.ADJECTIVES, "a", "n", frames.SO, frames.MORE, frames.MOST)


def _animals(rng: random.Random) -> Iterator[str]:
    for row in words.ANIMALS:
        does, home, food = row.phrases
        for form, own in zip(row.forms, (frames.ADULT, frames.YOUNG), strict=True):
            for kind in (frames.ANIMAL, own):
                yield from _fill(rng, kind, REPEATS // 2, n=form, does=does, home=home, food=food)


def _workers(rng: random.Random) -> Iterator[str]:
    for row in everyday.OCCUPATIONS:
        who = row.forms[0]
        men = round(3 * REPEATS * everyday.LEANING.get(who, 0.5))
        for times, pronouns, names in ((men, MALE, words.MALE_NAMES), (3 * REPEATS - men, FEMALE, words.FEMALE_NAMES)):
            slots: _Slots = {"who": who, "name": tuple(names), **pronouns}
            yield from _fill(rng, everyday.WORK_FRAMES, times, phrase=row.phrases, **slots)


def _things(rng: random.Random) -> Iterator[str]:
    for kind, (named, own) in everyday.THINGS.items():
        for word in named.split():
            yield from _fill(rng, own, REPEATS, w=word)
        if kind in everyday.ORDERED:
            for word, following in itertools.pairwise(named.split()):
                yield from _fill(rng, everyday.NEXT, REPEATS // 2, w=word, phrase=following)
    for row in everyday.COMPANIONS:
        yield from _fill(rng, everyday.COMPANY, REPEATS // 2, w=row.forms[0], phrase=row.phrases)
    for sentences in (everyday.BANK, everyday.MONEY, everyday.RIVER):
        yield from _fill(rng, sentences, REPEATS)


def nouns(phrase: str) -> list[str]:
    """The nouns of a phrase of the tables: what closes each part that an article or a preposition opens.

    >>> nouns("read {his} newspaper on the train"), nouns("tomatoes"), nouns("lived alone after the funeral")
    (['newspaper', 'train'], ['tomatoes'], ['funeral'])
    """
    found: list[str] = []
    inside = False
    before = ""
    for word in [*phrase.split(), "and"]:
        if word in _OPENERS or word in ("and", "is"):
            if inside and before not in _OPENERS:
                found.append(before)
            inside = word in _OPENERS
        before = word
    return found or [phrase.split()[-1]]


def _said(rng: random.Random) -> Iterator[str]:
    """Sentences about what is said of all these words.

    Without them such a word would be met in the company of one other alone, and be all but the same to Word2Vec.
    """
    people = (words.ROYALS, words.NOBLES, words.COMMONERS, words.FAMILY, words.OTHERS, everyday.OCCUPATIONS)
    tables = (*people, words.COUNTRIES, words.VERBS, words.NOUNS, words.ADJECTIVES)
    forms = {form for table in tables for row in table for form in row.forms}
    said = [phrase for table in tables for row in table for phrase in row.phrases]
    said += [phrase for row in words.ANIMALS for phrase in row.phrases[1:]]
    for word in dict.fromkeys(noun for phrase in said for noun in nouns(phrase)):
        if word not in forms:
            yield from _fill(rng, frames.ABOUT, REPEATS // 2, n=word)
