"""Every published host at once, on the loopback: what pulls are tested against."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager

from file_server import FileServer, serving

HOSTS = {
    "https://huggingface.co": "hf",
    "https://openaipublic.blob.core.windows.net": "openai",
    "https://raw.githubusercontent.com": "raw",
    "https://cdn.jsdelivr.net": "cdn",
    "https://github.com": "github",
}
TINY = "hf:someone/tiny"
REPO = "/hf/someone/tiny/resolve/main"
WEIGHTS_AT = f"{REPO}/model.safetensors"
WEIGHTS = random.Random(3).randbytes(200_000)


def mirrors(base: str) -> str:
    """What LLM_LAB_MIRROR must hold for one server to stand for every host."""
    return " ".join(f"{host}={base}/{name}" for host, name in HOSTS.items())


@contextmanager
def publishing() -> Iterator[FileServer]:
    """A server with one small model of Hugging Face's, ``hf:someone/tiny``."""
    with serving(b"") as server:
        server.files = {
            f"{REPO}/config.json": json.dumps({"model_type": "gpt2"}).encode(),
            f"{REPO}/vocab.json": b"{}",
            f"{REPO}/merges.txt": b"#version: 0.2\n",
            WEIGHTS_AT: WEIGHTS,
        }
        yield server
