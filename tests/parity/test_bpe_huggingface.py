"""Our byte-pair trainer against Hugging Face's, which is written in Rust."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from core.tokenizers.bpe import BPETokenizer


def hugging_face(text: str, vocab_size: int) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([text], trainer)
    return tokenizer


@pytest.mark.parametrize("vocab_size", [512, 5000])
def test_as_few_tokens_as_theirs(tiny_shakespeare: Path, vocab_size: int) -> None:
    text = tiny_shakespeare.read_text()
    training = BPETokenizer.train_steps(text, vocab_size)
    assert len(list(training)) == vocab_size - 257
    tokenizer, peer = training.tokenizer(), hugging_face(text, vocab_size)
    assert tokenizer.vocab_size == peer.get_vocab_size() == vocab_size
    ids, theirs = tokenizer.encode(text), peer.encode(text).ids
    assert abs(len(ids) - len(theirs)) <= 0.005 * len(theirs)
    assert training.tokens_left == len(ids)
    assert tokenizer.decode(ids) == text
    assert tokenizer.to_tiktoken().encode(text) == ids


def test_they_read_what_we_write_and_we_what_they_write(the_verdict: Path, tmp_path: Path) -> None:
    text = the_verdict.read_text()
    ours = BPETokenizer.train(text, 600)
    ours.write_openai_files(tmp_path)
    read = Tokenizer(models.BPE.from_file(str(tmp_path / "encoder.json"), str(tmp_path / "vocab.bpe")))
    read.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    read.decoder = decoders.ByteLevel()
    assert read.encode(text).ids == ours.encode(text)
    assert read.decode(ours.encode(text)) == text

    theirs = hugging_face(text, 600)
    vocabulary, merges = theirs.model.save(str(tmp_path))
    back = BPETokenizer.from_openai_files(vocabulary, merges)
    assert back.special_tokens == {"<|endoftext|>": 0}
    assert back.encode(text) == theirs.encode(text).ids
    assert back.to_tiktoken().encode(text) == theirs.encode(text).ids
