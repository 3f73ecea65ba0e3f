"""``llm-lab generate MODEL``: a text goes on, token by token, on standard output."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter

from core.errors import InputError
from core.generation.branches import tree_of
from core.generation.prompts import prompt_ids
from core.generation.transcript import save_transcript, transcript_path
from lab.cli.prompt import read_prompt
from lab.cli.report import print_json
from lab.cli.sampling_flags import asked_sampling, with_sampling_flags
from lab.cli.search import only_for_search, search
from lab.cli.signals import stop_on_signals
from lab.cli.writing import note, slid_often, write, write_clean

if TYPE_CHECKING:
    from core.generation.session import Session
    from core.generation.steps import Step
    from core.weights.checkpoint import LoadedModel

_WHAT = Group("What is generated", sort_key=1)

_MANY = (
    "Continuations; number i has the seed plus i. The first is written as it comes, the others behind it. Default: 1."
)
_JSON = "Print JSON, a line for each token as it comes; with --beams for each step of the search."
_BEAMS = "Search the likeliest text with so many beams; nothing is drawn, and -n says how many texts are printed."


def _option(text: str, *names: str, switch: bool = False) -> Parameter:
    how: dict[str, Any] = {"negative": ""} if switch else {"allow_leading_hyphen": True}
    return Parameter(name=names or None, help=text, group=_WHAT, show_default=False, **how)


Model = Annotated[str, Parameter(name="MODEL", help="demo, a run (NAME, NAME@STEP, NAME@best), a path, gpt2, ...")]
Source = Annotated[
    str | None, Parameter(name="SOURCE", help="-: standard input is the prompt.", allow_leading_hyphen=True)
]
Device = Annotated[str, _option("Where it computes: auto, cpu, cuda, mps. Default: auto.")]
Precision = Annotated[
    str,
    _option(
        "How the weights are kept: auto, float32, float16, bfloat16, int8. Default: auto. int8, the smallest, costs "
        "accuracy: on the demo model less than 1 % of perplexity.",
        "--dtype",
        "--precision",
    ),
]


@with_sampling_flags
def generate(
    model: Model,
    source: Source = None,
    /,
    *,
    prompt: Annotated[str | None, _option("The text to go on from; left out, a new text.", "-p", "--prompt")] = None,
    file: Annotated[str | None, _option("Read the prompt from a file, without its last line break.", "-f")] = None,
    n: Annotated[int, _option(_MANY, "-n")] = 1,
    beams: Annotated[int | None, _option(_BEAMS)] = None,
    preset: Annotated[str | None, _option("Settings to begin with: greedy, balanced, wild.")] = None,
    allow_special: Annotated[bool, _option("Read <|endoftext|> in the prompt as a token, not text.", switch=True)] = (
        False
    ),
    echo: Annotated[bool, _option("Print the prompt too.", switch=True)] = False,
    save: Annotated[str | None, _option("Write the transcript to a file, FILE.md or FILE.json.")] = None,
    device: Device = "auto",
    dtype: Precision = "auto",
    as_json: Annotated[bool, _option(_JSON, "--json", switch=True)] = False,
    fields: Mapping[str, Any],
) -> int:
    """Continues a text.

    Same model, settings and seed, same tokens. SIGINT (ctrl-C) ends it within one token, with exit code 130. With --top
    each token has a line of its own, with the likeliest instead of it.
    """
    sampling = asked_sampling(preset, fields)
    text = read_prompt(source, prompt, file)
    target = transcript_path(save) if save is not None else None
    if echo and as_json:
        raise InputError("--echo prints text, --json prints none", "leave one out")
    if beams is not None:
        only_for_search(fields, preset, save)
    before = text if echo else ""
    special: Any = "all" if allow_special else frozenset()
    cancelled = threading.Event()
    session = open_session(model, device, dtype)
    from core.generation.engine import generate as run

    with stop_on_signals(cancelled.set, lambda said: None) as received:
        if beams is not None:
            search(session, text, sampling, beams, n, special, cancelled, as_json, before)
            return received.exit_code
        steps = run(session.loaded, text, sampling, n=n, cancelled=cancelled, session=session, allowed_special=special)
        recorded: list[Step] = []
        if target:
            steps = _recorded(steps, recorded)
        if as_json:
            _print_lines(steps)
        elif "top_alternatives" in fields:
            _table(steps, n, before)
        else:
            _stream(steps, n, sampling.seed, before)
        if target:
            ids = prompt_ids(session.loaded, text, special)[0]
            save_transcript(tree_of(text, ids, model, sampling, recorded), target)
    return received.exit_code


def _recorded(steps: Iterator[Step], into: list[Step]) -> Iterator[Step]:
    for step in steps:
        into.append(step)
        yield step


def open_session(model: str, device: str, precision: str) -> Session:
    """A model ready to decode.

    Raises:
        ConfigError: an unknown device or precision.
        LabError: the model cannot be opened.
    """
    loaded = open_model(model, device)
    from core.generation.opened import runner_for
    from core.generation.session import Session

    return Session(loaded, runner_for(loaded, precision))  # type: ignore[arg-type]  # it names what is wrong


def open_model(model: str, device: str) -> LoadedModel:
    """A model, with as many threads as it can use.

    Raises:
        LabError: it cannot be opened, or there is no such device.
    """
    from core.training.launch import prepare_environment

    prepare_environment()  # before torch is imported
    import torch

    from core.generation.pace import SMALL
    from core.weights.checkpoint import load_model

    loaded = load_model(model, device=device)
    if loaded.config.parameters() <= SMALL:
        torch.set_num_threads(1)  # a small product costs less than waking the second thread
    return loaded


def _print_lines(steps: Iterable[Step]) -> None:
    for step in steps:
        print_json(step.to_dict())


def _stream(steps: Iterator[Step], n: int, seed: int, before: str) -> None:
    """Writes the first continuation as it comes; the others, which came in turn with it, follow whole.

    Each has ``before`` before it.
    """
    began = time.perf_counter()
    kept: list[list[Step]] = [[] for _ in range(n)]
    for step in steps:
        if not any(kept):
            if step.notice:
                note(step.notice)
            write(_heading(0, n, seed))
            write_clean(before)
        kept[step.sample].append(step)
        if step.sample == 0:
            write_clean(step.text)
    if kept[0]:
        _end_line(kept[0])
    for sample in range(1, n):
        if kept[sample]:
            write("\n" + _heading(sample, n, seed))
            write_clean(before + "".join(step.text for step in kept[sample]))
            _end_line(kept[sample])
    if slid := max(sum(bool(step.notice) for step in steps[1:]) for steps in kept):  # it would cut the text in two
        note(slid_often(slid))
    if sys.stderr.isatty():
        _sum_up(kept, time.perf_counter() - began)


def _heading(sample: int, n: int, seed: int) -> str:
    return f"--- {sample + 1} of {n}, seed {seed + sample}\n" if n > 1 else ""


def _end_line(steps: list[Step]) -> None:
    last = next((step.text for step in reversed(steps) if step.text), "")
    write("" if last.endswith("\n") else "\n")


def _sum_up(kept: list[list[Step]], seconds: float) -> None:
    tokens = sum(map(len, kept))
    if tokens:
        ends = ", ".join(dict.fromkeys(steps[-1].end or "cancelled" for steps in kept if steps))
        first = kept[0][0].seconds
        rate = tokens / max(seconds, 1e-9)
        note(f"{tokens} tokens, {rate:.0f}/s, the first after {first:.2f} s; ended: {ends}")


def _table(steps: Iterable[Step], n: int, before: str) -> None:
    """A line for each token, with the likeliest that it stood among; ``before`` on lines of its own."""
    for step in steps:
        if step.notice:
            note(step.notice)
        if before:
            write_clean(before if before.endswith("\n") else before + "\n")
            before = ""
        place = f"{step.sample + 1}/{n} #{step.index}" if n > 1 else f"#{step.index}"
        told = "  ".join(f"{_quoted(a.text)} {a.before:.1%}{_after(a.after, a.cut_by)}" for a in step.alternatives)
        text = step.bytes.decode("utf-8", "replace")
        write_clean(f"{place:<6}{_quoted(text):<14} rank {step.rank:<5} {step.entropy:5.2f} bits  | {told}\n")


def _after(after: float, cut_by: str | None) -> str:
    return f" (cut by {cut_by.replace('_', '-')})" if cut_by else f" > {after:.1%}"


def _quoted(text: str) -> str:
    return repr(text)
