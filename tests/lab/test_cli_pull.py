"""``llm-lab pull`` as it is typed: what it prints, two at once, ctrl-C and worse."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterator

import pytest
from file_server import Answer, FileServer, closed_port
from pull_site import REPO, TINY, WEIGHTS, WEIGHTS_AT, mirrors, publishing

from core.data import download as download_module
from core.data import pull_openai
from core.data.pull_catalogue import entry
from core.lock import FileLock
from lab.cli.commands import COMMANDS


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setattr(download_module, "FIRST_PAUSE", 0.001)
    with publishing() as server:
        monkeypatch.setenv("LLM_LAB_TIMEOUT", "60")  # a busy machine is no silent server
        monkeypatch.setenv("LLM_LAB_MIRROR", mirrors(server.base))
        yield server


@pytest.fixture
def folder(llm_lab):
    return llm_lab.root / "cache" / "models" / "hf" / "someone" / "tiny"


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def until(process, wanted) -> dict:
    """Reads lines of JSON until one is as wanted."""
    for line in process.stdout:
        said = json.loads(line)
        if wanted(said):
            return said
    raise AssertionError(process.stderr.read())


def test_help_says_what_it_takes(llm_lab):
    said = llm_lab("pull", "--help")
    assert said.code == 0
    for word in ("--from", "--list", "--remove", "--json", "LLM_LAB_MIRROR"):
        assert word in said.out, word
    assert COMMANDS["pull"].group == "Weights and data"


def test_list_shows_everything_and_what_is_here(llm_lab, site):
    said = llm_lab("pull", "--list")
    assert said.code == 0
    rows = {line.split()[0]: line for line in said.out.splitlines()}
    for name in ("gpt2", "gpt2-xl", "tiny-shakespeare", "cl100k_base", "glove-twitter-25", "word2vec-google-news-300"):
        assert name in rows
    assert "~6.23 GB" in rows["gpt2-xl"]
    assert "1.74 GB" in rows["word2vec-google-news-300"]
    assert TINY not in rows
    assert not (llm_lab.root / "cache").exists()
    llm_lab("pull", TINY)
    assert "200 kB" in next(line for line in llm_lab("pull", "--list").out.splitlines() if line.startswith(TINY))


def test_what_was_converted_from_a_folder_elsewhere_is_listed_and_removed(llm_lab):
    from core.folders import cache_dir

    folder = cache_dir() / "models/converted/mine-0123456789ab"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(bytes(5000))
    line = next(x for x in llm_lab("pull", "--list").out.splitlines() if x.startswith("converted/mine"))
    assert "5 kB so far" in line  # its configuration is written last
    (folder / "config.json").write_bytes(b"{}")
    (found,) = [x for x in llm_lab("pull", "--list", "--json").json["items"] if x["name"].startswith("converted/")]
    assert found["here"] and found["bytes_here"] == 5002 and found["sources"] == []
    error = llm_lab("pull", "--remove", "converted/../../..")
    assert error.code == 2 and "no conversion is called" in error.error["title"]
    assert llm_lab("pull", "--remove", found["name"], "--json").json["freed"] == 5002
    assert not folder.exists()


def test_list_as_json(llm_lab, site):
    llm_lab("pull", TINY)
    found = llm_lab("pull", "--list", "--json").json
    assert found["cache"] == str(llm_lab.root / "cache")
    assert found["free"] > 0
    items = {item["name"]: item for item in found["items"]}
    assert items[TINY]["here"] is True
    assert items[TINY]["bytes_here"] == found["used"]
    assert items["gpt2"]["here"] is False
    assert items["gpt2"]["sources"] == ["huggingface", "openai"]
    assert items["cl100k_base"]["size"] is None


def test_pull_says_what_came_and_where(llm_lab, site, folder):
    said = llm_lab("pull", TINY)
    assert said.code == 0
    assert said.out == f"{TINY} is here: 200 kB in 4 files · {folder}\n"
    assert said.err.startswith("no digest is published for config.json, encoder.json, vocab.bpe, model.safetensors: ")
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    again = llm_lab("pull", TINY)
    assert (again.code, again.out, again.err) == (0, said.out, "")


def test_originals_that_cannot_be_read_here_are_not_said_to_be_here(llm_lab, site, monkeypatch):
    monkeypatch.setattr(pull_openai, "tensorflow_is_here", lambda: False)
    files = entry("gpt2-medium").files["openai"]
    site.files |= {f"/openai/gpt-2/models/355M/{file.name}": b"some bytes" for file in files}
    said = llm_lab("pull", "gpt2-medium", "--from", "openai")
    assert said.code == 0
    assert said.out == "gpt2-medium has come, but cannot be used yet: 70 B in 7 files\n"
    assert "pip install 'llm-lab[tensorflow]', then the same pull again" in said.err


def test_pull_as_json_is_a_line_for_each_event(llm_lab, site):
    said = llm_lab("pull", TINY, "--json")
    events = lines(said.out)
    assert said.err == ""
    assert events[-1]["phase"] == "done"
    assert events[-1]["received"] == events[-1]["total"]
    assert {event["name"] for event in events} == {TINY}
    assert {"rate", "seconds_left", "file", "file_index", "files", "note"} <= set(events[0])


def test_several_at_once(llm_lab, site):
    other = "hf:someone/other"
    site.files |= {path.replace("tiny", "other"): content for path, content in site.files.items()}
    said = llm_lab("pull", TINY, other)
    assert [line.split(" is here")[0] for line in said.out.splitlines()] == [TINY, other]


def test_remove_says_how_much_it_frees(llm_lab, site, folder):
    llm_lab("pull", TINY)
    size = sum(path.stat().st_size for path in folder.iterdir())
    assert llm_lab("pull", "--remove", TINY).out == f"removed {TINY}: {size:,} bytes are free again\n"
    assert not folder.exists()
    assert llm_lab("pull", "--remove", TINY).out == f"nothing of {TINY} was here\n"
    assert llm_lab("pull", "--remove", TINY, "--json").json == {"name": TINY, "freed": 0}


@pytest.mark.parametrize(
    ("words", "title"),
    [
        (("gtp2",), "did you mean gpt2?"),
        (("hf:../../x",), "expected hf:OWNER/NAME"),
        (("the-verdict", "--from", "openai"), "does not come from openai"),
        (("gpt2", "--from", "nowhere"), "nowhere"),
        ((), "expected a NAME to fetch"),
        (("--list", "gpt2"), "--list"),
        (("--remove",), "expected a NAME"),
        (("--remove", "gpt2", "--from", "openai"), "--remove with --from"),
        (("--remove", "../gpt2"), "nothing to fetch is called"),
    ],
)
def test_what_is_typed_wrongly_is_said_in_two_lines(llm_lab, words, title):
    said = llm_lab("pull", *words)
    assert said.code == 2
    assert title in said.error["title"]
    assert not (llm_lab.root / "cache").exists()


def test_a_host_that_cannot_be_reached_gives_two_lines(llm_lab, monkeypatch):
    monkeypatch.setattr(download_module, "FIRST_PAUSE", 0.001)
    monkeypatch.setenv("LLM_LAB_MIRROR", mirrors(f"http://127.0.0.1:{closed_port()}"))
    said = llm_lab("pull", "r50k_base")
    assert said.code == 1
    assert "cannot be reached" in said.error["title"]
    hint = said.error["hint"]
    assert "put by hand" in hint
    assert str(llm_lab.root / "cache" / "tiktoken") in hint
    assert "https://openaipublic.blob.core.windows.net/encodings/r50k_base.tiktoken" in hint
    assert "0ea1e91bbb3a60f729a8dc8f777fd2fc07cd8df4" in hint


def test_gpt2_unreachable_everywhere_is_two_lines_too(llm_lab, monkeypatch):
    monkeypatch.setattr(download_module, "FIRST_PAUSE", 0.001)
    monkeypatch.setenv("LLM_LAB_MIRROR", mirrors(f"http://127.0.0.1:{closed_port()}"))
    said = llm_lab("pull", "gpt2")
    assert said.code == 1
    assert said.error["title"].startswith("gpt2: ")
    assert "models/gpt2" in said.error["hint"].replace("\\", "/")


def test_two_processes_at_once_fetch_once(llm_lab, site, folder):
    gate = threading.Event()
    site.at[WEIGHTS_AT] = deque([Answer(gate=gate)])
    first = llm_lab.start("pull", TINY, "--json")
    assert site.halfway.wait(30)
    second = llm_lab.start("pull", TINY, "--json")
    until(second, lambda said: said["phase"] == "waiting")
    busy = llm_lab("pull", "--remove", TINY)
    assert busy.code == 1
    assert "being fetched by another process" in busy.error["title"]
    gate.set()
    for process in (first, second):
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        assert lines(out)[-1]["phase"] == "done"
    assert site.asked_for(WEIGHTS_AT) == 1
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS


def half_way(llm_lab, site):
    """A pull in a process of its own that has half of the weights and gets no more; and what lets the server go."""
    gate = threading.Event()
    site.at[WEIGHTS_AT] = deque([Answer(gate=gate)])
    process = llm_lab.start("pull", TINY, "--json")
    part = llm_lab.root / "cache" / "models" / "hf" / "someone" / "tiny" / "model.safetensors.part"
    assert site.halfway.wait(30)
    until(process, lambda said: (said["file"], said["phase"]) == ("model.safetensors", "fetching"))
    assert part.stat().st_size > 0
    return process, part, gate


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to send")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda n: n.name)
def test_a_pull_that_is_interrupted_goes_on_where_it_was(llm_lab, site, folder, number):
    process, part, gate = half_way(llm_lab, site)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    gate.set()
    assert "Traceback" not in err
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert lines(out)[-1]["phase"] == "interrupted"
    else:
        assert process.returncode == -number
    assert not (folder / "model.safetensors").exists()
    kept = part.stat().st_size
    again = llm_lab("pull", TINY)
    assert again.code == 0, again.err
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert site.requests[-1]["range"] == f"bytes={kept}-"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to send")
def test_ctrl_c_says_what_is_kept_and_how_to_go_on(llm_lab, site):
    gate = threading.Event()
    site.at[f"{REPO}/config.json"] = deque([Answer(gate=gate)])
    process = llm_lab.start("pull", TINY)
    assert site.asked.wait(30)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    gate.set()
    assert (process.returncode, out) == (130, "")
    title, hint = err.splitlines()
    assert title.startswith("stopped: ")
    assert hint == f"go on with: llm-lab pull {TINY}"
    lock = FileLock(llm_lab.root / "cache" / ".pulls" / "hf-someone--tiny.lock")
    assert lock.acquire(patience=0)
    lock.release()


def test_a_terminal_gets_two_bars_and_the_notes(llm_lab, site, monkeypatch):
    from lab.cli import pull as module

    monkeypatch.setattr(module, "drawable", lambda: True)
    said = llm_lab("pull", TINY)
    assert said.code == 0
    assert f"{TINY} is here" in said.out
    assert "no digest is published" in " ".join(said.out.split())
