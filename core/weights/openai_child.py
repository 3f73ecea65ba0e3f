"""The process that reads OpenAI's checkpoints with TensorFlow: ``python -P -m core.weights.openai_child``.

It reads its orders from standard input (one JSON object), and writes a safetensors file tensor by tensor, each straight
from TensorFlow's reader to its place. What it says goes to standard output as JSON lines; TensorFlow's own chatter goes
to standard error, which nobody shows. TensorFlow is imported here and in the twin alone.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from core.child import Say, work_off
from core.config import GPTConfig
from core.errors import CheckpointError, MissingExtraError
from core.files import write_error
from core.weights.keymap import check_tensors, tensor_names
from core.weights.tensor_writer import Planned, TensorWriter


def main() -> int:
    """Converts what standard input asks for; errors are said as the two lines of a ``LabError``."""
    return work_off(_convert)


def _convert(orders: dict[str, Any], say: Say) -> None:
    target = Path(orders["target"])
    try:
        convert(Path(orders["prefix"]), GPTConfig.from_dict(orders["config"]), target, say)
    except BrokenPipeError:  # whoever asked is gone
        target.unlink(missing_ok=True)
        raise


def convert(prefix: Path, config: GPTConfig, target: Path, say: Say) -> None:
    """Writes the checkpoint at ``prefix`` into ``target``, in Hugging Face's layout, which has OpenAI's (in, out).

    Raises:
        MissingExtraError: TensorFlow is not installed.
        CheckpointError: the checkpoint is damaged or is not that of a model of this shape.
        DiskFullError: no space is left.
    """
    reader = _open(prefix)
    names = tensor_names(config)
    shapes = {name: tuple(shape) for name, shape in reader.get_variable_to_shape_map().items()}
    check_tensors({str(name.openai): name.shape_in("openai") for name in names}, shapes, str(prefix))
    types = reader.get_variable_to_dtype_map()
    plan = [Planned(name.huggingface, name.shape_in("huggingface")) for name in names]
    try:
        with TensorWriter(target, plan, {"format": "pt"}) as writer:
            for index, name in enumerate(names):
                key = str(name.openai)
                if types[key].name != "float32":
                    raise CheckpointError(
                        f"{prefix}: the tensor {key} holds {types[key].name}, float32 was expected",
                        "this is not a checkpoint as OpenAI published them",
                    )
                values = _read(reader, key, prefix)
                writer.write(name.huggingface, values.reshape(name.shape_in("huggingface")))
                say(
                    {
                        "name": key,
                        "index": index + 1,
                        "total": len(names),
                        "bytes_done": writer.bytes_done,
                        "bytes_total": writer.bytes_total,
                    }
                )
            writer.finish()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise write_error(target, error) from error


def _open(prefix: Path) -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")  # reading files needs no GPU
    try:
        import tensorflow as tf
    except ImportError:
        raise MissingExtraError(
            "OpenAI's checkpoints are read with TensorFlow, which is not installed",
            "pip install 'llm-lab[tensorflow]'; or without it: llm-lab pull gpt2 --from huggingface",
        ) from None
    try:
        return tf.train.load_checkpoint(os.fspath(prefix))
    except Exception as error:  # TensorFlow's states become whichever of Python's errors sounds alike
        raise _damaged(prefix, error) from error


def _read(reader: Any, key: str, prefix: Path) -> Any:
    try:
        return reader.get_tensor(key)
    except Exception as error:  # as above: a file that is cut short is an IndexError
        raise _damaged(prefix, error, f"the tensor {key}: ") from error


def _damaged(prefix: Path, error: Exception, where: str = "") -> CheckpointError:
    said = " ".join(str(error).split())
    return CheckpointError(
        f"the checkpoint {prefix} is damaged: {where}{said[:200]}",
        "copy or fetch model.ckpt.* again, all three of them",
    )


if __name__ == "__main__":
    sys.exit(main())
