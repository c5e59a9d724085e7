"""torch.distributed's own processes, over gloo: what threads as ranks cannot show."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from narrow import RANDOM
from neural_style import load_image, save_image

HERE = Path(__file__).parent
PATIENCE = 300  # seconds: a busy machine is slow to start processes
ENVIRONMENT = {
    **os.environ,
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]),
}
SMALL = ["--weights", "narrow.pth", "--size", "176", "--levels", "1", "--precision", "float32"]


def torchrun(world: int, *words: str, cwd: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={world}"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([*command, *words], cwd=cwd, env=ENVIRONMENT, start_new_session=True, **pipes)


def case(name: str, world: int, cwd: Path, seconds: float = 60) -> list[list[Any]]:
    """Return what every surviving rank printed: its number, its result, and the seconds that took."""
    process = torchrun(world, str(HERE / "rank_cases.py"), name, str(seconds), cwd=cwd)
    out, _ = process.communicate(timeout=PATIENCE)
    # Gloo may write lines of its own between them.
    return sorted(json.loads(found) for found in re.findall(r"\[\d+, .*\]$", out, flags=re.MULTILINE))


@pytest.mark.parametrize("world", [2, *(pytest.param(world, marks=pytest.mark.slow) for world in (3, 4))])
def test_loss_and_gradient_over_processes_are_those_of_one(world: int, tmp_path: Path) -> None:
    results = case("exact", world, tmp_path)
    assert [rank for rank, _, _ in results] == list(range(world))
    for _, differences, _ in results:
        assert max(differences) < 1e-10


@pytest.mark.slow
def test_levels_for_fewer_ranks_are_shared_with_the_others(tmp_path: Path) -> None:
    results = case("levels", 3, tmp_path)
    assert [rank for rank, _, _ in results] == [0, 1, 2]
    assert all(far < 2e-3 for _, far, _ in results)


def test_a_process_that_falls_silent_is_given_up_after_the_timeout(tmp_path: Path) -> None:
    ((rank, text, seconds),) = case("sleeps", 2, tmp_path, seconds=4)
    assert rank == 0
    assert text.startswith("ConnectionError: every rank must")
    assert 4 <= seconds < 20


def stylize(content: str, *words: str, cwd: Path) -> subprocess.Popen[str]:
    """Start the command line's transfer with two processes."""
    return torchrun(2, "-m", "neural_style", "stylize", content, "art.png", *words, *SMALL, cwd=cwd)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with two pictures."""
    generator = torch.Generator().manual_seed(0)
    save_image(torch.rand(3, 176, 96, generator=generator), tmp_path / "photo.png")
    save_image(torch.rand(3, 64, 64, generator=generator), tmp_path / "art.png")
    RANDOM.save(tmp_path / "narrow.pth")
    return tmp_path


def test_the_command_line_makes_one_picture_and_the_first_rank_speaks(folder: Path) -> None:
    process = stylize("photo.png", "-o", "out.png", "--iterations", "2", cwd=folder)
    out, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    assert out.count("out.png: 96x176 pixels in ") == out.count("pixels in") == 1
    assert errors.count("this will take") == 1
    assert load_image(folder / "out.png").shape == (3, 176, 96)


def test_ctrl_c_keeps_the_picture_so_far(folder: Path) -> None:
    process = stylize("photo.png", "-o", "out.png", "--iterations", "5000", cwd=folder)
    assert process.stderr is not None
    for line in process.stderr:  # read until the run begins
        if "this will take" in line:
            break
    time.sleep(5)  # until there is a picture
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to torchrun and to every rank
    _, errors = process.communicate(timeout=PATIENCE)
    assert "interrupted; the picture so far is in out.png" in errors
    assert load_image(folder / "out.png").shape == (3, 176, 96)
