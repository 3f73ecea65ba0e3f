"""``llm-lab score MODEL FILE``: how well a model expects a text."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from lab.cli.generate import Device, Model, open_model
from lab.cli.prompt import read_text
from lab.cli.report import print_json
from lab.cli.signals import stop_on_signals
from lab.cli.writing import write

if TYPE_CHECKING:
    from core.generation.score import TextScore, TokenScore

Text = Annotated[str, Parameter(name="FILE", help="A text file; - is standard input.", allow_leading_hyphen=True)]


def _option(text: str, *names: str) -> Parameter:
    return Parameter(name=names or None, help=text, show_default=False, negative="")


def score(
    model: Model,
    file: Text,
    /,
    *,
    stride: Annotated[int | None, _option("Tokens from one window to the next. Default: half the context.")] = None,
    tokens: Annotated[bool, _option("Print a line for each token too.")] = False,
    allow_special: Annotated[bool, _option("Read <|endoftext|> in the text as a token, not text.")] = False,
    device: Device = "auto",
    as_json: Annotated[bool, _option("Print JSON, a line for each token, then one for the whole.", "--json")] = False,
) -> int:
    """Says the perplexity of a text, and with --tokens the probability, rank and entropy of each of its tokens.

    A text longer than the model's context is read in windows; each token is scored once, with at least context minus
    stride tokens before it where the text has them. The first token has nothing before it and no score.
    """
    text = read_text(file)
    cancelled = threading.Event()
    with stop_on_signals(cancelled.set, lambda said: None) as received:
        loaded = open_model(model, device)
        from core.generation.score import TextScore, score_steps

        special: Any = "all" if allow_special else frozenset()
        kept: list[TokenScore] = []
        for part in score_steps(loaded, text, stride=stride, cancelled=cancelled, allowed_special=special):
            kept += part
            for token in part:
                if as_json:
                    print_json({"kind": "token", **token.to_dict()})
                elif tokens:
                    write(_line(token) + "\n")
        whole = TextScore(tuple(kept))
        if not received.exit_code:
            _tell(whole, model, as_json)
    return received.exit_code


def _line(token: TokenScore) -> str:
    shown = repr(token.bytes.decode("utf-8", "replace"))
    if token.logprob is None:
        return f"{shown:<16} -"
    return (
        f"{shown:<16} p {math.exp(token.logprob):9.4%}   rank {token.rank:<6} "
        f"surprise {-token.logprob / math.log(2):6.2f}   entropy {token.entropy:6.2f} bits"
    )


def _tell(whole: TextScore, model: str, as_json: bool) -> None:
    if as_json:
        print_json({"kind": "text", "model": model, **whole.to_dict()})
        return
    write(
        f"perplexity {whole.perplexity:.3f} over {whole.scored:,} tokens, {whole.bits_per_byte:.4f} bits a byte, "
        f"{whole.nats_per_token:.4f} nats a token\n"
    )
