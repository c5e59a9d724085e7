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
    ("argv", "started", "policy"),
    [
        (["/usr/bin/neural-style", "demo"], ["python", "/usr/bin/neural-style", "demo"], "PASSIVE"),
        (["-m", "demo"], ["python", "-u", "-m", "neural_style", "demo"], "PASSIVE"),
        (["-m", "neural_style"], ["python", "-m", "another", "neural_style"], None),
        (["neural_style.py"], ["python", "neural_style.py"], None),
        (["-c"], ["python", "-c", "import neural_style"], None),
        ([], ["python"], None),
    ],
)
def test_only_the_program_sets_how_threads_wait(
    argv: list[str], started: list[str], policy: str | None, monkeypatch: Patch
) -> None:
    for own in (None, "ACTIVE"):
        monkeypatch.setenv("OMP_WAIT_POLICY", own or "")
        if own is None:
            monkeypatch.delenv("OMP_WAIT_POLICY")
        monkeypatch.setattr(sys, "argv", argv)
        monkeypatch.setattr(sys, "orig_argv", started)
        importlib.reload(_waiting)
        assert os.environ.get("OMP_WAIT_POLICY") == (own or policy)


@pytest.mark.skipif(sys.platform != "linux", reason="OpenMP of other systems does not say its settings so")
def test_openmp_has_the_setting_when_the_program_starts() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    command = [sys.executable, "-m", "neural_style", "--version"]
    told = subprocess.run(
        command, env=environment | {"OMP_DISPLAY_ENV": "TRUE"}, capture_output=True, text=True, check=True
    )
    assert set(re.findall(r"OMP_WAIT_POLICY *= *'(\w+)'", told.stderr)) == {"PASSIVE"}
