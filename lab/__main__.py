"""``llm-lab``, and ``python -m lab``: the same front door.

Nothing but the standard library is imported before the command is known, so ``--help`` and the app start at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command line and returns its exit code (0 done, 1 failed, 2 bad input).

    Args:
        argv: the words after ``llm-lab``; left out, those of this process.
    """
    from lab.cli.entry import run

    return run(list(sys.argv[1:] if argv is None else argv))


if __name__ == "__main__":
    sys.exit(main())
