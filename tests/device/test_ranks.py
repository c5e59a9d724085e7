"""What can go wrong before and between messages. The messages are in test_torchrun and test_stripes."""

from __future__ import annotations

import socket

import pytest
import torch

from neural_style.device.ranks import Process, joined, place, rank_device, sharing


@pytest.fixture
def group(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A process group of two that nobody has to join."""
    monkeypatch.setattr("torch.distributed.init_process_group", lambda **_options: None)
    monkeypatch.setattr("torch.distributed.destroy_process_group", lambda: None)
    monkeypatch.setattr("neural_style.device.ranks.Ranks", lambda **_options: None)
    monkeypatch.setenv("MASTER_ADDR", "localhost")
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "of torchrun")
    return monkeypatch


def test_without_a_meeting_place_a_process_of_several_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    with pytest.raises(ValueError, match=r"^MASTER_ADDR must"), joined(place(), 1800):
        pass


def test_a_process_that_torchrun_has_not_started_says_that_it_waits(group: pytest.MonkeyPatch) -> None:
    group.delenv("TORCHELASTIC_RUN_ID")
    with pytest.warns(UserWarning, match="waits up to 5 s"), joined(Process(0, 2, 0), 5):
        pass


@pytest.mark.usefixtures("group")
def test_only_lost_messages_mean_a_lost_rank() -> None:
    with pytest.raises(ConnectionError, match=r"^every rank must"), joined(Process(0, 2, 0), 5):
        raise RuntimeError("Connection closed by peer\nmore")
    with pytest.raises(RuntimeError, match=r"^shapes differ"), joined(Process(0, 2, 0), 5):
        raise RuntimeError("shapes differ")


def test_a_rank_that_never_comes_is_a_lost_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name, value in {"RANK": 0, "WORLD_SIZE": 2, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}.items():
        monkeypatch.setenv(name, str(value))
    lonely = pytest.warns(UserWarning, match=r"waits up to 1 s")
    with lonely, pytest.raises(ConnectionError, match=r"^every rank must"), joined(place(), 1):
        pass


def test_each_rank_works_on_a_gpu_of_its_own_and_too_many_are_refused(group: pytest.MonkeyPatch) -> None:
    chosen: list[int] = []
    group.setattr("neural_style.device.ranks.available_devices", lambda: ["cuda", "cpu"])
    group.setattr("torch.cuda.is_available", lambda: True)
    group.setattr("torch.cuda.device_count", lambda: 2)
    group.setattr("torch.cuda.set_device", chosen.append)
    assert rank_device("auto", Process(1, 4, 1), apart=True) == "cuda:1"
    with joined(Process(1, 4, 1), 5):
        pass
    assert chosen == [1]
    with pytest.raises(ValueError, match=r"^the number of ranks on this machine must be at most 2"):
        rank_device("auto", Process(3, 4, 3), apart=True)
    assert rank_device("auto", Process(3, 4, 3)) == "cuda:1"  # pictures of their own may share one
    group.setenv("LOCAL_WORLD_SIZE", "5")
    assert [sharing(torch.device(name)) for name in ("cuda", "cpu")] == [3, 5]
