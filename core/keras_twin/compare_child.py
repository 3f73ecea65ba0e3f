"""The process that holds both twins: ``python -P -m core.keras_twin.compare_child``, started by compare.py alone.

It reads its orders from standard input (one JSON object), and says how far it is and what it found on standard output
as JSON lines. TensorFlow's own chatter goes to standard error, which nobody shows.

Each twin goes its own way, as in use: its steps work on what its own steps before have made. Beside that, each of
Keras's steps is given PyTorch's input once, which shows what the step alone adds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from core import __version__
from core.child import Say, work_off
from core.errors import InputError, LabError
from core.keras_twin.loading import load_tensorflow
from core.keras_twin.memory import check_memory
from core.keras_twin.report import Stage, TwinProgress, TwinReport

if TYPE_CHECKING:
    from torch import Tensor

    from core.keras_twin.gpt import KerasGPT
    from core.model.gpt import GPT
    from core.weights.checkpoint import LoadedModel

Step = Callable[[Any], Any]
REPEATS = 3
"""Times that each step is measured; the best counts."""


def main() -> int:
    """Compares what standard input asks for; errors are said as the two lines of a ``LabError``."""
    return work_off(_compare)


def _compare(orders: dict[str, Any], say: Say) -> None:
    from core.training.launch import prepare_environment

    prepare_environment()
    for found in compare(orders["spec"], orders["text"], float(orders["threshold"])):
        say({"report": found.to_dict()} if isinstance(found, TwinReport) else found.to_dict())


def compare(spec: str, text: str, threshold: float) -> Iterator[TwinProgress | TwinReport]:
    """The comparison with its progress; the arguments and errors are those of ``twin_diff``."""
    import torch

    from core.training.launch import usable_cores
    from core.weights.checkpoint import load_model

    yield TwinProgress("loading", 0, 1)
    threads = usable_cores()
    torch.set_num_threads(threads)
    loaded = load_model(spec, device="cpu", dtype="float32")
    ids = _ids(loaded, text)
    check_memory(loaded.config, "the comparison", len(ids))
    tf = load_tensorflow()
    tf.config.set_visible_devices([], "GPU")  # two CPUs are compared: a GPU rounds in yet another way
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    import keras

    twin, identical = _twin(loaded)
    total = 2 * loaded.config.n_layers + 3
    yield TwinProgress("weights", 0, total)
    stages: list[Stage] = []
    ours = theirs = np.empty(0)
    for stage, a, b in _stages(loaded.model, twin, ids):
        stages.append(stage)
        ours, theirs = a, b  # the last are the logits
        yield TwinProgress(stage.name, len(stages), total)
    yield TwinReport(
        spec=spec,
        text=text,
        tokens=tuple(loaded.tokenizer.decode([token]) for token in ids),
        threshold=threshold,
        stages=tuple(stages),
        tensors=len(list(loaded.model.parameters())),
        identical=identical,
        parameters=loaded.config.parameters(),
        agreeing=int((ours.argmax(-1) == theirs.argmax(-1)).sum()),
        loss_torch=_loss(ours, ids),
        loss_keras=_loss(theirs, ids),
        threads=threads,
        versions={
            "llm-lab": __version__,
            "torch": str(torch.__version__),
            "tensorflow": str(tf.__version__),
            "keras": str(keras.__version__),
        },
    )


def _ids(loaded: LoadedModel, text: str) -> list[int]:
    ids = loaded.tokenizer.encode(text, disallowed_special=())
    room = loaded.config.context_length
    if not 1 <= len(ids) <= room:
        raise InputError(
            f"the text has {len(ids):,} tokens, 1 to {room:,} were expected", "give it fewer words" if ids else "more"
        )
    return ids


def _twin(loaded: LoadedModel) -> tuple[KerasGPT, int]:
    """The twin with the model's weights, and how many of them came back with every bit."""
    from core.keras_twin.gpt import KerasGPT
    from core.keras_twin.weights import assign, is_turned, to_ours, variables

    ours = {name: parameter.numpy() for name, parameter in loaded.model.named_parameters()}
    twin = KerasGPT(loaded.config)
    assign(twin, ours, loaded.spec)
    same = 0
    for name, variable in variables(twin).items():  # one at a time: a copy of all would be a third model
        back = to_ours(name, variable.numpy(), turned=is_turned(name, variable))
        same += np.array_equal(back.view("u4"), np.ascontiguousarray(ours[name]).view("u4"))
    return twin, same


def _stages(model: GPT, twin: KerasGPT, ids: list[int]) -> Iterator[tuple[Stage, Any, Any]]:
    """Each step of both, with what it gave: (T, C) or (T, V), PyTorch's and Keras's."""
    import tensorflow as tf
    import torch

    ours: Any = torch.tensor([ids])
    theirs: Any = tf.constant([ids], tf.int64)
    with torch.inference_mode():
        for name, step, twin_step in _steps(model, twin):
            graph = tf.function(twin_step)
            alone = graph(tf.constant(ours.numpy())).numpy()  # this also traces it
            (ours, torch_seconds), (theirs, keras_seconds) = _timed(step, ours), _timed(graph, theirs)
            a, b = ours.numpy()[0], theirs.numpy()[0]
            _check_finite(name, a, b)
            yield _stage(name, a, b, alone[0], torch_seconds, keras_seconds), a, b


def _steps(model: GPT, twin: KerasGPT) -> Iterator[tuple[str, Step, Step]]:
    """The forward pass cut into steps, each from the residual (1, T, C) that the one before has left."""

    def embed(ids: Tensor) -> Tensor:
        return model.wte(ids) + model.wpe.weight[: ids.shape[1]]  # type: ignore[no-any-return]

    yield "embeddings", embed, twin.embed
    for layer, (block, other) in enumerate(zip(model.h, twin.h, strict=True)):
        yield f"h.{layer}.attn", partial(_attended, block), partial(_twin_attended, other)
        yield f"h.{layer}.mlp", partial(_fed_forward, block), partial(_fed_forward, other)
    yield "ln_f", model.ln_f, twin.ln_f
    yield "logits", lambda x: x @ model.head.t(), twin.head


def _attended(block: Any, x: Tensor) -> Any:
    from core.model.gpt import fused_attention

    return x + block.attn(block.ln_1(x), None, fused_attention)


def _twin_attended(block: Any, x: Any) -> Any:
    return x + block.attn(block.ln_1(x))


def _fed_forward(block: Any, x: Any) -> Any:
    """The same words in both."""
    return x + block.mlp(block.ln_2(x))


def _timed(step: Step, given: Any) -> tuple[Any, float]:
    best, out = float("inf"), None
    for _ in range(REPEATS):
        start = time.perf_counter()
        out = step(given)
        best = min(best, time.perf_counter() - start)
    return out, best


def _check_finite(name: str, ours: Any, theirs: Any) -> None:
    """Refuses what no difference can be told of, and what would count as none: a NaN is not more than a threshold."""
    for framework, values in (("PyTorch", ours), ("Keras", theirs)):
        if wrong := int((~np.isfinite(values)).sum()):
            raise LabError(
                f"{name}: {wrong:,} of {values.size:,} numbers are not finite in {framework}: nothing to compare",
                "llm-lab weights MODEL shows which tensors have NaN; take a checkpoint from before the run diverged",
            )


def _stage(name: str, ours: Any, theirs: Any, alone: Any, torch_seconds: float, keras_seconds: float) -> Stage:
    apart = np.abs(ours - theirs)
    token, channel = np.unravel_index(int(apart.argmax()), apart.shape)
    largest = float(np.abs(ours).max())
    most = float(apart[token, channel])
    return Stage(
        name=name,
        shape=tuple(ours.shape),
        largest=largest,
        max_abs=most,
        max_relative=most / largest if largest else 0.0,
        alone=float(np.abs(ours - alone).max()),
        token=int(token),
        channel=int(channel),
        torch_seconds=torch_seconds,
        keras_seconds=keras_seconds,
    )


def _loss(logits: Any, ids: list[int]) -> float | None:
    """Mean cross-entropy of the tokens but the first, in nats, summed in float64."""
    if len(ids) < 2:
        return None
    rows = logits[:-1].astype(np.float64)
    rows -= rows.max(-1, keepdims=True)
    chosen = rows[np.arange(len(rows)), ids[1:]] - np.log(np.exp(rows).sum(-1))
    return float(-chosen.mean())


if __name__ == "__main__":
    sys.exit(main())
