from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.corpora import load_corpus
from core.errors import TokenizerError
from core.tokenizers import get_tokenizer
from core.tokenizers.base import UNKNOWN
from core.tokenizers.words import SimpleTokenizerV1, SimpleTokenizerV2, split_words

texts = st.one_of(
    st.text(),
    st.lists(st.sampled_from(["a", "-", "--", " ", "\n", "\u00a0", "é", "'", "_", ",", ";", "<|unk|>", "🎉"])).map(
        "".join
    ),
)


def course_split(text: str) -> list[str]:
    """The line of the course's chapter 2."""
    pieces = re.split(r'([,.:;?_!"()\']|--|\s)', text)
    return [piece.strip() for piece in pieces if piece.strip()]


def course_decode(words: list[str], punctuation: str) -> str:
    return re.sub(rf"\s+([{punctuation}])", r"\1", " ".join(words))


@given(texts)
def test_words_are_those_of_the_course(text: str) -> None:
    assert split_words(text) == course_split(text)


@given(texts)
def test_ids_and_decoded_text_are_those_of_the_course(text: str) -> None:
    words = course_split(text)
    for kind, punctuation in ((SimpleTokenizerV1, ",.?!\"()'"), (SimpleTokenizerV2, ",.:;?!\"()'")):
        tokenizer = kind.from_text(text + " word")
        plain = sorted({*words, "word"} - set(tokenizer.special_tokens))
        vocab = {word: i for i, word in enumerate([*plain, *tokenizer.special_tokens])}
        assert tokenizer.str_to_int == vocab
        if not any(special in text for special in tokenizer.special_tokens):
            ids = tokenizer.encode(text)
            assert ids == tokenizer.encode_array(text).tolist() == [vocab[word] for word in words]
            assert tokenizer.decode(ids) == course_decode(words, punctuation)


@given(texts)
def test_tokens_lie_where_their_words_stand(text: str) -> None:
    tokenizer = SimpleTokenizerV2.from_text("a b")
    raw = text.encode()
    tokens = tokenizer.tokens(text)
    assert [t.id for t in tokens] == tokenizer.encode(text, disallowed_special=())
    assert [t.text for t in tokens] == course_split(text)
    at = 0
    for token in tokens:
        assert text[token.char_start : token.char_end] == token.text
        assert raw[token.byte_start : token.byte_end] == token.bytes
        assert text[at : token.char_start].strip() == ""  # nothing but white space is in no token
        at = token.char_end
    assert text[at:].strip() == ""
    assert tokenizer.count(text) == len(tokens)


@pytest.mark.usefixtures("the_verdict")
def test_the_verdict_has_as_many_words_as_the_course_counts() -> None:
    text = load_corpus("the-verdict")
    first, second = get_tokenizer("words-v1", text), get_tokenizer("words-v2", text)
    assert (first.vocab_size, second.vocab_size) == (1130, 1132)
    assert second.special_tokens == {"<|endoftext|>": 1130, "<|unk|>": 1131}
    said = '"It\'s the last he painted, you know," Mrs. Gisburn said with pardonable pride.'
    assert first.encode(said) == [
        *(1, 56, 2, 850, 988, 602, 533, 746, 5, 1126, 596, 5, 1, 67, 7, 38, 851, 1108, 754, 793, 7)
    ]
    joined = SimpleTokenizerV2.join(["Hello, do you like tea?", "In the sunlit terraces of the palace."])
    ids = second.encode(joined, allowed_special="all")
    assert ids == [1131, 5, 355, 1126, 628, 975, 10, 1130, 55, 988, 956, 984, 722, 988, 1131, 7]
    assert second.decode(ids) == "<|unk|>, do you like tea? <|endoftext|> In the sunlit terraces of the <|unk|>."


def test_v1_names_the_word_that_it_does_not_know() -> None:
    tokenizer = SimpleTokenizerV1.from_text("the cat")
    for use in (tokenizer.encode, tokenizer.encode_array, tokenizer.tokens):
        with pytest.raises(TokenizerError, match="the word 'dog' at character 4") as caught:
            use("the dog")
        assert "words-v2" in caught.value.hint
    assert [t.id for t in tokenizer.tokens_marked("the dog")] == [1, UNKNOWN]
    assert tokenizer.unknown_in("the dog dog") == {"dog": 2}


def test_special_text_is_refused_allowed_or_plain() -> None:
    tokenizer = SimpleTokenizerV2.from_text("a b")
    with pytest.raises(TokenizerError, match=r"<\|endoftext\|> stands at character 2"):
        tokenizer.encode("a <|endoftext|> b")
    assert tokenizer.encode("a<|endoftext|>b", allowed_special="all") == [0, 2, 1]
    assert tokenizer.encode("a <|endoftext|> b", disallowed_special=()) == [0, 3, 1]


@pytest.mark.parametrize(
    ("kind", "vocab", "words"),
    [
        (SimpleTokenizerV1, {}, "at least one word"),
        (SimpleTokenizerV1, {"a": 1}, "ids 0 to 0"),
        (SimpleTokenizerV1, {"a": 0, "b": 0}, "once each"),
        (SimpleTokenizerV2, {"a": 0}, "<|endoftext|> and <|unk|>"),
    ],
)
def test_a_vocabulary_that_is_none_is_refused(kind: type[SimpleTokenizerV1], vocab: dict[str, int], words: str) -> None:
    with pytest.raises(TokenizerError, match=re.escape(words)):
        kind(vocab)


@pytest.mark.parametrize("kind", [SimpleTokenizerV1, SimpleTokenizerV2])
def test_a_text_without_words_makes_no_tokenizer(kind: type[SimpleTokenizerV1]) -> None:
    with pytest.raises(TokenizerError, match="a text without any"):
        kind.from_text(" \n")
    with pytest.raises(TokenizerError, match="half a surrogate pair"):
        kind.from_text("a \ud83c")


def test_a_long_line_without_spaces_is_one_word() -> None:
    line = "ab-" * 2_000_000
    assert SimpleTokenizerV2.from_text("a").encode(line) == [2]
