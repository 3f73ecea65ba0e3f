"""What a screen or the command line asks before anything is loaded must stay light."""

from __future__ import annotations

import json
import subprocess
import sys


def test_asking_what_there_is_loads_nothing_heavy() -> None:
    program = """
import json, sys
from core.data.corpora import CORPORA, fetch_corpus, is_available
from core.tokenizers import TOKENIZERS, fetch_tokenizer, list_tokenizers, tokenizer_is_here
known = {name: is_available(name) for name in CORPORA} | {name: tokenizer_is_here(name) for name in TOKENIZERS}
assert [ref.name for ref in list_tokenizers()] == list(TOKENIZERS)
print(json.dumps([known, sorted(sys.modules)]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    known, modules = json.loads(done.stdout)
    offline = {"python-docs", "words-v1", "words-v2", "char", "byte"}
    fetched = {"tiny-shakespeare", "the-verdict", "gpt2", "r50k_base", "p50k_base", "cl100k_base", "o200k_base"}
    assert known == {name: name in offline for name in offline | fetched}
    assert not {"numpy", "httpx", "tiktoken", "torch", "pydoc_data.topics"} & set(modules)
