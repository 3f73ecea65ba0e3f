"""What every test stands on: its own folders, no network, and the shared cache where a test asks for it."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# A test machine may be busy with something else: how long an example took says nothing.
settings.register_profile("lab", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("lab")

# What was imported is never garbage, and the app looks for it seldom too (lab/garbage.py): a sixth of the time.
gc.set_threshold(50_000, 20, 50)

# A shell without job control starts what goes on in its background deaf to ctrl+c, nohup deaf to a line that drops, and
# so all that the tests start.
for number, handler in ((signal.SIGINT, signal.default_int_handler), (getattr(signal, "SIGHUP", None), signal.SIG_DFL)):
    if number is not None and signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)

TINY_SHAKESPEARE = "corpora/tiny-shakespeare.txt"
THE_VERDICT = "corpora/the-verdict.txt"
R50K = "tiktoken/0ea1e91bbb3a60f729a8dc8f777fd2fc07cd8df4"
VOCAB_BPE = "tiktoken/6d1cbeee0f20b3d9449abfede4726ed8212e3aee"
ENCODER_JSON = "tiktoken/6c7ea1a7e38e3a7f062df639a5b80947f075ffe6"

_ROOT = Path(__file__).resolve().parent.parent
_FROM_OUTSIDE = os.environ.get("LLM_LAB_CACHE")
_PLACES = [Path(_FROM_OUTSIDE)] if _FROM_OUTSIDE else []
_PLACES.append(_ROOT.parent / "shared" / "cache")

_NOT_FROM_OUTSIDE = (
    *("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "http_proxy", "https_proxy"),
    *("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR", "NO_COLOR", "FORCE_COLOR"),
)


@pytest.fixture(autouse=True)
def isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Gives each test, and the processes that it starts, folders of its own; returns the folder that holds them."""
    root = tmp_path_factory.mktemp("lab")
    for name in ("cache", "runs", "state"):
        monkeypatch.setenv(f"LLM_LAB_{name.upper()}", str(root / name))
    for name in _NOT_FROM_OUTSIDE:
        monkeypatch.delenv(name, raising=False)
    return root


@pytest.fixture(autouse=True, scope="session")
def offline() -> Iterator[None]:
    """Refuses every connection that would leave this machine."""
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo
    here = {None, "", "localhost", "127.0.0.1", "::1", socket.gethostname()}

    def refuse(address: Any) -> None:
        if isinstance(address, tuple) and address[0] not in here and not str(address[0]).startswith("127."):
            raise OSError(f"tests are offline: {address[0]}")

    def guarded_connect(self: socket.socket, address: Any) -> None:
        refuse(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        refuse(address)
        return connect_ex(self, address)

    def guarded_getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name not in here and not str(name).startswith("127."):
            raise socket.gaierror(socket.EAI_NONAME, f"tests are offline: {name}")
        return getaddrinfo(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        patch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
        yield


class SharedCache:
    """Puts files of the shared cache into a test's own; the originals are out of every test's reach."""

    def __init__(self, copies: Path) -> None:
        self._copies = copies

    def fill(self, cache: Path, *names: str) -> Path:
        """Links ``names`` into ``cache``, and returns it; skips the test if any of them is nowhere."""
        found = {name: next((p / name for p in _PLACES if (p / name).is_file()), None) for name in names}
        if missing := [name for name, path in found.items() if path is None]:
            pytest.skip(f"not in LLM_LAB_CACHE nor in ../shared/cache: {', '.join(missing)}")
        for name, original in found.items():
            assert original is not None
            copy, target = self._copies / name, cache / name
            if not copy.exists():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(original, copy)
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                try:
                    target.symlink_to(copy)
                except OSError:  # Windows without the right to make links
                    shutil.copyfile(copy, target)
        return cache


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> SharedCache:
    """The shared cache (LLM_LAB_CACHE as it was outside, or ../shared/cache beside the checkout)."""
    return SharedCache(tmp_path_factory.mktemp("shared-cache"))


@pytest.fixture
def lab_cache(isolated: Path, shared_cache: SharedCache) -> Path:
    """This test's LLM_LAB_CACHE with everything from the shared one in it; skips if anything is missing there."""
    return shared_cache.fill(isolated / "cache", TINY_SHAKESPEARE, THE_VERDICT, R50K, VOCAB_BPE, ENCODER_JSON)


@pytest.fixture
def tiny_shakespeare(isolated: Path, shared_cache: SharedCache) -> Path:
    """Tiny-shakespeare in this test's cache; the path of the file."""
    return shared_cache.fill(isolated / "cache", TINY_SHAKESPEARE) / TINY_SHAKESPEARE


@pytest.fixture
def the_verdict(isolated: Path, shared_cache: SharedCache) -> Path:
    """The Verdict in this test's cache; the path of the file."""
    return shared_cache.fill(isolated / "cache", THE_VERDICT) / THE_VERDICT


@pytest.fixture
def gpt2_vocabulary(isolated: Path, shared_cache: SharedCache) -> Path:
    """GPT-2's vocabulary in this test's cache; the path of the file."""
    return shared_cache.fill(isolated / "cache", R50K) / R50K
