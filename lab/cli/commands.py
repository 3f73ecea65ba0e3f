"""The commands there are: one table for ``--help``, for the parser and for "did you mean"."""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """One command; ``target`` is imported only when it is typed."""

    name: str
    usage: str
    """What follows the name, for the list in ``llm-lab --help``."""
    help: str
    target: str
    group: str


COMMANDS: dict[str, Command] = {
    command.name: command
    for command in (
        Command("open", "[SCREEN]", "Open the lab in this terminal.", "lab.cli.open:open_lab", "The lab"),
        Command("lesson", "[N]", "Open a lesson beside its screen.", "lab.cli.lesson:lesson", "The lab"),
        Command("tour", "[STEP]", "Show the six screens in eleven steps.", "lab.cli.tour:tour", "The lab"),
        Command("serve", "[SCREEN]", "Open the lab in a browser on this machine.", "lab.cli.serve:serve", "The lab"),
        Command("train", "[--preset NAME]", "Train a model.", "lab.cli.train:train", "Training"),
        Command("watch", "RUN", "Follow a run while it learns.", "lab.cli.watch:watch", "Training"),
        Command("runs", "", "List the runs, newest first.", "lab.cli.runs:runs", "Training"),
        Command("pause", "RUN", "Let a run wait, with its place kept.", "lab.cli.control:pause", "Steering a run"),
        Command("resume", "RUN", "Let a paused run go on.", "lab.cli.control:resume", "Steering a run"),
        Command("checkpoint", "RUN", "Write a checkpoint now.", "lab.cli.control:checkpoint", "Steering a run"),
        Command("stop", "RUN", "End a run after a checkpoint.", "lab.cli.control:stop", "Steering a run"),
        Command("delete", "RUN", "Move a run to the trash.", "lab.cli.delete:delete", "Steering a run"),
        Command("tokenize", "NAME [TEXT|FILE|-]", "Cut a text into tokens.", "lab.cli.tokenize:tokenize", "Tokens"),
        Command(
            "train-tokenizer",
            "CORPUS [--vocab-size N]",
            "Learn byte pairs from a text.",
            "lab.cli.train_tokenizer:train_tokenizer",
            "Tokens",
        ),
        Command("windows", "CORPUS", "Cut a text into training windows.", "lab.cli.windows:windows", "Tokens"),
        Command(
            "vectors",
            "SPEC analogy|map|train|... [WORD ...]",
            "Arithmetic with words, neighbours, maps.",
            "lab.cli.vectors:vectors",
            "Vectors",
        ),
        Command(
            "generate",
            "MODEL [-p TEXT | -f FILE | -]",
            "Let a model continue a text.",
            "lab.cli.generate:generate",
            "Generating",
        ),
        Command("score", "MODEL FILE|-", "How well a model expects a text.", "lab.cli.score:score", "Generating"),
        Command(
            "attention", "MODEL TEXT|FILE|-", "Where each head looks.", "lab.cli.attention:attention", "Looking inside"
        ),
        Command("heads", "MODEL [TEXT]", "What each head is good for.", "lab.cli.heads:heads", "Looking inside"),
        Command("lens", "MODEL TEXT", "What each layer would already answer.", "lab.cli.lens:lens", "Looking inside"),
        Command(
            "ablate",
            "MODEL TEXT --heads 0.3,5.1",
            "Switch heads off and see what changes.",
            "lab.cli.ablate:ablate",
            "Looking inside",
        ),
        Command(
            "weights",
            "MODEL",
            "A model's tensors, and what it weighs.",
            "lab.cli.weights:weights",
            "Weights and data",
        ),
        Command("compare", "A B", "Which tensors moved, and how far.", "lab.cli.compare:compare", "Weights and data"),
        Command(
            "convert", "SRC DST", "Write a model in another layout.", "lab.cli.convert:convert", "Weights and data"
        ),
        Command(
            "twin",
            "MODEL TEXT",
            "The model in PyTorch and in Keras, compared.",
            "lab.cli.twin:twin",
            "Weights and data",
        ),
        Command("pull", "NAME", "Fetch a model, a text or word vectors.", "lab.cli.pull:pull", "Weights and data"),
        Command("doctor", "", "Show what this machine has and lacks.", "lab.cli.doctor:doctor", "This machine"),
    )
}

PROGRAM = "llm-lab"
SUMMARY = "A terminal laboratory for GPT-style language models: train one, watch it learn, look inside."


def root_help() -> str:
    """What ``llm-lab --help`` prints; plain text, so that it needs no other library.

    >>> root_help().splitlines()[0]
    'Usage: llm-lab [COMMAND] [OPTIONS]'
    """
    width = max(len(f"{c.name} {c.usage}") for c in COMMANDS.values()) + 3
    lines = [
        f"Usage: {PROGRAM} [COMMAND] [OPTIONS]",
        "",
        SUMMARY,
        f"{PROGRAM} alone opens the lab.",
    ]
    group = ""
    for command in COMMANDS.values():
        if command.group != group:
            group = command.group
            lines += ["", f"{group}:"]
        lines.append(f"  {f'{command.name} {command.usage}':<{width}}{command.help}")
    lines += [
        "",
        "Everywhere:",
        f'  {"--json":<{width}}Print JSON, of what streams an object a line; an error is {{"error": ...}}.',
        f"  {'--help, -h':<{width}}Say what a command does and which options it has.",
        f"  {'--version':<{width}}Print the version.",
        "",
        "A first look:",
        f"  {PROGRAM} tour                              (five minutes)",
        "",
        "A first run:",
        f"  {PROGRAM} train --preset shakespeare-1min   (a minute)",
        f"  {PROGRAM} train --preset smoke              (seconds, and no network)",
        "",
        "Folders: LLM_LAB_RUNS (default ./runs), LLM_LAB_CACHE, LLM_LAB_STATE.",
    ]
    return "\n".join(lines)
