"""A GPT's own embeddings as vectors: its tokens (``SPEC:wte``), its positions (``:wpe``), its outputs (``:head``).

The words of ``wte`` and ``head`` are the tokens, written as the lab writes them everywhere: ``·`` for a space, ``↵``
for a new line, ``⟨E2⟩`` for a byte that is no character by itself. So ``·king`` and ``king`` are two words. Reads the
weights without torch; those of a run are copied, since its files come and go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from core.errors import CheckpointError, LabError, ModelSpecError
from core.vectors.search import row_norms
from core.vectors.store import Vectors
from core.vectors.words import WordTable

if TYPE_CHECKING:
    from core.tokenizers.base import Tokenizer
    from core.weights.locate import Located

TABLES = {"wte": "wte.weight", "wpe": "wpe.weight", "head": "lm_head.weight"}
"""What stands behind the colon, and the tensor that it means."""
_TITLES = {"wte": "token embeddings", "wpe": "position embeddings", "head": "output embeddings"}
_SIGNS = {" ": "·", "\n": "↵", "\t": "→", "\r": "←"}


def split_table(spec: str) -> tuple[str, str] | None:
    """The model and the table of a spec that names one.

    >>> split_table("gpt2:wte"), split_table("shakes@500:wpe"), split_table("openai:124M")
    (('gpt2', 'wte'), ('shakes@500', 'wpe'), None)
    """
    model, colon, table = spec.rpartition(":")
    return (model, table) if colon and model and table in TABLES else None


def load_table(spec: str) -> Vectors:
    """A table of a model.

    Args:
        spec: a model's name, a colon, ``wte``, ``wpe`` or ``head``.

    Raises:
        ModelSpecError: the model is unknown or not here, or its head is its embedding.
        CheckpointError: a file is damaged, or a value of the table is not finite.
        TokenizerError: no tokenizer lies beside the model.
    """
    from core.weights.locate import Weights, ready

    found = split_table(spec)
    assert found is not None
    model, table = found
    where = ready(model)
    if table == "head" and where.config.tie_weights:
        raise ModelSpecError(
            f"{model} has no output embeddings of its own: they are its token embeddings", f"take {model}:wte"
        )
    matrix = np.asarray(Weights(where).array(TABLES[table]))
    if where.run is not None or not matrix.flags.c_contiguous:
        matrix = np.ascontiguousarray(matrix).copy()
    words, pieces = (_tokens(where, len(matrix))) if table != "wpe" else ([str(n) for n in range(len(matrix))], None)
    norms = row_norms(matrix)
    if len(bad := np.flatnonzero(~np.isfinite(norms))):
        raise CheckpointError(
            f"{_TITLES[table]} of {model}: the row of {words[bad[0]]!r} is not finite, and {len(bad) - 1:,} others",
            "the run has diverged: take an earlier step",
        )
    label = f"{_TITLES[table]} of {model}"
    if where.run is not None and where.step is not None and "@" not in model and model != "demo":
        label += f" at step {where.step:,}"  # the run may go on, and the name stand for another step then
    source = where.files[0] if where.files else None
    return Vectors(WordTable.of(words), matrix, spec=spec, label=label, norms=norms, pieces=pieces, source=source)


def _tokens(where: Located, count: int) -> tuple[list[str], Callable[[str], list[str]]]:
    """The words of the rows, and what cuts a text into them."""
    from core.errors import TokenizerError
    from core.tokenizers import load_tokenizer
    from core.weights.tokenizer_files import tokenizer_of

    tokenizer: Tokenizer = (
        load_tokenizer(where.folder) if where.run is not None else tokenizer_of(where.folder, where.config)
    )
    special = {token: text for text, token in tokenizer.special_tokens.items()}
    words = []
    for token in range(count):
        try:
            words.append(special.get(token) or token_word(tokenizer.token_bytes(token)))
        except TokenizerError:  # left free, or padding
            words.append(f"⟨id {token}⟩")
    first: dict[str, int] = {}
    for token, word in enumerate(words):
        if first.setdefault(word, token) != token:  # a special token's text may be that of another
            words[token] = f"{word}⟨id {token}⟩"

    def pieces(text: str) -> list[str]:
        try:
            plain = text.replace("·", " ")
            return [words[token] for token in tokenizer.encode_array(plain).tolist()]
        except LabError:
            return []

    return words, pieces


def token_word(piece: bytes) -> str:
    """A token as a word that can be read and typed; different bytes give different words.

    >>> [token_word(piece) for piece in (b" king", b"caf\\xc3", b"a\\n", "·".encode(), b"\\x00")]
    ['·king', 'caf⟨C3⟩', 'a↵', '⟨U+00B7⟩', '⟨U+0000⟩']
    """
    out = ""
    for character in piece.decode("utf-8", "surrogateescape"):
        code = ord(character)
        if character in _SIGNS:
            out += _SIGNS[character]
        elif 0xDC80 <= code <= 0xDCFF:
            out += f"⟨{code - 0xDC00:02X}⟩"
        elif not character.isprintable() or character in "·↵→←⟨⟩":
            out += f"⟨U+{code:04X}⟩"
        else:
            out += character
    return out or "⟨⟩"
