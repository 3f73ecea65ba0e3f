from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest
from file_server import Answer, FileServer, closed_port
from pull_site import REPO, TINY, WEIGHTS, mirrors, publishing

from core.data import download as download_module
from core.data import pull_catalogue, pull_openai
from core.data.digests import Digest, digest_of
from core.data.pull import PullProgress, items, pull, pull_item, remove
from core.data.pull_catalogue import PullFile, entries, entry
from core.data.pull_job import PullJob
from core.data.pull_mirrors import addresses
from core.errors import DownloadError, InputError, LabError, ModelSpecError
from core.lock import FileLock
from core.weights.openai import converted_folder

VOCAB_BPE, ENCODER = "6d1cbeee0f20b3d9449abfede4726ed8212e3aee", "6c7ea1a7e38e3a7f062df639a5b80947f075ffe6"


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """Every published host at once; failures are tried again almost at once."""
    monkeypatch.setattr(download_module, "FIRST_PAUSE", 0.001)
    with publishing() as running:
        monkeypatch.setenv("LLM_LAB_MIRROR", mirrors(running.base))
        yield running


@pytest.fixture
def cache(isolated: Path) -> Path:
    return isolated / "cache"


@pytest.fixture
def verdict(monkeypatch: pytest.MonkeyPatch, site: FileServer) -> bytes:
    """A text in place of the-verdict, known by its own size and SHA-256, at both of its addresses."""
    from core.data import corpora

    text = b"I had always thought Jack Gisburn rather a cheap genius.\n" * 1000
    info = corpora.CORPORA["the-verdict"]
    assert info.url is not None
    changed = corpora.CorpusInfo(
        info.name, info.title, info.source, info.url, hashlib.sha256(text).hexdigest(), len(text), info.licence
    )
    monkeypatch.setitem(corpora.CORPORA, "the-verdict", changed)
    path = info.url.removeprefix("https://raw.githubusercontent.com/")
    site.files[f"/raw/{path}"] = text
    site.files["/cdn/gh/" + path.replace("/main/", "@main/", 1)] = text
    return text


def fetch(name: str, **options: str) -> list[PullProgress]:
    return list(pull(name, **options))  # type: ignore[arg-type]


def notes(events: list[PullProgress]) -> str:
    return "; ".join(event.note for event in events if event.note)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# The catalogue


def test_every_item_has_a_place_of_its_own_in_the_cache_and_addresses(cache: Path) -> None:
    places: dict[Path, str] = {}
    for item in entries().values():
        for source, files in item.files.items():
            for file in files:
                assert file.dest.is_relative_to(cache), file
                assert file.urls, file
                assert all(url.startswith("https://") for url in file.urls), file
                assert places.setdefault(file.dest, source) == source
    assert {"gpt2", "gpt2-xl", "tiny-shakespeare", "the-verdict", "o200k_base", "word2vec-google-news-300"} <= set(
        entries()
    )


def test_openais_124m_has_the_seven_files_and_sizes_of_its_release() -> None:
    files = {file.name: file.size for file in entry("gpt2").files["openai"]}
    assert files == {
        "checkpoint": 77,
        "encoder.json": 1_042_301,
        "hparams.json": 90,
        "model.ckpt.data-00000-of-00001": 497_759_232,
        "model.ckpt.index": 5_215,
        "model.ckpt.meta": 471_155,
        "vocab.bpe": 456_318,
    }
    only = entry("openai:124M")
    assert only.sources == ("openai",)
    assert only.files["openai"] == entry("gpt2").files["openai"]


def test_the_vocabularies_lie_where_tiktoken_and_our_tokenizers_look_for_them() -> None:
    from core.tokenizers.vocabularies import VOCAB_BPE_SHA256, VOCABULARIES

    for name, known in VOCABULARIES.items():
        if name != "gpt2":
            file = entry(name).files["openai"][0]
            assert (file.urls, file.dest) == ((known.url,), known.place)
            assert file.digest == Digest("sha256", known.sha256)
    merges, encoder = entry("gpt2-vocabulary").files["openai"]
    assert merges.digest == Digest("sha256", VOCAB_BPE_SHA256)
    assert (merges.path, encoder.path) == (f"tiktoken/{VOCAB_BPE}", f"tiktoken/{ENCODER}")


def test_sizes_reckoned_and_sizes_known_are_told_apart() -> None:
    xl, shakespeare = pull_item("gpt2-xl"), pull_item("tiny-shakespeare")
    assert not xl.exact
    assert xl.size >= 4 * 1_557_611_200
    assert shakespeare.exact
    assert shakespeare.size == 1_115_394


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gpt2-mediun", "did you mean gpt2-medium?"),
        ("glove-wiki-gigaword-51", "did you mean glove-wiki-gigaword-50?"),
        ("openai:123M", "did you mean openai:124M?"),
        ("", "nothing to fetch"),
        ("../gpt2", "nothing to fetch"),
        ("/etc/passwd", "nothing to fetch"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(name: str, said: str) -> None:
    with pytest.raises(ModelSpecError, match=r"called|there is no") as caught:
        pull(name)
    assert said in caught.value.title


@pytest.mark.parametrize(
    "spec",
    [
        "hf:../../etc",
        "hf:..",
        "hf:a/..",
        "hf:../b",
        "hf:/etc/passwd",
        "hf:a/b/c",
        "hf:a",
        "hf:a/",
        "hf:/b",
        "hf:a\\..\\b/c",
        "hf:C:/b",
        "hf:a/b?x=1",
        "hf:a/b#x",
        "hf:a/b%2f..",
        "hf:a/ b",
        "hf:a/b\n",
        "hf:a/nul",
        "hf:con.txt/b",
        "hf:a/b.",
        "hf:.git/b",
        "hf:a/" + "b" * 97,
        "hf:a/\u0436",
    ],
)
@pytest.mark.parametrize("use", [pull, remove, pull_item], ids=["pull", "remove", "item"])
def test_names_that_could_leave_the_cache_are_refused(spec: str, use: object, cache: Path) -> None:
    with pytest.raises(ModelSpecError, match="expected hf:OWNER/NAME"):
        use(spec)  # type: ignore[operator]
    assert not cache.exists()


def test_a_source_that_an_item_does_not_have_is_refused() -> None:
    with pytest.raises(InputError, match="does not come from openai"):
        pull("the-verdict", source="openai")


# Mirrors


def test_a_mirror_of_a_cache_folder_comes_first_and_prefixes_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    file = PullFile("corpora/a.txt", ("https://one.example/x/a.txt", "https://two.example/a.txt"))
    assert addresses(file) == list(file.urls)
    monkeypatch.setenv("LLM_LAB_MIRROR", "http://class:8000/ https://one.example=http://lab/one/")
    assert addresses(file) == [
        "http://class:8000/corpora/a.txt",
        "http://lab/one/x/a.txt",
        "https://two.example/a.txt",
    ]
    monkeypatch.setenv("LLM_LAB_MIRROR", "https://one.exam=http://lab")  # half a host's name is no prefix
    assert addresses(file) == list(file.urls)


@pytest.mark.parametrize("value", ["class:8000", "ftp://x/", "/srv/cache", "http://a=b", "http://"])
def test_a_mirror_that_is_no_address_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_LAB_MIRROR", value)
    with pytest.raises(InputError, match="LLM_LAB_MIRROR must hold http addresses"):
        fetch("the-verdict")


def test_another_machines_cache_folder_serves_as_it_is(
    site: FileServer, verdict: bytes, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.files = {"/corpora/the-verdict.txt": verdict}
    monkeypatch.setenv("LLM_LAB_MIRROR", site.base)
    fetch("the-verdict")
    assert (cache / "corpora" / "the-verdict.txt").read_bytes() == verdict


# Fetching


def test_a_model_of_hugging_faces_lands_in_its_folder_with_our_names(site: FileServer, cache: Path) -> None:
    events = fetch(TINY)
    folder = cache / "models" / "hf" / "someone" / "tiny"
    assert names(folder) == {"config.json", "encoder.json", "vocab.bpe", "model.safetensors", "digests.json"}
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert (folder / "encoder.json").read_bytes() == b"{}"
    total = sum(len(content) for content in site.files.values())
    last = events[-1]
    assert (last.phase, last.received, last.total) == ("done", total, total)
    assert {event.phase for event in events} == {"asking", "fetching", "checking", "done"}
    received = [event.received for event in events]
    assert received == sorted(received)
    assert all(event.total == total for event in events if event.phase == "fetching")
    assert events[-2].file == "model.safetensors"
    assert (events[-2].file_index, events[-2].files) == (4, 4)
    item = next(item for item in items() if item.name == TINY)
    assert item.here
    assert item.bytes_here >= total


def test_what_is_here_is_checked_and_needs_no_network(site: FileServer, verdict: bytes) -> None:
    fetch("the-verdict")
    fetch(TINY)
    asked = len(site.log)
    assert fetch("the-verdict")[-1].phase == "done"
    assert fetch(TINY)[-1].phase == "done"
    assert len(site.log) == asked


def test_files_put_there_by_hand_are_taken_and_their_digest_noted(site: FileServer, cache: Path) -> None:
    folder = cache / "models" / "hf" / "someone" / "tiny"
    folder.mkdir(parents=True)
    for path, content in site.files.items():
        name = {"vocab.json": "encoder.json", "merges.txt": "vocab.bpe"}.get(path.rpartition("/")[2])
        (folder / (name or path.rpartition("/")[2])).write_bytes(content)
    assert fetch(TINY)[-1].phase == "done"
    assert site.log == []
    assert json.loads((folder / "digests.json").read_text())["model.safetensors"] == (
        hashlib.sha256(WEIGHTS).hexdigest()
    )


def test_the_digest_of_the_first_download_counts_from_then_on(site: FileServer, cache: Path) -> None:
    events = fetch(TINY)
    assert "no digest is published for config.json, encoder.json, vocab.bpe, model.safetensors:" in notes(events)
    assert notes(events) == events[-1].note
    path = cache / "models" / "hf" / "someone" / "tiny" / "model.safetensors"
    damaged = bytearray(WEIGHTS)
    damaged[1234] ^= 1
    path.write_bytes(damaged)
    events = fetch(TINY)
    assert "model.safetensors here is not what it should be" in notes(events)
    assert path.read_bytes() == WEIGHTS
    path.unlink()
    site.files[f"{REPO}/model.safetensors"] = bytes(damaged)
    with pytest.raises(DownloadError, match="SHA-256") as caught:
        fetch(TINY)
    assert not path.exists()
    assert "not the file that came the first time" in caught.value.hint
    assert f"llm-lab pull --remove {TINY}" in caught.value.hint
    remove(TINY)
    fetch(TINY)
    assert path.read_bytes() == bytes(damaged)


def test_a_damaged_file_with_a_published_digest_is_fetched_again(site: FileServer, verdict: bytes, cache: Path) -> None:
    path = cache / "corpora" / "the-verdict.txt"
    path.parent.mkdir(parents=True)
    for wrong in (verdict[:-1] + b"x", b"short"):
        path.write_bytes(wrong)
        assert "fetched again" in notes(fetch("the-verdict"))
        assert path.read_bytes() == verdict


def published_headers(content: bytes) -> dict[str, dict[str, str]]:
    blob = b"blob %d\0" % len(content) + content
    return {
        "Hugging Face, large": {
            "X-Linked-Size": str(len(content)),
            "X-Linked-Etag": f'"{hashlib.sha256(content).hexdigest()}"',
        },
        "Hugging Face, small": {
            "X-Repo-Commit": "607a30d",
            "ETag": f'W/"{hashlib.sha1(blob).hexdigest()}"',
        },
        "Azure": {"Content-MD5": base64.b64encode(hashlib.md5(content).digest()).decode()},
    }


@pytest.mark.parametrize("host", list(published_headers(b"")))
def test_what_the_host_says_of_a_file_is_checked(host: str, site: FileServer, cache: Path) -> None:
    site.etag = None
    path = f"{REPO}/model.safetensors"
    site.headers[path] = published_headers(WEIGHTS)[host]
    assert "model.safetensors" not in notes(fetch(TINY))
    remove(TINY)
    site.files[path] = WEIGHTS[:-1] + b"?"
    with pytest.raises(DownloadError, match=r"SHA-256|git SHA-1|MD5"):
        fetch(TINY)
    assert not (cache / "models" / "hf" / "someone" / "tiny" / "model.safetensors").exists()


def test_hugging_faces_redirect_says_size_and_digest_and_is_not_followed_for_that(site: FileServer) -> None:
    # A signed address refuses HEAD, so the answer before it must do.
    path = f"{REPO}/model.safetensors"
    site.headers[path] = published_headers(WEIGHTS)["Hugging Face, large"]
    site.redirects[path] = f"{site.base}/signed"
    site.files["/signed"] = WEIGHTS
    assert "model.safetensors" not in notes(fetch(TINY))
    assert site.asked_for("/signed", "HEAD") == 0
    assert site.asked_for("/signed") == 1


def test_a_tag_that_only_looks_like_a_digest_is_none(site: FileServer) -> None:
    site.etag = f'"{"a" * 64}"'
    assert fetch(TINY)[-1].phase == "done"


def test_weights_in_several_files_come_with_their_index(site: FileServer, cache: Path) -> None:
    del site.files[f"{REPO}/model.safetensors"]
    parts = {f"model-0000{i}-of-00002.safetensors": WEIGHTS[i * 1000 :] for i in (1, 2)}
    index = {"weight_map": {f"h.{i}.w": name for i, name in enumerate([*parts, *parts])}}
    site.files[f"{REPO}/model.safetensors.index.json"] = json.dumps(index).encode()
    site.files |= {f"{REPO}/{name}": content for name, content in parts.items()}
    assert fetch(TINY)[-1].phase == "done"
    folder = cache / "models" / "hf" / "someone" / "tiny"
    assert {name: (folder / name).read_bytes() for name in parts} == parts
    assert pull_item(TINY).here
    asked = len(site.log)
    fetch(TINY)
    assert len(site.log) == asked
    (folder / "model-00001-of-00002.safetensors").unlink()
    fetch(TINY)
    assert (folder / "model-00001-of-00002.safetensors").exists()
    remove(TINY)
    assert not folder.exists()


@pytest.mark.parametrize(
    "name", ["../../../evil.safetensors", "/tmp/evil.safetensors", "a\\b.safetensors", "evil.bin", "a/../b.safetensors"]
)
def test_an_index_that_names_files_elsewhere_is_refused(name: str, site: FileServer, cache: Path) -> None:
    del site.files[f"{REPO}/model.safetensors"]
    site.files[f"{REPO}/model.safetensors.index.json"] = json.dumps({"weight_map": {"wte": name}}).encode()
    with pytest.raises(ModelSpecError, match="plain file name"):
        fetch(TINY)
    assert not [path for path in cache.rglob("*") if "evil" in path.name or path.suffix == ".safetensors"]
    index = cache / "models" / "hf" / "someone" / "tiny" / "model.safetensors.index.json"
    index.parent.mkdir(parents=True)
    index.write_bytes(site.files[f"{REPO}/model.safetensors.index.json"])  # put there by hand
    assert not pull_item(TINY).here
    with pytest.raises(ModelSpecError, match="plain file name"):
        fetch(TINY)


def test_a_repository_without_safetensors_is_refused(site: FileServer) -> None:
    del site.files[f"{REPO}/model.safetensors"]
    with pytest.raises(ModelSpecError, match=r"has no model\.safetensors") as caught:
        fetch(TINY)
    assert "pickle" in caught.value.hint


@pytest.mark.parametrize("config", [b'{"model_type": "llama"}', b"{}", b"not json", b"[]"])
def test_another_kind_of_model_is_refused_before_its_weights_are_fetched(
    config: bytes, site: FileServer, cache: Path
) -> None:
    site.files[f"{REPO}/config.json"] = config
    with pytest.raises(ModelSpecError, match="expected a model of the kind 'gpt2'"):
        fetch(TINY)
    assert site.asked_for(f"{REPO}/model.safetensors") == 0
    assert not (cache / "models" / "hf" / "someone" / "tiny").exists()
    assert TINY not in {item.name for item in items()}


@pytest.mark.parametrize("lacking", [{"vocab.json"}, {"merges.txt"}, {"vocab.json", "merges.txt"}], ids=len)
def test_a_model_without_a_vocabulary_comes_without(lacking: set[str], site: FileServer, cache: Path) -> None:
    for name in lacking:
        del site.files[f"{REPO}/{name}"]
    events = fetch(TINY)
    for name in lacking:
        assert f"has no {name}" in notes(events)
    assert pull_item(TINY).here
    assert (events[-1].files, events[-1].received) == (4 - len(lacking), events[-1].total)
    folder = cache / "models" / "hf" / "someone" / "tiny"
    assert len(names(folder) & {"encoder.json", "vocab.bpe"}) == 2 - len(lacking)


# OpenAI's originals


@pytest.fixture
def originals(site: FileServer) -> dict[str, bytes]:
    found = {file.name: file.name.encode() * 50 for file in entry("gpt2-medium").files["openai"]}
    site.files |= {f"/openai/gpt-2/models/355M/{name}": content for name, content in found.items()}
    return found


def test_openais_originals_without_tensorflow_say_what_to_install(
    originals: dict[str, bytes], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull_openai, "tensorflow_is_here", lambda: False)
    events = fetch("gpt2-medium", source="openai")
    folder = cache / "models" / "openai-355M"
    assert {name: (folder / name).read_bytes() for name in originals} == originals
    assert events[-1].phase == "done"
    assert "pip install 'llm-lab[tensorflow]'" in events[-1].note
    assert not pull_item("gpt2-medium").here
    assert remove("gpt2-medium") >= sum(len(content) for content in originals.values())
    assert not folder.exists()


@pytest.fixture
def conversions(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Where TensorFlow would have been asked to put what it reads; its own test is elsewhere."""
    from core.weights import openai
    from core.weights.progress import ConvertProgress

    asked: list[Path] = []

    def convert_folder(folder: Path, dest: Path, cancelled: threading.Event) -> Iterator[ConvertProgress]:
        asked.append(dest)
        dest.mkdir(parents=True, exist_ok=True)
        yield ConvertProgress("tensor", "wte", 1, 2, 10, 20, dest)
        (dest / "model.safetensors").write_bytes(b"converted from " + folder.name.encode())
        (dest / "config.json").write_text("{}")
        yield ConvertProgress("done", "", 2, 2, 20, 20, dest)

    monkeypatch.setattr(openai, "convert_folder", convert_folder)
    monkeypatch.setattr(pull_openai, "tensorflow_is_here", lambda: True)
    return asked


def test_openais_originals_are_converted_to_where_the_model_is_looked_for(
    originals: dict[str, bytes], conversions: list[Path], cache: Path
) -> None:
    events = fetch("gpt2-medium", source="openai")
    assert conversions == [cache / "models" / "gpt2-medium"]
    assert [(e.received, e.total) for e in events if e.phase == "converting"] == [(10, 20), (20, 20)]
    assert events[-1].phase == "done"
    fetch("gpt2-medium", source="openai")
    assert len(conversions) == 1
    weights = conversions[0] / "model.safetensors"
    good = weights.read_bytes()
    weights.write_bytes(good[::-1])
    assert "it is made again" in notes(fetch("gpt2-medium", source="openai"))
    assert weights.read_bytes() == good
    fetch("openai:355M")
    assert conversions[-1] == cache / "models" / "openai-355M" == converted_folder(cache / "models" / "openai-355M")
    remove("gpt2-medium")
    assert not (cache / "models").exists()


def test_what_was_converted_here_counts_as_here_though_hugging_faces_file_is_another(
    site: FileServer, conversions: list[Path], cache: Path
) -> None:
    files = entry("gpt2").files["openai"]
    for file in files:
        file.dest.parent.mkdir(parents=True, exist_ok=True)
        with file.dest.open("wb") as out:
            out.truncate(file.size)  # a file with a hole: half a gigabyte of nothing takes no room
    folder = cache / "models" / "gpt2"
    assert list(pull_openai.convert(entry("gpt2"), threading.Event(), []))
    for name in ("encoder.json", "vocab.bpe"):
        (folder / name).write_bytes((files[0].dest.parent / name).read_bytes())
    assert pull_item("gpt2").here
    (folder / "model.safetensors").write_bytes(b"damaged")
    job = PullJob(entry("gpt2"), "huggingface", threading.Event())
    weights = next(file for file in job.plan if file.name == "model.safetensors")
    assert not job._is_right(weights)
    (folder / "model.safetensors").write_bytes(b"converted from openai-124M")
    assert job._is_right(weights)


def test_openais_originals_stand_in_for_hugging_face_if_they_can_be_read_here(
    originals: dict[str, bytes], conversions: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    events = fetch("gpt2-medium")
    assert events[-1].phase == "done"
    assert "404" in notes(events)
    assert "OpenAI's own files are tried" in notes(events)
    assert len(conversions) == 1
    remove("gpt2-medium")
    monkeypatch.setattr(pull_openai, "tensorflow_is_here", lambda: False)
    with pytest.raises(DownloadError, match="404"):
        fetch("gpt2-medium")
    with pytest.raises(DownloadError, match="404"):
        fetch("gpt2-medium", source="huggingface")
    assert len(conversions) == 1


# Removing


def test_removing_frees_what_it_says_and_leaves_the_rest(site: FileServer, verdict: bytes, cache: Path) -> None:
    fetch("the-verdict")
    own = cache / "corpora" / "mine.txt"
    own.write_text("mine")
    assert remove("the-verdict") == len(verdict)
    assert names(own.parent) == {"mine.txt"}
    assert remove("the-verdict") == 0
    assert not pull_item("the-verdict").here


def test_removing_takes_what_is_half_fetched_too(site: FileServer, cache: Path) -> None:
    site.at[f"{REPO}/model.safetensors"] = deque([Answer(cut=50_000), *[Answer(status=403)] * 9])
    with pytest.raises(DownloadError, match="403"):
        fetch(TINY)
    item = pull_item(TINY)
    assert item.partial_bytes == 50_000
    assert not item.here
    assert remove(TINY) >= 50_000
    assert not (cache / "models").exists()


def test_what_is_being_fetched_is_not_removed(site: FileServer, verdict: bytes, cache: Path) -> None:
    cancelled = threading.Event()
    running = pull("the-verdict", cancelled=cancelled)
    next(running)
    with pytest.raises(LabError, match="being fetched by another process"):
        remove("the-verdict")
    list(running)
    lock = FileLock(cache / "corpora" / ".the-verdict.txt.lock")  # a download that is no pull
    assert lock.acquire()
    with pytest.raises(LabError, match="being fetched by another process"):
        remove("the-verdict")
    lock.release()
    assert remove("the-verdict") == len(verdict)


def test_removing_what_was_never_here_is_no_error_and_makes_no_folder(cache: Path) -> None:
    assert remove("gpt2-xl") == 0
    assert not cache.exists()


# Both at once, and stopping


def test_of_two_pulls_at_once_one_fetches_and_the_other_waits(site: FileServer, cache: Path) -> None:
    gate = threading.Event()
    site.at[f"{REPO}/model.safetensors"] = deque([Answer(gate=gate)])
    seen: dict[str, list[PullProgress]] = {"one": [], "two": []}

    def work(who: str) -> None:
        for event in pull(TINY):
            seen[who].append(event)
            if event.phase == "waiting":
                gate.set()

    both = [threading.Thread(target=work, args=(who,)) for who in seen]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(30)
    assert {events[-1].phase for events in seen.values()} == {"done"}
    assert any(event.phase == "waiting" for events in seen.values() for event in events)
    assert site.asked_for(f"{REPO}/model.safetensors") == 1
    assert (cache / "models" / "hf" / "someone" / "tiny" / "model.safetensors").read_bytes() == WEIGHTS


def test_a_cancelled_pull_keeps_what_came_and_goes_on_there(site: FileServer, cache: Path) -> None:
    path = f"{REPO}/model.safetensors"
    cancelled, gate = threading.Event(), threading.Event()
    site.at[path] = deque([Answer(cut=80_000), Answer(gate=gate)])
    running = pull(TINY, cancelled=cancelled)
    for event in running:
        if event.file == "model.safetensors" and event.received > 80_000:
            cancelled.set()
            gate.set()
    assert pull_item(TINY).partial_bytes >= 80_000
    assert not (cache / "models" / "hf" / "someone" / "tiny" / "model.safetensors").exists()
    events = fetch(TINY)
    assert events[-1].phase == "done"
    assert "range" in site.requests[-1]
    assert (cache / "models" / "hf" / "someone" / "tiny" / "model.safetensors").read_bytes() == WEIGHTS


def test_a_waiting_pull_can_be_cancelled(site: FileServer, verdict: bytes) -> None:
    first = pull("the-verdict")
    next(first)
    cancelled = threading.Event()
    for event in pull("the-verdict", cancelled=cancelled):
        assert event.phase == "waiting"
        cancelled.set()
    assert list(first)[-1].phase == "done"


# Nobody there


def test_a_host_that_cannot_be_reached_says_how_to_put_the_files_there_by_hand(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download_module, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(pull_openai, "tensorflow_is_here", lambda: False)
    monkeypatch.setenv("LLM_LAB_MIRROR", mirrors(f"http://127.0.0.1:{closed_port()}"))
    with pytest.raises(DownloadError) as caught:
        fetch("gpt2")
    assert "gpt2: 127.0.0.1" in caught.value.title
    assert "cannot be reached" in caught.value.title
    hint = caught.value.hint
    assert str(cache / "models" / "gpt2") in hint
    assert "encoder.json from https://huggingface.co/openai-community/gpt2/resolve/main/vocab.json" in hint
    assert "model.safetensors from https://huggingface.co/openai-community/gpt2/resolve/main/model.safetensors" in hint
    assert "\n" not in caught.value.title + hint
    assert not [path for path in cache.rglob("*") if path.is_file() and not path.name.endswith(".lock")]


def test_the_second_address_is_taken_when_the_first_fails_and_goes_on_where_it_broke(
    site: FileServer, verdict: bytes, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = next(path for path in site.files if path.startswith("/raw/"))
    site.at[raw] = deque([Answer(cut=20_000), *[Answer(status=503, headers={"Retry-After": "0"})] * 20])
    events = fetch("the-verdict")
    assert (cache / "corpora" / "the-verdict.txt").read_bytes() == verdict
    assert "the-verdict.txt came from" in notes(events)
    assert site.requests[-1]["range"] == "bytes=20000-"
    assert "if-range" not in site.requests[-1]


def test_digests_of_files(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"hello\n")
    assert digest_of(path, "git-sha1").value == "ce013625030ba8dba906f756967f9e9ca394464a"  # git hash-object
    assert digest_of(path, "md5").value == "b1946ac92492d2347c6235b4d2611184"
    assert digest_of(path, "sha256").value == hashlib.sha256(b"hello\n").hexdigest()


def test_no_digest_is_known_twice_with_two_values() -> None:
    known: dict[str, Digest | None] = {}
    for item in entries().values():
        for files in item.files.values():
            for file in files:
                for url in file.urls:
                    assert known.setdefault(url, file.digest) == file.digest
    assert pull_catalogue.GENSIM_MOVED != pull_catalogue.GENSIM
