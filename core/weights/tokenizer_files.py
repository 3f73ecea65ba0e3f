"""The tokenizer that lies beside a model's weights, whoever wrote it: ours, OpenAI's pair, Hugging Face's files.

A folder without one whose model has GPT-2's 50,257 entries takes GPT-2's vocabulary from the cache.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from core.config import GPTConfig
from core.errors import CheckpointError, TokenizerError
from core.files import write_bytes_atomic
from core.tokenizers import get_tokenizer, load_tokenizer, tokenizer_is_here
from core.tokenizers.base import FILE_NAME, Tokenizer

OWN = "llm-lab"
"""The folder, in one of Hugging Face's layout, with our ``tokenizer.json``: theirs has the same name."""
PAIRS = (("encoder.json", "vocab.bpe"), ("vocab.json", "merges.txt"))
"""OpenAI's names of the two files, and Hugging Face's of the same."""
GPT2_SIZE = 50257
PADDING = 128
"""So many entries may the model have more than its tokenizer: vocabularies are padded to round numbers."""
_GPT2_MERGES = "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5"


def tokenizer_of(folder: Path, config: GPTConfig) -> Tokenizer:
    """The tokenizer for a model in a folder.

    Raises:
        TokenizerError: its files are damaged, or there are none.
        CheckpointError: it has more entries than the model, or far fewer.
    """
    tokenizer = _find(folder, config)
    size = config.vocab_size or 0
    if not tokenizer.vocab_size <= size < tokenizer.vocab_size + PADDING:
        raise CheckpointError(
            f"the tokenizer in {folder} has {tokenizer.vocab_size:,} entries, the model there has {size:,}",
            "they are not of one model: copy both from the same place",
        )
    return tokenizer


def has_tokenizer(folder: Path, config: GPTConfig) -> bool:
    """Whether there is one for it, whole or not."""
    names = (FILE_NAME, f"{OWN}/{FILE_NAME}", *PAIRS[0], *PAIRS[1])
    gpt2 = config.vocab_size == GPT2_SIZE and tokenizer_is_here("gpt2")
    return gpt2 or any((folder / name).is_file() for name in names)


def _find(folder: Path, config: GPTConfig) -> Tokenizer:
    if (folder / OWN / FILE_NAME).is_file():
        return load_tokenizer(folder / OWN)
    pair = next((p for p in PAIRS if any((folder / name).is_file() for name in p)), None)
    theirs = folder / FILE_NAME
    content = _content(theirs) if theirs.is_file() else None
    if content is not None and "kind" in content:
        return load_tokenizer(folder)
    if pair is not None:
        return _from_pair(folder / pair[0], folder / pair[1])
    if content is not None:
        return _from_huggingface(theirs, content)
    if config.vocab_size == GPT2_SIZE and tokenizer_is_here("gpt2"):
        return get_tokenizer("gpt2")
    raise TokenizerError(
        f"{folder} has no tokenizer: encoder.json and vocab.bpe, vocab.json and merges.txt, or tokenizer.json",
        "copy them there, from where the weights are; GPT-2's: llm-lab pull gpt2",
    )


def _content(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise TokenizerError(f"{path} cannot be read: {error}", "copy or fetch it again") from None
    if not isinstance(found, dict):
        raise TokenizerError(f"{path} is no tokenizer: an object was expected", "copy or fetch it again")
    return found


def _from_pair(ids: Path, merges: Path) -> Tokenizer:
    from core.tokenizers.bpe import BPETokenizer

    for path in (ids, merges):
        if not path.is_file():
            raise TokenizerError(f"{path.name} was expected in {path.parent}, it is not there", "copy it there")
    if _is_gpt2(ids, merges) and tokenizer_is_here("gpt2"):
        return get_tokenizer("gpt2")  # the same, run by tiktoken
    tokenizer = BPETokenizer.from_openai_files(ids, merges)
    return _by_tiktoken(tokenizer) if _is_gpt2(ids, merges) else tokenizer


def _is_gpt2(ids: Path, merges: Path) -> bool:
    if hashlib.sha256(merges.read_bytes()).hexdigest() != _GPT2_MERGES:
        return False
    found = _content(ids)
    return len(found) == GPT2_SIZE and found.get("<|endoftext|>") == GPT2_SIZE - 1 and found.get("!") == 0


def _by_tiktoken(tokenizer: Any) -> Tokenizer:
    """GPT-2's vocabulary as ``get_tokenizer("gpt2")`` gives it, so that what was encoded with one serves the other."""
    from core.tokenizers.openai import TiktokenTokenizer
    from core.tokenizers.vocabularies import GPT2_PATTERN

    special = tokenizer.special_tokens
    ranks = {tokenizer.token_bytes(i): i for i in range(tokenizer.vocab_size) if i not in special.values()}
    return TiktokenTokenizer("gpt2", GPT2_PATTERN, ranks, special)


def _from_huggingface(path: Path, content: dict[str, Any]) -> Tokenizer:
    """Hugging Face's ``tokenizer.json``, where it is byte-level BPE with GPT-2's pattern.

    Raises:
        TokenizerError: it is of another kind, or damaged.
    """
    from core.tokenizers import bpe_files
    from core.tokenizers.bpe import BPETokenizer

    model, before = content.get("model") or {}, content.get("pre_tokenizer") or {}
    if model.get("type") != "BPE" or before.get("type") != "ByteLevel" or not before.get("use_regex", True):
        raise TokenizerError(
            f"{path}: byte-level BPE with GPT-2's pattern was expected, "
            f"got {model.get('type')} behind {before.get('type')}",
            "the lab reads tokenizers of GPT-2's kind",
        )
    if before.get("add_prefix_space") or content.get("normalizer"):
        raise TokenizerError(
            f"{path} changes the text before it cuts it (add_prefix_space or a normalizer), which the lab does not do",
            "the lab reads tokenizers of GPT-2's kind",
        )
    try:
        added = {str(token["content"]): int(token["id"]) for token in content.get("added_tokens") or []}
        ids = {str(token): int(i) for token, i in model["vocab"].items()}
        pairs = [tuple(pair.split(" ")) if isinstance(pair, str) else tuple(pair) for pair in model["merges"]]
        merges = [(str(left), str(right)) for left, right in pairs]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TokenizerError(f"{path} is damaged: {error!r}", "copy or fetch it again") from None
    words = {token: i for token, i in ids.items() if token not in added}
    ranks, special = bpe_files.join_pair(words, merges, path, path)
    return BPETokenizer(ranks, special_tokens=special | added)


def write_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """Writes a tokenizer beside weights of Hugging Face's layout.

    Ours goes into ``llm-lab/`` and is what the lab reads; byte-pair ones also as transformers reads them.
    """
    from core.tokenizers.bpe import BPETokenizer

    tokenizer.save(folder / OWN)
    bpe = BPETokenizer.of(tokenizer)
    if bpe is None:
        return
    bpe.write_openai_files(folder)
    for ours, theirs in zip(*PAIRS, strict=True):
        (folder / ours).replace(folder / theirs)
    end = next(iter(bpe.special_tokens), None)
    said = {"tokenizer_class": "GPT2Tokenizer", "unk_token": end, "bos_token": end, "eos_token": end}
    write_bytes_atomic(folder / "tokenizer_config.json", json.dumps(said, indent=2).encode())
