"""Flags made from the configurations' own fields, and the configuration that they ask for.

Values are read by ``core.fields`` and not by the parser, so that everything wrong on a line is named at once.
"""

from __future__ import annotations

import inspect
import json
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Group, Parameter

from core.config import GPTConfig, TrainConfig
from core.errors import ConfigError
from core.fields import config_fields, field_help, parse_value, raise_problems
from lab.cli.flags import flag, shown, with_keywords

SHAPE_FLAG = "model"
"""``--model`` names a shape (``gpt2``); the fields of a shape have flags of their own."""

ALIASES = {"init_from": ("--from",)}
"""Shorter names of flags."""

_REST = Group("Data, schedule and machine", sort_key=2)
_SHAPE = Group("The model's shape", sort_key=3)


def with_config_flags(command: Callable[..., int]) -> Callable[..., int]:
    """Gives a command one keyword for each field of a training configuration, beside those it has already."""
    return with_keywords(command, [_parameter(name, kind) for name, kind in _fields().items()])


def _fields() -> dict[str, tuple[type, Any]]:
    found: dict[str, tuple[type, Any]] = {}
    for cls in (GPTConfig, TrainConfig):
        for name, kind in config_fields(cls).items():
            if name != SHAPE_FLAG:
                found[name] = (cls, kind)
    return found


def _parameter(name: str, of: tuple[type, Any]) -> inspect.Parameter:
    cls, kind = of
    preset = TrainConfig()
    value = getattr(preset.model if cls is GPTConfig else preset, name)
    text = f"{field_help(cls)[name]} Default: {shown(value)}."
    if choices := [str(c) for k in (kind, *typing.get_args(kind)) if is_choice(k) for c in typing.get_args(k)]:
        text += f" One of: {', '.join(choices)}."
    group = _SHAPE if cls is GPTConfig else _REST
    option = Parameter(name=[flag(name), *ALIASES.get(name, ())], help=text, show_default=False, group=group)
    annotation: Any = Annotated[bool | None, option] if kind is bool else Annotated[str | None, option]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def is_choice(kind: Any) -> bool:
    """Whether a field's type is a choice among words."""
    return typing.get_origin(kind) is Literal


def read_flags(given: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Values of fields from what was typed, and what is wrong with the others, a phrase each."""
    values: dict[str, Any] = {}
    problems = []
    for name, text in given.items():
        kind = _fields()[name][1]
        try:
            values[name] = text if isinstance(text, bool) else parse_value(kind, text)
        except ValueError as expected:
            problems.append(f"{flag(name)} must be {expected}, got {text!r}")
    if "sample_prompt" in values:  # a shell has no easy way to type a line break
        values["sample_prompt"] = values["sample_prompt"].replace(r"\n", "\n").replace(r"\t", "\t")
    if values.get("corpus") and Path(values["corpus"]).expanduser().exists():
        from core.data.corpora import CORPORA

        if values["corpus"] not in CORPORA:  # so that the run can be resumed from another folder
            values["corpus"] = str(Path(values["corpus"]).expanduser().resolve())
    tokenizer = values.get("tokenizer")
    if isinstance(tokenizer, str) and tokenizer.startswith("bpe:"):
        values["tokenizer"] = from_anywhere(tokenizer)
    if values.get("init_from") and "/" in values["init_from"] and Path(values["init_from"]).expanduser().exists():
        values["init_from"] = str(Path(values["init_from"]).expanduser().resolve())
    if values.get("run_dir"):
        values["run_dir"] = str(Path(values["run_dir"]).expanduser())
    return values, problems


def from_anywhere(tokenizer: str) -> str:
    """``bpe:PATH`` with the whole path, for whoever goes on in another folder; a trained one keeps its bare name."""
    from core.errors import TokenizerError
    from core.tokenizers.listing import bpe_path, trained_folder

    try:
        path = bpe_path(tokenizer)
    except TokenizerError:  # said when it is used
        return tokenizer
    return tokenizer if path.parent == trained_folder() else f"bpe:{path.resolve()}"


def asked_config(
    start: TrainConfig | None, preset: str | None, file: str | None, shape: str | None, fields: Mapping[str, Any]
) -> TrainConfig:
    """The configuration that a line asks for; what stands later here wins: preset, file, ``--model``, single flags.

    Args:
        start: the configuration to begin with (a resumed run's own); left out, the defaults. A run that starts from
            weights takes the rest of its shape from them.
        preset: a name of ``core.presets.TRAIN_PRESETS``.
        file: a JSON file with some or all fields, or a run's ``run.json``.
        shape: a name of ``core.presets.MODEL_PRESETS``.
        fields: single fields as they were typed.
    """
    config = TrainConfig.preset(preset) if preset else start or TrainConfig()
    if file:
        config = _merged(config, read_config_file(Path(file).expanduser()))
    changes, problems = read_flags(fields)
    if shape:
        named = GPTConfig.preset(shape).to_dict()
        changes = {**{n: v for n, v in named.items() if n != "vocab_size"}, **changes}
    if "max_steps" in changes and "epochs" not in changes and config.epochs is not None:
        changes["epochs"] = None  # what was typed last decides how long the run is
    try:
        config = config.override(**changes)
    except ConfigError as error:
        problems.append(error.title)
    raise_problems(problems, "the command")
    if start is None and config.init_from:
        from core.training.resume import take_shape

        chosen = {name for name in changes if name != "vocab_size"}
        config = take_shape(config, chosen)
    return config


def _merged(config: TrainConfig, raw: Mapping[str, Any]) -> TrainConfig:
    values = config.to_dict()
    model = raw.get("model")
    values.update({k: v for k, v in raw.items() if k != "model"})
    if isinstance(model, Mapping):
        values["model"] = {**values["model"], **model}
    elif isinstance(model, str):
        values["model"] = {**GPTConfig.preset(model).to_dict(), "vocab_size": None}
    elif model is not None:
        raise ConfigError(
            f"model must be an object of fields or the name of a shape, got {model!r}", "mend the file and try again"
        )
    shape = config_fields(GPTConfig)
    for name in [k for k in values if k in shape and k not in config_fields(TrainConfig)]:
        values["model"][name] = values.pop(name)  # {"n_layers": 6} reads like --n-layers 6
    return TrainConfig.from_dict(values)


def read_config_file(path: Path) -> dict[str, Any]:
    """The JSON object in a configuration file; in a ``run.json`` the configuration is what stands under ``config``."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"no file {path}", "--config takes a JSON file with fields of a configuration") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}", "--config takes a JSON file") from None
    except json.JSONDecodeError as error:
        raise ConfigError(
            f"{path} is not JSON: {error.msg} in line {error.lineno}, column {error.colno}", "mend the file"
        ) from None
    except (ValueError, RecursionError) as error:  # numbers and depths beyond all sense
        raise ConfigError(f"{path} cannot be read: {error}", "mend the file") from None
    if isinstance(raw, dict) and "format" in raw and isinstance(raw.get("config"), dict):
        raw = raw["config"]
    if not isinstance(raw, dict):
        raise ConfigError(f"{path} holds a {type(raw).__name__}, expected an object of fields", "mend the file")
    return raw
