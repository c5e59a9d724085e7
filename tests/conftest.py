"""What every test may ask for, and one thread for each of the processes that run them."""

import os

import pytest
import torch

DEVICES = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]

if "PYTEST_XDIST_WORKER" in os.environ:  # one of several, each of which would take every core
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"  # of the processes that tests start


@pytest.fixture(params=DEVICES)
def device(request: pytest.FixtureRequest) -> torch.device:
    """Each device that this machine has."""
    return torch.device(str(request.param))
