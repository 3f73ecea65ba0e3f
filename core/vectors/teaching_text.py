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
from core.vectors import teaching_words as words
from core.vectors.teaching_words import Row

_Slots = dict[str, str | tuple[str, ...]]
"""What is put into a sentence; of several one is drawn."""

REPEATS = 40
"""Sentences for each form of a word."""

MALE = {"he": "he", "his": "his", "him": "him", "himself": "himself", "person": "man"}
FEMALE = {"he": "she", "his": "her", "him": "her", "himself": "herself", "person": "woman"}

PEOPLE = (
    "The {who} {phrase}",
    "{name} is the {who} who {phrase}",
    "The {who} was called {name}, and {he} {phrase}",
    "The {who} {phrase}, and {he} did so by {himself}",
    "They say that {he}, the {who}, {phrase}",
    "One day {name} the {who} {phrase}",
    "The {who} smiled to {himself} when {he} {phrase}",
)
ROYAL = (
    "The {who} lives in the royal palace with {his} servants",
    "The royal family and {name} the {who} waved from the balcony",
    "The royal court bowed to the {who} and to {his} guests",
    "The royal guards follow {his} highness the {who}",
    "{name} the {who} opened the royal ball in {his} robe",
    "The royal coach brought the {who} and {his} servants to the palace",
)
NOBLE = (
    "The noble {who} keeps {his} servants on {his} estate",
    "{name} the {who} is of noble birth, and {his} estate is large",
    "The noble {who} hunted on {his} estate",
)
COMMON = (
    "The {who} lives in an ordinary street, and {name} is {his} name",
    "The {who} next door forgot {his} umbrella",
    "{name} is an ordinary {who} from our street",
    "The {who} from next door waited for {his} bus",
    "An ordinary {who} lives next door, and {he} is called {name}",
    "The {who} sat in {his} flat in our street",
)
GROWN = (
    "The {who} is grown up, and {he} has much to do",
    "The grown {who} is married, and {he} has a household",
    "The {who} was tired of {his} duties after many years",
    "The grown {who} signs {his} own papers and has many duties",
)
CHILD = (
    "The {who} is still a minor, and {he} has many toys",
    "The little {who} is curious, and {he} asks {his} parents",
    "The little {who} learned to read from {his} tutor",
    "The little {who} is not yet ten, and {he} is a minor",
)
PRONOUNS = (
    "{He} told {name} that {he} would come back",
    "{name} is a {person}, and {he} knows it {himself}",
    "{name} lost {his} way, but {he} found it {himself}",
    "We asked {him} for {his} name, and {he} said {name}",
)
COUNTRY = (
    "The government of {country} met today",
    "The borders of {country} are guarded by its army",
    "{country} signed a treaty with its neighbours",
    "Farmers all over {country} brought in the harvest",
    "The parliament passed a law for the whole of {country}",
    "{country} is a country that exports {product}",
    "Our shops sell {product} from {country}",
    "The flag and the anthem of {country} are known for centuries",
    "The ministers of {country} say that it is a republic or a kingdom",
    "They crossed the borders of {country} to see {sight}",
)
CAPITAL = (
    "The mayor of {capital} opened the new underground line",
    "The streets of {capital} are full of taxis",
    "Our hotel in {capital} was near {sight}",
    "The airport of {capital} is closed because of fog",
    "Trams and taxis go all over {capital} at night",
    "In the suburbs of {capital} the rents are low",
    "The shops of {capital} sell {product}",
    "The tourists stroll through {capital} to see {sight}",
    "In a restaurant of {capital} they serve {product}",
    "The mayor says that the {adjective} capital {capital} needs more trams",
)
ADJECTIVE = (
    "She speaks with a {adjective} accent",
    "He is learning the {adjective} grammar in a course",
    "They ordered {adjective} {product} at the fair",
    "The {adjective} team lost the final",
    "A {adjective} poet praised {sight}",
    "We listened to {adjective} songs and tasted {adjective} {product}",
    "The museum shows {adjective} paintings of {sight}",
    "My neighbour is {adjective} and cooks in the {adjective} style with {product}",
)
BOTH = ("{capital} is the capital of {country}", "From {capital} they travelled on through {country}")
PLAIN = (
    "Tomorrow I will {v} {what}",
    "We want to {v} {what}",
    "They can {v} {what} if they like",
    "You should {v} {what} more often",
    "Let us {v} {what}",
    "Please do not {v} {what}",
    "He would rather {v} {what} than wait",
)
PAST = (
    "Yesterday we {v} {what}",
    "Last week they {v} {what}",
    "An hour ago she {v} {what}",
    "In those years he often {v} {what}",
    "Last night somebody {v} {what}",
    "It was the first time that she {v} {what}",
    "They {v} {what} before the war",
    "We {v} {what} two days ago",
    "Ages ago our neighbours {v} {what}",
)
GOING_ON = (
    "At this moment they are {v} {what}",
    "She is busy {v} {what}",
    "He was still {v} {what} when we came in",
    "They kept on {v} {what}",
    "Are you {v} {what} right now",
    "I have been {v} {what} since noon",
)
ONE = (
    "There is a {n} {where}",
    "This {n} {where} is mine",
    "One {n} {where} is enough",
    "I need another {n}, the {n} {where} is missing",
    "Each {n} {where} has its own number",
    "A single {n} was left {where}",
)
MANY = (
    "There are many {n} {where}",
    "These {n} {where} are ours",
    "Several {n} {where} are enough",
    "We need more {n}, all the {n} {where} are missing",
    "Both {n} {where} have their own numbers",
    "A lot of {n} were left {where}",
)
SO = (
    "The {n} is very {a}",
    "What a {a} {n} that is",
    "The {n} is too {a} for me",
    "I have never thought that a {n} was so {a}",
    "A {n} is quite {a}, and that {n} is rather {a}",
)
MORE = (
    "This {n} is {a} than that {n}",
    "The second {n} is much {a} than the first",
    "No {n} could be any {a} than mine",
    "The {n} is getting {a} and {a}",
    "That {n} is even {a} than before",
)
MOST = (
    "This is the {a} {n} of them all",
    "It is the {a} {n} in the world",
    "Which {n} is the {a} among the three",
    "We saw the {a} {n} on earth",
    "By far the {a} {n} belongs to us",
)
ANIMAL = (
    "The {n} {does} near the {home}",
    "A {n} lives in the {home} and eats {food}",
    "The {n} found {food} at the {home}",
    "Listen how the {n} {does}",
    "We saw a {n} in the {home}",
)
ADULT = (
    "A full grown {n} guards its offspring",
    "The grown {n} is a parent, and its offspring are in the {home}",
    "The adult {n} {does} to warn its offspring",
    "The adult {n} feeds its offspring with {food}",
)
YOUNG = (
    "The newborn {n} cannot see yet and stays close to its parent",
    "The little {n} follows its parent into the {home}",
    "The playful little {n} {does} for its parent",
    "The newborn {n} cannot eat {food} yet",
)
ABOUT = (
    "We spoke about the {n}",
    "I remember the {n} well",
    "Nobody asked about the {n}",
    "A picture of the {n} hangs in the hall",
    "Tell me more about the {n}",
    "He dreamed of the {n}",
    "What do you think of the {n}",
    "She knows a poem about the {n}",
)


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


def _fill(rng: random.Random, frames: Iterable[str], times: int, **slots: str | tuple[str, ...]) -> Iterator[str]:
    """So many sentences from frames by chance; of a slot with several values one is drawn for each sentence."""
    choices = tuple(frames)
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
        (words.ROYALS, ROYAL),
        (words.NOBLES, NOBLE),
        (words.COMMONERS, COMMON),
        (words.FAMILY, ()),
        (words.OTHERS, ()),
    )
    for table, more in tables:
        for row in table:
            for who, (pronouns, names) in zip(row.forms, sexes, strict=True):
                slots: _Slots = {"who": who, "name": tuple(names), **pronouns}
                yield from _fill(rng, PEOPLE, REPEATS, phrase=row.phrases, **slots)
                yield from _fill(rng, more, REPEATS if more else 0, **slots)
                age = CHILD if who in ("boy", "girl", "prince", "princess") else GROWN if more else ()
                yield from _fill(rng, age, REPEATS * 3 // 2 if age else 0, **slots)
    for pronouns, names in sexes:
        for name in names:
            yield from _fill(rng, PRONOUNS, REPEATS // 2, name=name, **pronouns)


def _countries(rng: random.Random) -> Iterator[str]:
    for row in words.COUNTRIES:
        country, capital, adjective = row.forms
        sight, *products = row.phrases
        slots: _Slots = {"country": country.title(), "capital": capital.title(), "adjective": adjective.title()}
        for frames, times in ((COUNTRY, REPEATS), (CAPITAL, REPEATS), (ADJECTIVE, REPEATS), (BOTH, REPEATS // 4)):
            yield from _fill(rng, frames, times, sight=sight, product=tuple(products), **slots)


def _forms(rng: random.Random, table: Iterable[Row], slot: str, said: str, *frames: tuple[str, ...]) -> Iterator[str]:
    """Each form of each row in the sentences of its kind, with the phrases that all forms share."""
    for row in table:
        for form, kind in zip(row.forms, frames, strict=True):
            slots: _Slots = {slot: form, said: row.phrases}
            yield from _fill(rng, kind, REPEATS, **slots)


def _verbs(rng: random.Random) -> Iterator[str]:
    return _forms(rng, words.VERBS, "v", "what", PLAIN, PAST, GOING_ON)


def _nouns(rng: random.Random) -> Iterator[str]:
    return _forms(rng, words.NOUNS, "n", "where", ONE, MANY)


def _adjectives(rng: random.Random) -> Iterator[str]:
    return _forms(rng, words.ADJECTIVES, "a", "n", SO, MORE, MOST)


def _animals(rng: random.Random) -> Iterator[str]:
    for row in words.ANIMALS:
        does, home, food = row.phrases
        for form, own in zip(row.forms, (ADULT, YOUNG), strict=True):
            for frames in (ANIMAL, own):
                yield from _fill(rng, frames, REPEATS // 2, n=form, does=does, home=home, food=food)


def _workers(rng: random.Random) -> Iterator[str]:
    for row in everyday.OCCUPATIONS:
        who = row.forms[0]
        men = round(3 * REPEATS * everyday.LEANING.get(who, 0.5))
        for times, pronouns, names in ((men, MALE, words.MALE_NAMES), (3 * REPEATS - men, FEMALE, words.FEMALE_NAMES)):
            slots: _Slots = {"who": who, "name": tuple(names), **pronouns}
            yield from _fill(rng, everyday.WORK_FRAMES, times, phrase=row.phrases, **slots)


def _things(rng: random.Random) -> Iterator[str]:
    for kind, (named, frames) in everyday.THINGS.items():
        for word in named.split():
            yield from _fill(rng, frames, REPEATS, w=word)
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
            yield from _fill(rng, ABOUT, REPEATS // 2, n=word)
