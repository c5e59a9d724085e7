"""Threads that wait sleep in the program, and as the caller's own everywhere else."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys

import pytest

from neural_style import _waiting

Patch = pytest.MonkeyPatch


@pytest.mark.parametrize(
    ("argv", "started", "spins"),
    [
        (["/usr/bin/neural-style", "demo"], ["python", "/usr/bin/neural-style", "demo"], "1000"),
        (["-m", "demo"], ["python", "-u", "-m", "neural_style", "demo"], "1000"),
        (["-m", "neural_style"], ["python", "-m", "another", "neural_style"], None),
        (["neural_style.py"], ["python", "neural_style.py"], None),
        (["-c"], ["python", "-c", "import neural_style"], None),
        ([], ["python"], None),
    ],
)
def test_only_the_program_sets_how_threads_wait(
    argv: list[str], started: list[str], spins: str | None, monkeypatch: Patch
) -> None:
    monkeypatch.setattr(sys, "argv", argv)
    monkeypatch.setattr(sys, "orig_argv", started)
    for name, own in ((None, None), ("GOMP_SPINCOUNT", "7"), ("OMP_WAIT_POLICY", "ACTIVE")):
        monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
        monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
        if name and own:
            monkeypatch.setenv(name, own)
        importlib.reload(_waiting)
        expected = {"GOMP_SPINCOUNT": spins} if name is None else {name: own}
        settings = {key: os.environ[key] for key in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT") if key in os.environ}
        assert settings == {key: value for key, value in expected.items() if value}


@pytest.mark.skipif(sys.platform != "linux", reason="OpenMP of other systems does not say its settings so")
def test_openmp_has_the_setting_when_the_program_starts() -> None:
    own = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    environment = {name: value for name, value in os.environ.items() if name not in own}
    shown = subprocess.run(
        [sys.executable, "-m", "neural_style", "--version"],
        env=environment | {"OMP_DISPLAY_ENV": "VERBOSE"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(re.findall(r"GOMP_SPINCOUNT *= *'(\d+)'", shown.stderr)) == {"1000"}
