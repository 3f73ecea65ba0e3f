"""The new-run form and a model to start from: it brings its shape and its tokenizer."""

from pilots import looked, until
from textual.widgets import Input, Static

from core.config import TrainConfig
from core.weights.locate import locate
from screens.training.fields import brought_by, check, texts_of
from screens.training.form import FieldRow, NewRunForm


async def test_the_field_brings_shape_and_tokenizer(app, folder, monkeypatch):
    from screens.training import estimate as training_estimate

    monkeypatch.setattr(training_estimate, "_SETTLE", 3600.0)
    demo = locate("demo").config
    async with app.run_test(size=(120, 36)) as pilot:
        await looked(pilot, app.screen)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, NewRunForm))
        form = app.screen
        await until(pilot, lambda: form.ready and len(form.query(FieldRow)) > 30)
        form.query_one("#field-n_layers", Input).value = str(demo.n_layers + 1)
        form.query_one("#field-init_from", Input).value = "demo"
        await until(pilot, lambda: form.config is not None and form.config.init_from == "demo")
        assert form.config.model.n_layers == demo.n_layers
        assert form.config.model.emb_dim == demo.emb_dim
        assert form.config.model.context_length == demo.context_length
        form.query_one("#field-n_layers", Input).value = str(demo.n_layers + 1)
        await until(pilot, lambda: form.config is None)
        reason = str(form.query_one("#row-n_layers .reason", Static).content)
        assert f"{demo.n_layers} is expected, as demo has it" in reason


def test_a_name_that_means_nothing_has_its_reason():
    texts = texts_of(TrainConfig()) | {"init_from": "nobody"}
    checked = check(texts, TrainConfig())
    assert checked.config is None
    assert "no model is called nobody" in checked.reasons["init_from"]
    assert brought_by("nobody") == {}


def test_a_model_that_must_be_fetched_names_the_command():
    checked = check(texts_of(TrainConfig()) | {"init_from": "gpt2"}, TrainConfig())
    assert "llm-lab pull gpt2" in checked.reasons["init_from"]


def test_a_shorter_context_is_taken():
    brought = brought_by("demo")
    shorter = str(int(brought["context_length"]) // 2)
    texts = texts_of(TrainConfig()) | brought | {"init_from": "demo", "context_length": shorter}
    assert check(texts, TrainConfig()).reasons == {}
    longer = str(int(brought["context_length"]) * 2)
    assert "context_length" in check(texts | {"context_length": longer}, TrainConfig()).reasons
