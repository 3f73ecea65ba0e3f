"""The model: token and position embeddings, blocks, final norm, and a head that may share the embedding.

The twin of ``core.model.gpt.GPT``: the same ``GPTConfig`` gives the same function of the same weights (by test, and
``llm-lab twin`` shows how far the last digits are apart). It leaves out: weights going across (``weights.py``), files
(``files.py``), training (``backend.py``), decoding (``decode.py``).

Shapes: B batch, T time, C channels (emb_dim), V vocabulary.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from core.config import GPTConfig
from core.errors import InputError
from core.keras_twin.layers import EPSILON, Block, Dropout
from core.model.waves import position_waves


@keras.saving.register_keras_serializable(package="llm_lab")
class KerasGPT(keras.Model):
    """``KerasGPT(config)(ids)`` gives logits.

    Args:
        config: the shape; ``vocab_size`` must be known.
        seed: decides the initial weights (which the trainer replaces by those of the PyTorch twin) and the dropout.
        dtype: what to compute in; ``mixed_bfloat16`` multiplies matrices in bfloat16.
        rest: Keras's own.
    """

    def __init__(self, config: GPTConfig, seed: int = 0, dtype: str = "float32", **rest: Any) -> None:
        super().__init__(dtype=dtype, **rest)
        config.parameters()  # says what to do if the vocabulary is not known yet
        assert config.vocab_size is not None
        self.config = config
        keras.utils.set_random_seed(seed)
        self.seeds = keras.random.SeedGenerator(seed)
        normal, policy = keras.initializers.RandomNormal(stddev=config.init_std), self.dtype_policy
        self.wte = keras.layers.Embedding(
            config.vocab_size, config.emb_dim, embeddings_initializer=normal, dtype=policy, name="wte"
        )
        self.wpe = keras.layers.Embedding(
            config.context_length, config.emb_dim, embeddings_initializer=normal, dtype=policy, name="wpe"
        )
        self.drop = Dropout(config.drop_rate, self.seeds, dtype=policy, name="drop")
        self.h = [Block(config, self.seeds, dtype=policy, name=f"h_{n}") for n in range(config.n_layers)]
        self.ln_f = keras.layers.LayerNormalization(epsilon=EPSILON, dtype=policy, name="ln_f")
        self.lm_head = (
            None
            if config.tie_weights
            else keras.layers.Dense(
                config.vocab_size, use_bias=False, kernel_initializer=normal, dtype=policy, name="lm_head"
            )
        )
        self.build((None, config.context_length))
        if config.position_waves:
            self.wpe.embeddings.assign(position_waves(config.context_length, config.emb_dim, config.position_waves))

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Makes all parts."""
        wide = (None, None, self.config.emb_dim)
        for part in (self.wte, self.wpe):
            part.build(shape)
        for part in (*self.h, self.ln_f, *([self.lm_head] if self.lm_head else [])):
            part.build(wide)
        self.built = True

    def call(self, ids: Any, training: bool = False) -> Any:
        """Logits (B, T, V) for ids (B, T); T must be known when the function is traced.

        Raises:
            InputError: more tokens than the context holds.
        """
        return self.head(self.hidden(ids, training=training))

    def hidden(self, ids: Any, training: bool = False) -> Any:
        """The normalised last residual, (B, T, C)."""
        x = self.embed(ids, training=training)
        for block in self.h:
            x = block(x, training=training)
        return self.ln_f(x)

    def embed(self, ids: Any, start: Any = 0, training: bool = False) -> Any:
        """What each token is and where it stands, added: (B, T, C); the first stands at ``start``."""
        T = ids.shape[1]
        if self.config.context_length < T:
            raise InputError(
                f"{T} tokens do not fit: the model's context_length is {self.config.context_length}",
                "give it fewer tokens, or a model with a longer context",
            )
        return self.drop(self.wte(ids) + self.wpe(start + ops.arange(T)), training=training)

    def head(self, hidden: Any) -> Any:
        """Logits (B, T, V) for the normalised residual."""
        if self.lm_head is not None:
            return self.lm_head(hidden)
        return ops.matmul(hidden, ops.transpose(ops.cast(self.wte.embeddings, hidden.dtype)))

    def loss_of(self, ids: Any, targets: Any, training: bool = False) -> Any:
        """Mean cross-entropy in nats of targets (B, T) given ids (B, T), computed in float32."""
        return ops.mean(self.losses_of(ids, targets, training=training))

    def losses_of(self, ids: Any, targets: Any, training: bool = False) -> Any:
        """The cross-entropy in nats of each of the targets, (B, T) float32."""
        logits = ops.cast(self(ids, training=training), "float32")
        return keras.losses.sparse_categorical_crossentropy(targets, logits, from_logits=True)

    def get_config(self) -> dict[str, Any]:
        """What a ``.keras`` file says of it."""
        return {"config": self.config.to_dict(), "name": self.name, "dtype": self.dtype_policy.name}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> KerasGPT:
        """Reads ``get_config()`` back."""
        return cls(GPTConfig.from_dict(config["config"]), name=config["name"], dtype=config["dtype"])
