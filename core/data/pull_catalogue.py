"""What can be fetched: models, texts, vocabularies and word vectors, with every file's addresses, size and digest.

A digest stands here only where its publisher gives one (or several independent readers of the same file agree on it);
sizes that are not known are left open and asked of the server. Leaves out: fetching (``pull.py``).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from core.data.corpora import CORPORA, CorpusInfo
from core.data.digests import Digest
from core.errors import ModelSpecError, nearest
from core.folders import cache_dir
from core.shelf import GPT2, GPT2_SIZES, ModelRef

if TYPE_CHECKING:
    from core.tokenizers.vocabularies import Vocabulary

Kind = Literal["model", "corpus", "tokenizer", "vectors"]
Source = Literal["huggingface", "openai"]

HUGGINGFACE = "https://huggingface.co"
OPENAI = "https://openaipublic.blob.core.windows.net"
GENSIM = "https://github.com/RaRe-Technologies/gensim-data/releases/download"
GENSIM_MOVED = "https://github.com/piskvorky/gensim-data/releases/download"  # where the organisation is now

# Published in tiktoken_ext/openai_public.py; Hugging Face's vocab.json and merges.txt are the same two files.
ENCODER_JSON = Digest("sha256", "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783")
VOCAB_BPE = Digest("sha256", "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5")

_OPENAI_124M = {  # bytes; the other three sizes are asked of the server
    "checkpoint": 77,
    "encoder.json": 1_042_301,
    "hparams.json": 90,
    "model.ckpt.data-00000-of-00001": 497_759_232,
    "model.ckpt.index": 5_215,
    "model.ckpt.meta": 471_155,
    "vocab.bpe": 456_318,
}
_SAFETENSORS = {  # Hugging Face's own bytes and SHA-256 (its LFS pointer); the other three are asked of the server
    "gpt2": (548_105_171, "248dfc3911869ec493c76e65bf2fcf7f615828b0254c12b473182f0f81d3a707"),
}
_WHOSE = {"r50k_base": "GPT-2's", "p50k_base": "Codex's", "cl100k_base": "GPT-4's", "o200k_base": "GPT-4o's"}
_GITHUB = re.compile(r"^https://raw\.githubusercontent\.com/([^/]+)/([^/]+)/([^/]+)/")
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # no file names on Windows


@dataclass(frozen=True, slots=True)
class PullFile:
    """One file of an item."""

    path: str
    """Where it goes, below the cache folder, with ``/``."""
    urls: tuple[str, ...]
    """Where it is, the best place first."""
    size: int | None = None
    """Bytes, where known beforehand."""
    digest: Digest | None = None
    """What its publisher says of its content."""
    optional: bool = False
    """Whether an item is whole without it."""

    @property
    def name(self) -> str:
        """Its name in its folder."""
        return self.path.rpartition("/")[2]

    @property
    def dest(self) -> Path:
        """Its place on this machine."""
        return cache_dir().joinpath(*self.path.split("/"))


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that can be fetched by name, from one source or from a choice of them."""

    name: str
    kind: Kind
    title: str
    files: dict[str, tuple[PullFile, ...]]
    """The files of each source; the first source is taken unless another is asked for."""
    licence: str = ""
    note: str = ""
    about: int = 0
    """Bytes, roughly, where the exact size is known to the server alone."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Where it can come from."""
        return tuple(self.files)


# From gensim-data's own list.json: bytes and MD5 of each file.
VECTORS = {
    "glove-wiki-gigaword-50": (69_182_535, "c289bc5d7f2f02c6dc9f2f9b67641813"),
    "glove-wiki-gigaword-100": (134_300_434, "40ec481866001177b8cd4cb0df92924f"),
    "glove-wiki-gigaword-200": (264_336_934, "59652db361b7a87ee73834a6c391dfc1"),
    "glove-wiki-gigaword-300": (394_362_229, "29e9329ac2241937d55b852e8284e89b"),
    "glove-twitter-25": (109_885_004, "50db0211d7e7a2dcd362c6b774762793"),
    "glove-twitter-50": (209_216_938, "c168f18641f8c8a00fe30984c4799b2b"),
    "glove-twitter-100": (405_932_991, "b04f7bed38756d64cf55b58ce7e97b15"),
    "glove-twitter-200": (795_373_100, "e52e8392d1860b95d5308a525817d8f9"),
    "word2vec-google-news-300": (1_743_563_840, "a5e5354d40acb95f9ec66d5977d140ef"),
}


def entries() -> dict[str, Entry]:
    """Everything that has a name of its own here, in the order of the list."""
    found = [*map(_gpt2, GPT2_SIZES), *_corpora(), *_vocabularies(), *_vectors()]
    return {entry.name: entry for entry in found}


def entry(name: str) -> Entry:
    """One thing by name: a name of ``entries()``, ``openai:124M`` and so on, or ``hf:OWNER/NAME``.

    Raises:
        ModelSpecError: nothing has that name, or it could name a place outside of the cache folder.
    """
    known = entries()
    if name in known:
        return known[name]
    if name.startswith("hf:"):
        return huggingface(name)
    if name.startswith("openai:"):
        sizes = {f"openai:{size}": name for name, size in GPT2.items()}
        if name in sizes:
            whole = known[sizes[name]]
            return replace(whole, name=name, files={"openai": whole.files["openai"]})
        raise ModelSpecError(f"there is no {name!r}{nearest(name, sizes)}", "there are: " + ", ".join(sizes))
    raise ModelSpecError(
        f"nothing to fetch is called {name!r}{nearest(name, known)}",
        "llm-lab pull --list shows what there is; a model of Hugging Face's is hf:OWNER/NAME",
    )


def huggingface(spec: str) -> Entry:
    """A GPT-2-shaped model on Hugging Face, ``hf:OWNER/NAME``; whether it has more than one file is seen later.

    Raises:
        ModelSpecError: the two names are not ones that Hugging Face allows.
    """
    owner, slash, name = spec.removeprefix("hf:").partition("/")
    if not slash or not (_is_plain_name(owner) and _is_plain_name(name)):
        raise ModelSpecError(
            f"expected hf:OWNER/NAME (letters, digits, - _ and . alone), got {spec!r}",
            "as in: llm-lab pull hf:openai-community/gpt2",
        )
    base, folder = f"{HUGGINGFACE}/{owner}/{name}/resolve/main", f"models/hf/{owner}/{name}"
    files = (
        PullFile(f"{folder}/config.json", (f"{base}/config.json",)),
        PullFile(f"{folder}/encoder.json", (f"{base}/vocab.json",), optional=True),
        PullFile(f"{folder}/vocab.bpe", (f"{base}/merges.txt",), optional=True),
        PullFile(f"{folder}/model.safetensors", (f"{base}/model.safetensors",)),
    )
    title = f"{owner}'s {name}, from Hugging Face"
    return Entry(spec, "model", title, {"huggingface": files}, note="its licence is on its page")


def shard(first: PullFile, name: str) -> PullFile:
    """Another file of the same repository, whose name came from the repository's index.

    Raises:
        ModelSpecError: that name could lie outside of the model's folder.
    """
    if not _is_plain_name(name) or not name.endswith(".safetensors"):
        raise ModelSpecError(
            f"the index of {first.urls[0]} names {name!r} where a plain file name of safetensors was expected",
            "this repository should not be trusted; take another",
        )
    return PullFile(
        f"{first.path.rpartition('/')[0]}/{name}", tuple(f"{url.rpartition('/')[0]}/{name}" for url in first.urls)
    )


def _is_plain_name(word: str) -> bool:
    """Whether a word can only be the name of a file or folder, on every system.

    >>> [_is_plain_name(word) for word in ("gpt2", "a.b-c_d", "..", "a/b", "a..b", "C:", "nul", "a.", "a\\nb")]
    [True, True, False, False, False, False, False, False, False]
    """
    return bool(_PART.fullmatch(word)) and ".." not in word and word[-1] != "." and not _DEVICES.fullmatch(word)


def _gpt2(ref: ModelRef) -> Entry:
    name, size = ref.spec, GPT2[ref.spec]
    base, pair = f"{HUGGINGFACE}/openai-community/{name}/resolve/main", f"{OPENAI}/gpt-2/encodings/main"
    folder, originals = f"models/{name}", f"models/openai-{size}"
    bytes_, sha256 = _SAFETENSORS.get(name, (None, None))
    weights = Digest("sha256", sha256) if sha256 else None
    huggingface_files = (
        PullFile(f"{folder}/config.json", (f"{base}/config.json",)),
        PullFile(f"{folder}/encoder.json", (f"{base}/vocab.json", f"{pair}/encoder.json"), 1_042_301, ENCODER_JSON),
        PullFile(f"{folder}/vocab.bpe", (f"{base}/merges.txt", f"{pair}/vocab.bpe"), 456_318, VOCAB_BPE),
        PullFile(f"{folder}/model.safetensors", (f"{base}/model.safetensors",), bytes_, weights),
    )
    models = f"{OPENAI}/gpt-2/models/{size}"
    openai_files = tuple(
        PullFile(f"{originals}/{file}", (f"{models}/{file}",), known if name == "gpt2" else None)
        for file, known in _OPENAI_124M.items()
    )
    return Entry(
        name,
        "model",
        f"GPT-2 {size}",
        {"huggingface": huggingface_files, "openai": openai_files},
        licence="MIT (modified)",
        about=ref.size,
    )


def _corpora() -> Iterator[Entry]:
    for info in CORPORA.values():
        if info.url is not None:
            yield Entry(info.name, "corpus", info.title, {"github": (corpus_file(info),)}, licence=info.licence)


def corpus_file(info: CorpusInfo) -> PullFile:
    """The file of a corpus that is fetched; what lies on GitHub is at jsDelivr's too."""
    assert info.url is not None, f"{info.name} comes with Python"
    mirror = _GITHUB.sub(r"https://cdn.jsdelivr.net/gh/\1/\2@\3/", info.url)
    digest = Digest("sha256", info.sha256) if info.sha256 else None
    return PullFile(f"corpora/{info.name}.txt", tuple(dict.fromkeys((info.url, mirror))), info.size, digest)


def _vocabularies() -> Iterator[Entry]:
    from core.tokenizers.vocabularies import VOCABULARIES

    pair = f"{OPENAI}/gpt-2/encodings/main"
    files = (
        _cached(f"{pair}/vocab.bpe", 456_318, VOCAB_BPE),
        _cached(f"{pair}/encoder.json", 1_042_301, ENCODER_JSON),
    )
    title = "GPT-2's vocabulary as first published: vocab.bpe and encoder.json"
    yield Entry("gpt2-vocabulary", "tokenizer", title, {"openai": files}, licence="MIT")
    for name, whose in _WHOSE.items():
        known = VOCABULARIES[name]
        file = vocabulary_file(known)
        title = f"{whose} vocabulary, {known.vocab_size:,} entries"
        yield Entry(name, "tokenizer", title, {"openai": (file,)}, licence="MIT")


def vocabulary_file(known: Vocabulary) -> PullFile:
    """The file of one of OpenAI's vocabularies."""
    return _cached(known.url, known.size, Digest("sha256", known.sha256))


def _cached(url: str, size: int | None, digest: Digest) -> PullFile:
    """A file under the name that tiktoken gives it."""
    name = hashlib.sha1(url.encode(), usedforsecurity=False).hexdigest()
    return PullFile(f"tiktoken/{name}", (url,), size, digest)


def _vectors() -> Iterator[Entry]:
    for name, (size, md5) in VECTORS.items():
        words = "Google News, 3 million words" if "google" in name else f"GloVe, {name.removeprefix('glove-')}"
        urls = tuple(f"{base}/{name}/{name}.gz" for base in (GENSIM, GENSIM_MOVED))
        file = PullFile(f"vectors/{name}/{name}.gz", urls, size, Digest("md5", md5))
        licence = "not stated" if "google" in name else "PDDL 1.0"
        yield Entry(name, "vectors", words, {"gensim-data": (file,)}, licence=licence)
