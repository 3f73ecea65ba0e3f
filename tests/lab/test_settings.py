"""What is remembered between starts, also when the file is damaged or cannot be written."""

import json
import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.look import choose_look
from lab.settings import Settings, load_settings, save_settings, settings_path


def test_kept_and_read_again():
    kept = Settings(screen="attention", theme="nord", workbench={"a": "x@best"}, views={"training": {"axis": "time"}})
    save_settings(kept)
    assert load_settings() == (kept, "")
    assert [p.name for p in settings_path().parent.iterdir()] == ["settings.json"]
    if sys.platform != "win32":
        assert settings_path().stat().st_mode & 0o077 == 0, "what was asked is nobody else's"


def test_nothing_kept_yet_is_no_problem():
    assert load_settings() == (Settings(), "")


@pytest.mark.parametrize("damage", [b"", b"{", b"[1, 2]", b"\xff\xfe\x00", b'{"screen": "att'])
def test_a_damaged_file_is_put_aside_and_said(damage):
    path = settings_path()
    path.parent.mkdir(parents=True)
    path.write_bytes(damage)
    settings, problem = load_settings()
    assert settings == Settings()
    assert "settings.json.bad" in problem
    assert path.with_name("settings.json.bad").read_bytes() == damage
    save_settings(settings)
    assert load_settings() == (Settings(), "")


def test_unknown_keys_and_wrong_kinds_are_left_out():
    path = settings_path()
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"screen": 7, "theme": "nord", "from_the_future": [1]}))
    settings, problem = load_settings()
    assert (settings.screen, settings.theme, problem) == ("training", "nord", "")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_refuses_raises_and_leaves_nothing(tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    with pytest.raises(OSError):
        save_settings(Settings(), folder / "settings.json")
    assert list(folder.iterdir()) == []


def test_a_file_where_the_folder_should_be_raises_oserror(tmp_path):
    (tmp_path / "state").write_text("")
    with pytest.raises(OSError):
        save_settings(Settings(), tmp_path / "state" / "settings.json")


@given(st.dictionaries(st.sampled_from(list(Settings.__dataclass_fields__)), st.text() | st.integers() | st.none()))
def test_any_json_object_can_be_read(tmp_path_factory, raw):
    path = tmp_path_factory.mktemp("s") / "settings.json"
    path.write_text(json.dumps(raw))
    settings, problem = load_settings(path)
    assert problem == "" and isinstance(settings.screen, str)


def test_what_is_typed_stands_before_what_is_remembered():
    kept = Settings(colours="256", symbols="ascii")
    env = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    assert choose_look(kept, environ=env).colours == "256"
    assert choose_look(kept, environ=env).ascii
    assert not choose_look(kept, ascii_only=False, environ=env).ascii
    assert choose_look(kept, colours="16", environ=env).colours == "16"
    assert choose_look(Settings(colours="nonsense"), environ=env).colours == "true"
    assert choose_look(kept, environ={**env, "NO_COLOR": "1"}).colours == "none"
