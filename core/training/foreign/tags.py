"""Which of the many names that programs give to the same number stands for which of our columns.

Names are compared in lower case, with spaces, dots and hyphens as underscores. What stands further left counts more
where a run has several of them.
"""

from __future__ import annotations

STEP_TAGS: dict[str, tuple[str, ...]] = {
    "loss": (
        "train/loss",  # Hugging Face Trainer, this lab
        "loss/train",  # the examples of PyTorch
        "train_loss",
        "loss",
        "training/loss",
        "training_loss",
        "loss/training",
        "train/loss_step",  # Lightning
        "train_loss_step",
        "loss_train/loss",  # SummaryWriter.add_scalars
        "train/batch_loss",  # Keras: one folder for each part, a number for each batch or epoch
        "train/epoch_loss",
        "batch_loss",
        "epoch_loss",
        "train/lm_loss",
        "lm_loss",  # Megatron-LM
        "loss_metrics/global_avg_loss",  # torchtitan
        "train/cross_entropy",
        "train/celoss",
    ),
    "lr": (
        "train/learning_rate",
        "learning_rate",
        "train/lr",
        "lr",
        "optimizer/lr",
        "learning_rate/group_0",
        "lr/group_0",
        "train/epoch_learning_rate",
        "epoch_learning_rate",
        "batch_learning_rate",
        "lr_adamw",
    ),
    "grad_norm": (
        "train/grad_norm",
        "grad_norm",
        "train/gradient_norm",
        "gradient_norm",
        "grad_norm/total",
        "optimizer/grad_norm",
        "train/total_grad_norm",
    ),
    "tokens_per_second": (
        "train/tokens_per_second",
        "train/train_tokens_per_second",
        "train_tokens_per_second",
        "tokens_per_second",
        "tokens_per_sec",
        "train/tokens_per_sec",
        "train/tok_per_sec",
        "throughput/tokens_per_second",
        "throughput(tps)",
        "tps",
    ),
    "mfu": ("train/mfu", "mfu", "mfu_pct", "mfu(%)"),
    "tokens": (
        "train/tokens",
        "train/num_input_tokens_seen",
        "num_input_tokens_seen",
        "tokens",
        "tokens_seen",
        "n_tokens_seen",
        "total_tokens",
    ),
}
"""The columns of a step."""

EVAL_TAGS: dict[str, tuple[str, ...]] = {
    "val_loss": (
        "eval/val_loss",  # this lab
        "eval/loss",  # Hugging Face Trainer
        "eval_loss",
        "val/loss",
        "val_loss",
        "loss/val",
        "valid/loss",
        "valid_loss",
        "validation/loss",
        "validation_loss",
        "loss/validation",
        "loss/valid",
        "loss/eval",
        "loss/test",
        "test/loss",
        "test_loss",
        "val/loss_epoch",
        "val_loss_epoch",
        "loss_val/loss",
        "loss_validation/loss",
        "validation/epoch_loss",  # Keras
        "validation/evaluation_loss_vs_iterations",
        "lm_loss_validation",
        "validation_metrics/loss",
    ),
    "train_loss": ("eval/train_loss", "eval_train_loss"),
    "perplexity": (
        "eval/perplexity",
        "eval_perplexity",
        "val/perplexity",
        "val_perplexity",
        "val/ppl",
        "perplexity/val",
        "perplexity",
        "lm_loss_validation_ppl",
    ),
}
"""The columns of an evaluation."""

PERCENT = frozenset({"mfu_pct", "mfu(%)"})
"""Names whose numbers are percentages where ours are shares."""

_FOUND = {
    name: (table, column, rank)
    for table, columns in (("step", STEP_TAGS), ("eval", EVAL_TAGS))
    for column, names in columns.items()
    for rank, name in enumerate(names)
}


def normal(tag: str) -> str:
    """A name as it is compared.

    >>> normal("Loss/train"), normal("lm loss"), normal("grad-norm")
    ('loss/train', 'lm_loss', 'grad_norm')
    """
    return tag.strip().strip("/").lower().replace(" ", "_").replace("-", "_").replace(".", "_")


def meaning(tag: str) -> tuple[str, str, int] | None:
    """Table, column and rank (0 counts most) of a name; None if it is none of ours.

    >>> meaning("Loss/train"), meaning("train/epoch")
    (('step', 'loss', 1), None)
    """
    return _FOUND.get(normal(tag))
