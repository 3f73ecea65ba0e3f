"""How the console leaves the app, and the numbers of its lesson; both from what the panes show."""

from __future__ import annotations

import math
import shlex
from typing import TYPE_CHECKING, Any

from core.generation.settings import SamplingConfig
from screens.generation.view import Line, written
from screens.widgets.take_away import TakeAwayRequest

if TYPE_CHECKING:
    from core.generation.steps import Choice, Step
    from screens.generation.screen import GenerationScreen

COLUMNS = ("index", "token_id", "text", "p_model", "p_drawn", "rank", "surprise_bits", "entropy_bits", "seconds")
LONGER = ("logit_bias", "banned_tokens", "stop", "stop_at_end_of_text", "top_alternatives")
"""Settings that are no single value, or that the command line writes in a way of their own."""


def changed_fields(sampling: SamplingConfig) -> dict[str, Any]:
    """The settings that are not the default ones, and those that decide the draw whatever they are."""
    plain = SamplingConfig()
    always = ("temperature", "seed", "max_new_tokens")
    names = [name for name in sampling.to_dict() if name in always or getattr(sampling, name) != getattr(plain, name)]
    return {name: getattr(sampling, name) for name in names}


def as_python(
    spec: str, prompt: str, ids: tuple[int, ...], sampling: SamplingConfig, given: int, precision: str = "auto"
) -> str:
    """A snippet that writes the same tokens.

    Args:
        spec: the model.
        prompt: the text that it answers.
        ids: what it goes on from where that is not the prompt alone; empty: the prompt.
        sampling: the settings.
        given: how many of the ids are prompt.
        precision: how the weights are kept.
    """
    kept = "" if precision == "auto" else f", {precision!r}"
    settings = ", ".join(f"{name}={value!r}" for name, value in changed_fields(sampling).items())
    start, length = (f"{list(ids)!r}", f", prompt_length={given}") if ids else (f"{prompt!r}", "")
    return (
        "import core\n"
        "from core.generation.pace import make_runner\n\n"
        f"loaded = core.load_model({spec!r})\n"
        f"sampling = core.SamplingConfig({settings})\n"
        f"steps = core.generate(loaded, {start}, sampling, runner=make_runner(loaded.model{kept}){length})\n"
        "for step in steps:\n"
        '    print(step.token_id, round(step.logprob, 4), step.rank, repr(step.bytes.decode("utf-8", "replace")))\n'
    )


def as_command(spec: str, prompt: str, sampling: SamplingConfig, precision: str = "auto") -> str:
    """The command that writes the same."""
    words = ["llm-lab", "generate", spec, "-p", prompt]
    for name, value in changed_fields(sampling).items():
        if name not in LONGER and value is not None:
            words += ["--" + name.replace("_", "-"), f"{value:g}" if isinstance(value, float) else str(value)]
    words += [] if precision == "auto" else ["--dtype", precision]
    for stop in sampling.stop:
        words += ["--stop", stop]
    return shlex.join([*words, "--json"])


def table_of(line: Line) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Every token of an answer with its numbers."""
    rows = [
        (s.index, s.token_id, written(s.bytes), math.exp(s.raw_logprob), math.exp(s.logprob), s.rank,
         -s.raw_logprob / math.log(2), s.entropy, s.seconds)
        for s in line.steps
    ]  # fmt: skip
    return COLUMNS, rows


def take_away_of(screen: GenerationScreen) -> TakeAwayRequest | None:
    """The shown answer, or the scored text; None while there is neither."""
    if screen.scoring_shown:
        return _score_away(screen)
    own = screen.current()
    if own is None:
        return None
    line = screen.line_of(own.id)
    root = screen.answers.root_of(own.id)
    sampling = own.sampling.override(max_new_tokens=max(1, len(line.steps)))
    from_ids: tuple[int, ...] = ()
    if own.at or (own.steps and own.steps[0].seconds == 0.0):  # it left another road: its own tokens come from there
        kept = own.at + (1 if own.steps and own.steps[0].seconds == 0.0 else 0)
        from_ids = (*line.prompt_ids, *(step.token_id for step in line.steps[:kept]))
        sampling = own.sampling.override(max_new_tokens=max(1, len(line.steps) - kept))
    python = as_python(own.model, root.prompt, from_ids, sampling, len(line.prompt_ids), screen.models.precision)
    return TakeAwayRequest(
        what=f"answer-{own.name}",
        python=python,
        command="" if from_ids else as_command(own.model, root.prompt, sampling, screen.models.precision),
        data={
            "model": own.model,
            "prompt": root.prompt,
            "prompt_ids": list(root.prompt_ids),
            "sampling": own.sampling.to_dict(),
            "text": line.text,
            "steps": [step.to_dict() for step in line.steps],
        },
        table=table_of(line),
        pane=screen.body.strip.parent,  # type: ignore[arg-type]
        link=shlex.join(["llm-lab", "open", "generation", "--model", own.model, f"--text={root.prompt}"]),
    )


def _score_away(screen: GenerationScreen) -> TakeAwayRequest | None:
    if not screen.scored:
        return None
    spec, text = screen.workbench.a, screen.scored_text
    python = (
        "import core\n\n"
        f"scored = core.score(core.load_model({spec!r}), {text!r})\n"
        'print(f"perplexity {scored.perplexity:.4f}, {scored.bits_per_byte:.4f} bits per byte")\n'
        "for token in scored.tokens:\n"
        '    print(repr(token.bytes.decode("utf-8", "replace")), token.logprob, token.rank)\n'
    )
    rows = [(i, t.token_id, written(t.bytes), t.logprob, t.rank, t.entropy) for i, t in enumerate(screen.scored)]
    return TakeAwayRequest(
        what="score",
        python=python,
        data={"model": spec, "text": text, "tokens": [t.to_dict() for t in screen.scored]},
        table=(("index", "token_id", "text", "logprob", "rank", "entropy_bits"), rows),
        pane=screen.body.strip.parent,  # type: ignore[arg-type]
    )


def lesson_values(screen: GenerationScreen) -> dict[str, str]:
    """The live numbers of lesson L6; what is not known is left out and prints as a dash."""
    own, line = screen.current(), screen.line_of(screen.shown)
    values = {
        "model": own.model if own is not None else screen.workbench.a,
        "vocabulary": f"{screen.vocabulary:,}" if screen.opened is not None else "",
        "temperature": f"{screen.sampling.temperature:g}",
        "seed": str(screen.sampling.seed),
    }
    if line.perplexity is not None:
        bits = math.log2(line.perplexity)
        values |= {"perplexity": f"{line.perplexity:.2f}", "mean_bits": f"{bits:.2f}", "tokens": str(len(line.steps))}
    choice, step = screen.choice_here(), screen.step_here()
    if choice is not None:
        values |= _choice_values(choice, step, screen.sampling)
    return values


def _choice_values(choice: Choice | Step, step: Step | None, sampling: SamplingConfig) -> dict[str, str]:
    values = {"entropy": f"{choice.entropy:.2f}"}
    top = choice.alternatives[:5]
    logits = [math.log(a.before) if a.before > 0 else -math.inf for a in top]
    rows = [f"    {'token':<8}logit     p drawn"]
    for a, logit in zip(top, logits, strict=True):
        rows.append(f"    {written(a.bytes)[:7]:<7}{logit - logits[0]:6.1f} {a.before:.3f} {a.after:.3f}")
    values["top_five"] = "\n".join(rows)
    if top:
        values |= {"best": written(top[0].bytes), "best_p": f"{top[0].before:.3f}", "best_after": f"{top[0].after:.3f}"}
    if len(top) > 1 and top[1].before > 0:
        ratio = top[0].before / top[1].before
        values |= {"second": written(top[1].bytes), "ratio": f"{ratio:.2f}"}
        if sampling.temperature > 0:
            values["ratio_after"] = f"{ratio ** (1 / sampling.temperature):.2f}"
    kept = list(choice.kept.values())
    if kept:
        values["kept"] = f"{kept[-1]:,}"
    if step is not None:
        bits = -step.raw_logprob / math.log(2)
        values |= {"token": written(step.bytes), "p": f"{math.exp(step.raw_logprob):.3f}", "bits": f"{bits:.2f}",
                   "rank": f"{step.rank:,}", "index": str(step.index)}  # fmt: skip
    return values
