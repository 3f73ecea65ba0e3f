"""``llm-lab vectors SPEC ACTION WORDS``: ask word vectors, draw them, score them, train them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple

from cyclopts import Group, Parameter

from core.errors import InputError, nearest
from lab.cli import vectors_ask, vectors_map, vectors_score, vectors_sources, vectors_train
from lab.cli.commands import PROGRAM
from lab.cli.control import json_flag
from lab.cli.vectors_flags import Asked, flag, with_word2vec_flags

USAGE = "llm-lab vectors demo analogy 'king - man + woman', or llm-lab vectors list"

_ASKING = Group("Asking", sort_key=1)
_MAP = Group("map", sort_key=2)
_SCORE = Group("evaluate", sort_key=3)


class Action(NamedTuple):
    """One thing to do, and the flags that belong to it."""

    do: Callable[[Asked], int]
    flags: frozenset[str]
    methods: tuple[str, ...] = ()


def _takes(*flags: str) -> frozenset[str]:
    return frozenset(flags)


ACTIONS: dict[str, Action] = {
    "analogy": Action(vectors_ask.analogy, _takes("n", "method", "with_inputs", "centred"), ("add", "cosmul")),
    "neighbours": Action(vectors_ask.neighbours, _takes("n", "measure", "centred")),
    "similarity": Action(vectors_ask.similarity, _takes("file", "output", "centred")),
    "odd-one-out": Action(vectors_ask.odd_one_out, _takes("file", "centred")),
    "map": Action(
        vectors_map.draw,
        _takes("n", "file", "output", "method", "pairs", "components", "seed", "centred"),
        ("pca", "tsne", "axes"),
    ),
    "evaluate": Action(vectors_score.evaluate, _takes("restrict", "match_case", "count_unknown", "misses", "centred")),
    "train": Action(
        vectors_train.train,
        _takes("output", "method", "seed", "force", "probes", *vectors_train.FIELDS),
        ("skip-gram", "cbow"),
    ),
    "list": Action(vectors_sources.listing, _takes("n", "centred")),
}

_WORDS = (
    "What is asked, and for what: analogy 'king - man + woman', neighbours WORD, similarity A B [C ...], "
    "odd-one-out A B C ..., map [WORD ...], evaluate [FILE ...], list. SPEC: demo, a file (word2vec, GloVe, fastText), "
    "glove-wiki-gigaword-50 and others once pulled, a model's own (gpt2:wte, RUN@STEP:wte, demo:wpe). Without a SPEC: "
    "list, and train CORPUS (or CORPUS train)."
)


def _option(text: str, *names: str, group: Group = _ASKING, switch: bool = False) -> Parameter:
    how: dict[str, Any] = {"negative": ""} if switch else {"allow_leading_hyphen": True}
    return Parameter(name=names or None, help=text, group=group, show_default=False, **how)


@with_word2vec_flags
def vectors(
    *words: Annotated[str, Parameter(name="SPEC", help=_WORDS, allow_leading_hyphen=True, negative="")],
    n: Annotated[
        int | None, _option("How many words are shown. Default: 10; of a map without words, 24.", "-n")
    ] = None,
    method: Annotated[
        str | None,
        _option("analogy: add, cosmul. map: pca, tsne, axes. train: skip-gram, cbow. Default: the first.", "--method"),
    ] = None,
    measure: Annotated[str | None, _option("neighbours by cosine, dot or euclid. Default: cosine.")] = None,
    with_inputs: Annotated[
        bool | None, _option("analogy: leave the words of the expression among the answers.", switch=True)
    ] = None,
    centred: Annotated[
        bool | None,
        _option("Take the mean of all vectors from each first, as SPEC:centred does.", "--centred", switch=True),
    ] = None,
    file: Annotated[
        str | None, _option("Read more words from a file, with white space between.", "-f", "--file")
    ] = None,
    output: Annotated[
        str | None, _option("The file to write: FILE.png, .svg, .pdf, .csv; vectors: FILE.bin, .txt.", "-o", "--output")
    ] = None,
    force: Annotated[bool | None, _option("train: replace a file that is there.", switch=True)] = None,
    pairs: Annotated[
        str | None, _option("The two axes of --method axes: man:woman,young:old.", "--pairs", group=_MAP)
    ] = None,
    components: Annotated[str | None, _option("Which principal components: 1,2.", "--components", group=_MAP)] = None,
    restrict: Annotated[
        int | None, _option("Only the first so many words take part. Default: 300,000.", group=_SCORE)
    ] = None,
    match_case: Annotated[bool | None, _option("Paris does not find paris.", group=_SCORE, switch=True)] = None,
    count_unknown: Annotated[
        bool | None, _option("Questions with unknown words count as wrong.", group=_SCORE, switch=True)
    ] = None,
    misses: Annotated[bool | None, _option("Show what was answered wrongly.", group=_SCORE, switch=True)] = None,
    as_json: Annotated[bool, json_flag("Print JSON; of train and evaluate a line for each event.")] = False,
    fields: Mapping[str, Any],
) -> int:
    """Asks word vectors: sums of words, neighbours, similarity, maps; scores them; trains new ones.

    A model's token embeddings are asked in the same way. The demo's vectors are synthetic: their text is made up.
    """
    options = {
        "n": n,
        "method": method,
        "measure": measure,
        "with_inputs": with_inputs,
        "centred": centred,
        "file": file,
        "output": output,
        "force": force,
        "pairs": pairs,
        "components": components,
        "restrict": restrict,
        "match_case": match_case,
        "count_unknown": count_unknown,
        "misses": misses,
        **fields,
    }
    given = {name: value for name, value in options.items() if value is not None}
    spec, name, rest = _sorted_out(words)
    _must_belong(name, given)
    asked = Asked(spec, tuple(rest), given, as_json)
    return ACTIONS[name].do(asked)


def _sorted_out(words: tuple[str, ...]) -> tuple[str, str, tuple[str, ...]]:
    """What is asked, what is to be done, and the words for it; ``train`` and ``list`` may stand first."""
    if unknown := next((word for word in words if re.fullmatch(r"--[a-zA-Z][\w-]*(=.*)?|-[a-zA-Z]", word)), None):
        raise InputError(
            f"{PROGRAM} vectors has no option {unknown.split('=')[0]}",
            f"{PROGRAM} vectors --help lists what it takes; a word that looks like one stands in quotes in an analogy",
        )
    if words and words[0] in ("train", "list") and (len(words) == 1 or words[1] not in ACTIONS):
        first, *rest = words
        if first == "train" and not rest:
            raise InputError("train needs a CORPUS, and none came", f"{PROGRAM} vectors train python-docs -o words.bin")
        return (rest[0] if rest else ""), first, tuple(rest[1:])
    if len(words) == 1:
        return words[0], "list", ()
    if not words:
        raise InputError(f"{PROGRAM} vectors needs a SPEC and what to do with it, and none came", f"type {USAGE}")
    spec, action, *rest = words
    if action not in ACTIONS:
        swapped = f"; the SPEC comes first: {PROGRAM} vectors {action} {spec}" if spec in ACTIONS else ""
        raise InputError(
            f"expected one of {', '.join(ACTIONS)} after {spec}, got {action!r}{nearest(action, ACTIONS)}",
            f"type {USAGE}{swapped}",
        )
    return spec, action, tuple(rest)


def _must_belong(name: str, given: Mapping[str, Any]) -> None:
    """Refuses a flag that the action has no use for, and a method that it does not know."""
    action = ACTIONS[name]
    strange = [flag(option) for option in given if option not in action.flags]
    if strange:
        takes = ", ".join(sorted(flag(option) for option in action.flags)) or "none"
        raise InputError(f"{name} has no use for {', '.join(strange)}", f"its options are: {takes}")
    method = given.get("method")
    if method is not None and method not in action.methods:
        raise InputError(
            f"--method of {name} must be one of {', '.join(action.methods)}, got {method!r}"
            f"{nearest(method, action.methods)}",
            f"leave it out for {action.methods[0]}",
        )
    output = given.get("output")
    if output == "":
        raise InputError("-o needs the name of a file, got none", "for one: -o words.bin")
