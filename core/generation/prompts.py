"""From what a person typed to the ids that decoding starts from, with everything that can be wrong there."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import TYPE_CHECKING, Literal

from core.errors import InputError, TokenizerError

if TYPE_CHECKING:
    from core.tokenizers.base import Tokenizer
    from core.weights.checkpoint import LoadedModel

Special = Literal["all"] | Set[str]

END_NAMES = ("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>")
"""What tokenizers call the token that ends a text; the first one that a tokenizer has counts."""
_PADDING = 128
"""Models' vocabularies are often rounded up, to a multiple of this at most; the extra ids stand for nothing."""


def end_of_text(tokenizer: Tokenizer) -> int | None:
    """The id of the token that ends a text, if the tokenizer has one."""
    special = tokenizer.special_tokens
    return next((special[name] for name in END_NAMES if name in special), None)


def check_fits(loaded: LoadedModel) -> None:
    """Refuses a model whose tokenizer is missing or belongs to another model.

    A vocabulary that is rounded up (50,304 for GPT-2's 50,257) is fine: the extra ids are never drawn.

    Raises:
        TokenizerError: with both sizes.
    """
    if loaded.tokenizer is None:
        raise TokenizerError(
            f"the model {loaded.spec} has no tokenizer, one that turns text into its {loaded.config.vocab_size:,} ids "
            "was expected",
            "put its tokenizer.json beside the weights, or hand in token ids",
        )
    ours, models = loaded.tokenizer.vocab_size, loaded.config.vocab_size or 0
    if not ours <= models < ours + _PADDING:
        raise TokenizerError(
            f"the tokenizer {loaded.tokenizer.name} has {ours:,} entries, the model {loaded.spec} was made for "
            f"{models:,}",
            "put the tokenizer.json that the model was trained with beside its weights",
        )


def prompt_ids(
    loaded: LoadedModel, prompt: str | Sequence[int], allowed_special: Special = frozenset()
) -> tuple[list[int], str]:
    """The ids to start from, and what should be said about them.

    Nothing typed: the answer starts as a text starts, after end-of-text; a tokenizer without that token starts after a
    line break, or failing that after its first token. The text of a special token is text, unless it is allowed.

    Raises:
        InputError: an id that the tokenizer does not have.
        TokenizerError: the tokenizer cannot write the text.
    """
    tokenizer = loaded.tokenizer
    if isinstance(prompt, str):
        ids = tokenizer.encode(prompt, allowed_special=allowed_special, disallowed_special=())
    else:
        ids = [int(token) for token in prompt]
        wrong = next((t for t in ids if not 0 <= t < tokenizer.vocab_size), None)
        if wrong is not None:
            raise InputError(
                f"the prompt holds token {wrong:,}, the model has tokens 0 to {tokenizer.vocab_size - 1:,}",
                "encode it with this model's tokenizer",
            )
    if not ids:
        start = start_token(tokenizer)
        return [start], f"the prompt is empty: the answer starts after {shown(tokenizer, start)}"
    context = loaded.config.context_length
    if len(ids) > context:
        return ids, (
            f"the prompt has {len(ids):,} tokens, the model sees {context:,} at once: the answer goes by the last"
        )
    return ids, ""


def start_token(tokenizer: Tokenizer) -> int:
    """What an answer to nothing starts after."""
    if (end := end_of_text(tokenizer)) is not None:
        return end
    try:
        return tokenizer.encode("\n")[-1]
    except (TokenizerError, IndexError):
        return 0


def piece(tokenizer: Tokenizer, token: int, before: int | None = None) -> bytes:
    """The bytes that a token adds to a text, behind the token ``before``; none for an id that stands for nothing.

    Tokenizers of whole words set a space between two words, which is in neither of them.

    >>> from core.tokenizers import get_tokenizer
    >>> words = get_tokenizer("words-v1", "the cat.")
    >>> [piece(words, words.encode(w)[0], words.encode("the")[0]) for w in ("cat", ".")]
    [b' cat', b'.']
    """
    try:
        if before is not None and tokenizer.name.startswith("words"):
            return tokenizer.decode([before, token])[len(tokenizer.decode([before])) :].encode()
        return tokenizer.token_bytes(token)
    except TokenizerError:  # a hole in the vocabulary, which some of OpenAI's have
        return b""


def shown(tokenizer: Tokenizer, token: int) -> str:
    """A token as a sentence names it."""
    text = piece(tokenizer, token).decode("utf-8", "replace")
    return "a line break" if text == "\n" else text if token in tokenizer.special_tokens.values() else repr(text)
