"""A run that is being trained keeps newer steps while the console is open: the next answer is by the newest."""

import shutil

from console_pilots import answered, console, sentence, until

from core.folders import asset, runs_dir
from screens.generation.models import Models
from screens.widgets.error_card import ErrorCard


def younger_demo(name, last):
    """The demo as it was when it had come to a step; and a function that lets it keep its next one."""
    source, target = asset("demo"), runs_dir() / name
    shutil.copytree(source, target)
    kept = sorted((target / "snapshots").glob("*.safetensors"))
    later = [path for path in kept if int(path.stem.rpartition("-")[2]) > last]
    assert later and len(later) < len(kept)
    for path in later:
        path.unlink()

    def keep_next():
        path = later.pop(0)
        shutil.copy(source / "snapshots" / path.name, path)
        return int(path.stem.rpartition("-")[2])

    return keep_next


async def test_the_next_answer_is_by_the_newest_step_and_says_so(isolated):
    keep_next = younger_demo("live", 1400)
    app = console(model="live", prompt="The for")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = app.screen
        await answered(pilot, screen)
        first = screen.opened
        assert first.name == f"live@{first.loaded.step}" and not first.moved_on()
        step = keep_next()
        assert first.moved_on()
        screen.answer("live", screen.sampling)
        await until(pilot, lambda: screen.opened is not first)
        await answered(pilot, screen)
        assert screen.opened.loaded.step == step
        assert screen.opened.name == f"live@{step}"
        assert screen.opened.name in screen.model_sentence() or screen.current().model == "live"
        newer, own = screen.opened, screen.current()
        keep_next()
        screen.go_on(own.id, 2)  # the branch stays with the step that began it
        await answered(pilot, screen)
        assert screen.opened is newer
        shutil.rmtree(runs_dir() / "live")
        await pilot.press("4", "5")
        await until(pilot, lambda: "the run live is gone" in sentence(screen))
        assert f"step {step}" in sentence(screen)
        await pilot.press("r")
        await until(pilot, lambda: screen.query(ErrorCard))
        card = screen.query_one(ErrorCard).problem
        assert "the run live is gone" in card.what and card.doors[0].key == "d"
    assert app.survived == []


def test_a_step_by_its_number_and_a_model_of_no_run_never_move_on(isolated):
    keep_next = younger_demo("live", 1400)
    models = Models()
    by_number = models.open("live@1400") if (runs_dir() / "live/snapshots/step-001400.safetensors").exists() else None
    plain = models.open("live")
    demo = models.open("demo")
    keep_next()
    assert plain.moved_on() and not demo.moved_on()
    assert models.open("live") is plain  # who looks at single tokens sees the model that wrote them
    assert models.open("live", newest=True) is not plain
    assert by_number is None or (not by_number.moved_on() and models.open("live@1400", newest=True) is by_number)
    shutil.rmtree(runs_dir() / "live")
    assert not models.here("live").moved_on() and models.here("live").trouble() is not None
