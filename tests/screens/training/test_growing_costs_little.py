"""What a run that grows makes the screen do: nothing is laid out anew, and what has not changed is not repainted."""

from __future__ import annotations

from pilots import looked
from recorded import events, meta
from run_writing import writing

from core.training.rundir import RunWriter
from screens.training.screen import TrainingScreen


async def test_new_steps_move_nothing_and_repaint_few_panes(app, folder, monkeypatch):
    laid_out: list[bool] = []
    refresh_layout = TrainingScreen._refresh_layout

    def count(self, *args, **kwargs):
        laid_out.append(True)
        return refresh_layout(self, *args, **kwargs)

    run = folder / "live"
    with writing(RunWriter.create(run, meta())) as writer:
        writer.set_status(state="running", step=300, max_steps=2000)
        for event in events(0, 300):
            writer.emit(event)
        async with app.run_test(size=(120, 36)) as pilot:
            screen = app.screen

            async def grow(first: int, last: int) -> None:
                for event in events(first, last):
                    writer.emit(event)
                writer.set_status(state="running", step=last, max_steps=2000)  # a slow machine: not silent
                screen._painted_at = 0.0
                await looked(pilot, screen)

            screen.show_run(run)
            await looked(pilot, screen)
            await looked(pilot, screen)
            screen._painted_at = 0.0
            await looked(pilot, screen)
            monkeypatch.setattr(TrainingScreen, "_refresh_layout", count)
            step = 300
            for _ in range(20):  # what opening the run set going may still lay out once
                laid_out.clear()
                step += 1
                await grow(step, step)
                if not laid_out:
                    break
            repainted: list[str | None] = []
            for pane in (screen.body.frame_of(name) for name in ("runs", "samples", "log", "time", "numbers")):
                monkeypatch.setattr(pane, "refresh", lambda *_, pane=pane, **__: repainted.append(pane.id))
            for more in range(step + 1, step + 11):
                await grow(more, more)
            assert screen.view.step == step + 10
            assert laid_out == []
            assert repainted == []
