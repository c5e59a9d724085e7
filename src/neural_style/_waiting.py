"""How threads wait for one another where this package is the program. It has to be imported before torch.

OpenMP's threads spin while they wait, which keeps the cores from whatever else runs, such as another picture:
then the thread that is waited for may not run either. GNU's OpenMP, which torch's Linux builds have, is set to
spin briefly and then to sleep. That costs one picture nothing; to sleep at once, as OMP_WAIT_POLICY=PASSIVE
does, costs it a seventh. OpenMP reads the setting once, as torch loads it. A setting of the user's stays, and
so does every other program's.
"""

from __future__ import annotations

import os
import sys
from itertools import pairwise
from pathlib import Path

PROGRAM = ("neural-style", "neural-style.exe")
SPINS = "1000"  # turns of a loop; 300,000 by default


def is_program() -> bool:
    """Return whether the process was started as ``neural-style`` or as ``python -m neural_style``."""
    started_as = Path(next(iter(sys.argv), "")).name  # "-m" while a package that -m names is imported
    return started_as in PROGRAM or (started_as, dict(pairwise(sys.orig_argv)).get("-m")) == (
        "-m",
        "neural_style",
    )


if is_program() and "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
