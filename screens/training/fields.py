"""The new-run form without its widgets: which fields there are, what each means, whether what was typed makes a run.

Pure: text in, a configuration or reasons out. The form, its estimate and its take-away all use this.
"""

from __future__ import annotations

import re
import shlex
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core.config import GPTConfig, TrainConfig
from core.errors import ConfigError, LabError, TokenizerError, nearest
from core.fields import config_fields, field_help, parse_value

_WHAT = ("corpus", "tokenizer", "val_fraction", "windows", "stride", "init_from")
_MODEL = ("n_layers", "n_heads", "emb_dim", "context_length", "drop_rate", "qkv_bias", "tie_weights", "init_std")
_FIRST = ("batch_size", "max_steps", "optimizer", "learning_rate", "warmup_steps", "schedule", "seed", "device")
_LEFT_OUT = ("model", "run_dir", "vocab_size")  # the groups themselves, the name field, the tokenizer's business


@dataclass(frozen=True, slots=True)
class FormField:
    """One line of the form."""

    name: str
    kind: Any
    meaning: str
    group: Literal["what", "model", "training"]

    @property
    def choices(self) -> tuple[str, ...]:
        """The values that it can take, where they can be listed."""
        if self.kind is bool:
            return ("yes", "no")
        return (
            tuple(str(a) for a in typing.get_args(self.kind)) if typing.get_origin(self.kind) is typing.Literal else ()
        )


def form_fields() -> list[FormField]:
    """Every field of a training run in the order of the form: what, model, training (the usual ones first)."""
    own, shape = config_fields(TrainConfig), config_fields(GPTConfig)
    meanings = field_help(GPTConfig) | field_help(TrainConfig)
    rest = [n for n in own if n not in (*_WHAT, *_FIRST, *_LEFT_OUT)]
    model = [*_MODEL, *(n for n in shape if n not in (*_MODEL, *_LEFT_OUT))]
    return [
        *(FormField(n, own[n], meanings[n], "what") for n in _WHAT),
        *(FormField(n, shape[n], meanings[n], "model") for n in model),
        *(FormField(n, own[n], meanings[n], "training") for n in (*_FIRST, *rest)),
    ]


def text_of(value: object) -> str:
    """A value as it stands in its field; ``parse_value`` reads it back.

    >>> text_of(0.001), text_of(True), text_of(None), text_of("\\n"), text_of(5e-05)
    ('0.001', 'yes', '', '\\\\n', '5e-05')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value.encode("unicode_escape").decode("ascii") if not value.isprintable() else value
    return str(value)


def texts_of(config: TrainConfig) -> dict[str, str]:
    """Every field of a configuration as text."""
    raw = config.to_dict()
    return {f.name: text_of((raw["model"] if f.group == "model" else raw)[f.name]) for f in form_fields()}


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of the typed texts."""

    config: TrainConfig | None
    """The configuration; None while something is wrong."""
    reasons: dict[str, str]
    """Why a field can't be taken, by the field's name."""
    general: tuple[str, ...] = ()
    """What is wrong and belongs to no single field."""


def check(texts: Mapping[str, str], base: TrainConfig) -> Checked:
    """Reads all fields; every wrong one gets its reason at once.

    Args:
        texts: by field name; a field that is missing keeps the value of ``base``.
        base: the preset that the form began with.
    """
    values: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    for field in form_fields():
        if field.name not in texts:
            continue
        try:
            values[field.name] = _parse(field, texts[field.name])
        except ValueError as error:
            reasons[field.name] = f"{error} is expected, got {texts[field.name].strip() or 'nothing'}"
    general: list[str] = []
    config = _assemble(values, base, reasons, general)
    reasons.update({k: v for k, v in _meaning_problems(values).items() if k not in reasons})
    return Checked(None if reasons or general else config, reasons, tuple(general))


def _parse(field: FormField, text: str) -> Any:
    if field.kind is str and field.name == "sample_prompt":
        return re.sub(r"\\([nt\\])", lambda m: {"n": "\n", "t": "\t", "\\": "\\"}[m[1]], text)
    return parse_value(field.kind, text)


def _assemble(
    values: Mapping[str, Any], base: TrainConfig, reasons: dict[str, str], general: list[str]
) -> TrainConfig | None:
    """The configuration of the readable values; each complaint goes to its field.

    The model's complaints would hide those of the rest, so each half is tried on its own first.
    """
    shape = {k: v for k, v in values.items() if k in config_fields(GPTConfig)}
    rest = {k: v for k, v in values.items() if k not in shape}
    config = None
    for part in (shape, rest, dict(values)):
        try:
            config = base.override(**part)
        except ConfigError as error:
            config = None
            for problem in error.title.split("; "):
                _file(problem, values, reasons, general)
    return config


def _file(problem: str, values: Mapping[str, Any], reasons: dict[str, str], general: list[str]) -> None:
    words = re.findall(r"\w+", problem.removeprefix("model: "))
    name = next((w for w in words if w in values), None)
    if name is None:
        if problem not in general:
            general.append(problem)
    else:
        reasons.setdefault(name, problem)


def _meaning_problems(values: Mapping[str, Any]) -> dict[str, str]:
    """Names that are well formed and mean nothing here: a corpus or a tokenizer that doesn't exist."""
    found = {}
    corpus, tokenizer = values.get("corpus"), values.get("tokenizer")
    if isinstance(corpus, str) and corpus:
        from core.data.corpora import CORPORA

        if corpus not in CORPORA and not Path(corpus).expanduser().exists():
            found["corpus"] = f"no corpus or file is called {corpus}{nearest(corpus, CORPORA)}"
    if isinstance(tokenizer, str) and not values.get("init_from"):  # weights bring their own
        from core.tokenizers import check_tokenizer

        try:
            check_tokenizer(tokenizer)
        except TokenizerError as error:
            found["tokenizer"] = f"{error.title}; {error.hint}"
    if isinstance(source := values.get("init_from"), str) and source:
        found |= _source_problems(source, values)
    return found


def _source_problems(source: str, values: Mapping[str, Any]) -> dict[str, str]:
    """What keeps a run from starting with the weights of a model: it is not here, or its shape is another."""
    from core.training.resume import SHAPE, take_shape

    try:
        theirs = take_shape(TrainConfig(init_from=source)).model
    except LabError as error:
        return {"init_from": f"{error.title}; {error.hint}"}
    found = {}
    for name in SHAPE:
        value, own = values.get(name), getattr(theirs, name)
        if value is None or value == own or (name == "context_length" and value < own):
            continue
        found[name] = f"{own} is expected, as {source} has it, got {text_of(value)}"
    return found


def brought_by(source: str) -> dict[str, str]:
    """The texts of the fields that a model to start from brings with it: its shape and its tokenizer.

    Nothing for a name that means nothing here (yet: somebody is typing it).
    """
    from core.training.resume import SHAPE, take_shape

    try:
        config = take_shape(TrainConfig(init_from=source)) if source else None
    except LabError:
        return {}
    if config is None:
        return {}
    shape = {name: text_of(getattr(config.model, name)) for name in SHAPE if name not in _LEFT_OUT}
    return shape | {"tokenizer": text_of(config.tokenizer)}


def changes(config: TrainConfig, preset: str | None) -> dict[str, Any]:
    """The fields in which a configuration differs from its preset (or from the defaults)."""
    base = (TrainConfig.preset(preset) if preset else TrainConfig()).to_dict()
    own = config.to_dict()
    flat = {k: v for k, v in own.items() if k != "model" and v != base[k]}
    return flat | {k: v for k, v in own["model"].items() if v != base["model"][k]}


def as_python(config: TrainConfig, preset: str | None, run_dir: str | None = None) -> str:
    """A snippet that trains the same run."""
    changed = changes(config, preset)
    if run_dir:
        changed["run_dir"] = run_dir
    head = f"core.TrainConfig.preset({preset!r})" if preset else "core.TrainConfig()"
    if changed:
        head += ".override(" + ", ".join(f"{k}={v!r}" for k, v in changed.items()) + ")"
    return (
        "import core\n\n"
        f"config = {head}\n"
        "for event in core.Trainer(config).run():\n"
        '    if event.kind == "eval":\n'
        "        print(event.step, event.train_loss, event.val_loss)\n"
    )


def as_command(config: TrainConfig, preset: str | None, name: str | None = None) -> str:
    """The command line that trains the same run."""
    words = ["llm-lab", "train"]
    if preset:
        words += ["--preset", preset]
    if name:
        words += ["--name", name]
    for field, value in changes(config, preset).items():
        flag = "--" + field.replace("_", "-")
        if isinstance(value, bool):
            words.append(flag if value else "--no-" + flag[2:])
        else:
            words += [flag, "none" if value is None else str(value)]
    return shlex.join(words)
