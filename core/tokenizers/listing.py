"""Which tokenizers can be named on this machine, and where the trained ones lie.

A trained byte-pair encoding is a folder with a ``tokenizer.json``; those in ``LLM_LAB_CACHE/tokenizers/`` go by their
bare name: ``bpe:NAME``. Leaves out: reading a vocabulary, except its size.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import TokenizerError, nearest
from core.folders import cache_dir
from core.tokenizers.base import FILE_NAME, read_file
from core.tokenizers.kinds import KINDS

if TYPE_CHECKING:
    from core.tokenizers.base import Tokenizer


@dataclass(frozen=True, slots=True)
class TokenizerRef:
    """One tokenizer that can be named, or one that could be if its vocabulary were here."""

    name: str
    """What ``get_tokenizer`` calls it."""
    label: str
    """Short, for a list."""
    vocab_size: int | None
    """None where it depends on a text."""
    note: str
    """One line: what it is, or what is wrong with it."""
    here: bool
    """Whether it needs no network."""
    needs_text: bool
    """Whether its vocabulary is made from a text."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


def trained_folder() -> Path:
    """Where trained tokenizers lie, each in a folder of its name."""
    return cache_dir() / "tokenizers"


def bpe_path(name: str) -> Path:
    """The file or folder that ``bpe:PATH`` means.

    A bare name means a tokenizer that was trained here if there is one, and else a file or folder; ``bpe:./NAME``
    always means the latter.

    Raises:
        TokenizerError: there is neither.
    """
    asked = name.removeprefix("bpe:")
    path = Path(asked).expanduser()
    if asked and path.name == asked and asked not in (".", "..") and (trained_folder() / asked).exists():
        return trained_folder() / asked
    if not asked or not path.exists():
        trained = [folder.name for folder in _trained_folders()]
        raise TokenizerError(
            f"expected a tokenizer after bpe:, {asked!r} is neither a trained one{nearest(asked, trained)} nor a path",
            ("trained here: " + ", ".join(trained) + "; " if trained else "")
            + "llm-lab train-tokenizer CORPUS --vocab-size N trains one",
        )
    return path


def open_bpe(path: Path) -> Tokenizer:
    """The byte-pair encoding in a file or folder, of any of the formats that we read."""
    from core.tokenizers.bpe_files import open_bpe

    return open_bpe(path)


def listing() -> list[TokenizerRef]:
    """Those that need no file first, then the trained ones by name, then OpenAI's."""
    from core.tokenizers import TOKENIZERS
    from core.tokenizers.vocabularies import VOCABULARIES, find_vocabulary

    own = [
        TokenizerRef(kind.name, kind.name, kind.vocab_size, kind.note, True, kind.needs_text) for kind in KINDS.values()
    ]
    published = [
        TokenizerRef(name, name, known.vocab_size, TOKENIZERS[name], find_vocabulary(name) is not None, False)
        for name, known in VOCABULARIES.items()
    ]
    return [*own, *_trained(), *published]


def trained_names() -> list[str]:
    """``bpe:NAME`` of each that was trained here, without a look into them."""
    return [f"bpe:{folder.name}" for folder in _trained_folders()]


def _trained_folders() -> list[Path]:
    try:
        return sorted(p for p in trained_folder().iterdir() if not p.name.startswith(".") and p.is_dir())
    except OSError:  # none has been trained
        return []


def _trained() -> list[TokenizerRef]:
    return [_ref(folder) for folder in _trained_folders()]


def _ref(folder: Path) -> TokenizerRef:
    name = f"bpe:{folder.name}"
    if not (folder / FILE_NAME).exists():  # OpenAI's pair, or ranks; read when it is used
        return TokenizerRef(name, folder.name, None, "byte-pair encoding", True, False)
    try:
        content = read_file(folder)
    except TokenizerError as error:
        return TokenizerRef(name, folder.name, None, error.title, False, False)
    return TokenizerRef(name, folder.name, vocab_size_of(content), "byte-pair encoding, trained here", True, False)


def vocab_size_of(content: dict[str, Any]) -> int | None:
    """How many ids there are, by the JSON of a byte-pair encoding's ``tokenizer.json``; None if it does not say so."""
    tokens, special = content.get("tokens"), content.get("special_tokens")
    if not isinstance(tokens, list) or not isinstance(special, dict):
        return None
    return max([len(tokens) + len(special), *(i + 1 for i in special.values() if isinstance(i, int))])


def known_vocab_size(name: str) -> int | None:
    """How many ids a tokenizer has, without reading its vocabulary where that is long; None where a text decides.

    >>> known_vocab_size("byte"), known_vocab_size("o200k_base"), known_vocab_size("char")
    (256, 200019, None)
    """
    from core.tokenizers.vocabularies import VOCABULARIES

    if name in KINDS:
        return KINDS[name].vocab_size
    if name in VOCABULARIES:
        return VOCABULARIES[name].vocab_size
    if not name.startswith("bpe:"):
        return None
    try:
        path = bpe_path(name)
        return vocab_size_of(read_file(path)) if (path / FILE_NAME).exists() else open_bpe(path).vocab_size
    except TokenizerError:
        return None
