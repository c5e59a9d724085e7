"""How threads wait for one another where this package is the program. It has to be imported before torch.

OpenMP's threads spin while they wait, which keeps the cores from whatever else runs, such as another picture:
then the thread that is waited for may not run either. Threads that sleep leave the cores. OpenMP reads the
setting once, as torch loads it. A setting of the user's stays, and so does every other program's.
"""

from __future__ import annotations

import os
import sys
from itertools import pairwise
from pathlib import Path

PROGRAM = ("neural-style", "neural-style.exe")


def is_program() -> bool:
    """Return whether the process was started as ``neural-style`` or as ``python -m neural_style``."""
    started_as = Path(next(iter(sys.argv), "")).name  # "-m" while a package that -m names is imported
    return started_as in PROGRAM or (started_as, dict(pairwise(sys.orig_argv)).get("-m")) == (
        "-m",
        "neural_style",
    )


if is_program():
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
