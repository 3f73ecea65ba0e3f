"""The process that runs scikit-learn's t-SNE: ``python -P -u -m core.vectors.tsne_child``.

It reads its orders from standard input (one JSON object), the vectors from ``table.npy`` in the folder that they name,
and leaves the picture there as ``xy.npy``. What scikit-learn says on its way goes to standard output.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

from core.child import take_orders


def main() -> int:
    """Makes the map that standard input asks for."""
    orders = take_orders()
    if hasattr(os, "nice"):
        os.nice(5)
    from sklearn.manifold import TSNE

    folder = Path(orders["folder"])
    table = np.load(folder / "table.npy", allow_pickle=False)
    steps = TSNE(
        2,
        perplexity=orders["perplexity"],
        max_iter=orders["iterations"],
        init="pca",
        learning_rate="auto",
        random_state=orders["seed"],
        verbose=2,
    )
    np.save(folder / "xy.npy", steps.fit_transform(table))
    return 0


if __name__ == "__main__":
    sys.exit(main())
