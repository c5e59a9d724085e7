"""What can go wrong before and between messages. The messages are in test_torchrun and test_stripes."""

from __future__ import annotations

import socket
import threading

import pytest
import torch
from torch.distributed import TCPStore  # type: ignore[attr-defined]

from neural_style.device import ranks
from neural_style.device.ranks import Process, ending_together, joined, place, rank_device, sharing


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
    group.setenv("LOCAL_WORLD_SIZE", "5")
    assert [sharing(torch.device(name)) for name in ("cuda", "cpu")] == [3, 5]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, Process(rank=0, world=1, local_rank=0)),
        ({"RANK": "9", "WORLD_SIZE": "16"}, Process(9, 16, 9)),
        ({"RANK": "9", "WORLD_SIZE": "16", "LOCAL_RANK": "1"}, Process(9, 16, 1)),
        ({"RANK": "2", "WORLD_SIZE": "2"}, "RANK"),
        ({"RANK": "1"}, "RANK"),
        ({"RANK": "-1"}, "RANK"),
        ({"WORLD_SIZE": "²"}, "WORLD_SIZE"),
        ({"LOCAL_RANK": ""}, "LOCAL_RANK"),
    ],
)
def test_the_environment_names_the_process_unless_it_is_impossible(
    variables: dict[str, str], expected: Process | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)
    if isinstance(expected, Process):
        assert place() == expected
    else:
        with pytest.raises(ValueError, match=f"^{expected} must"):
            place()


@pytest.mark.parametrize(
    ("available", "name", "here", "expected"),
    [
        (["cuda", "cpu"], "auto", Process(), "auto"),
        (["cuda", "cpu"], "auto", Process(9, 16, 1), "cuda:1"),
        (["cuda", "cpu"], "auto", Process(3, 4, 3), "cuda:1"),
        (["cuda", "cpu"], "cuda:0", Process(1, 2, 1), "cuda:0"),
        (["xpu", "cpu"], "auto", Process(5, 8, 5), "xpu:2"),
        (["mps", "cpu"], "auto", Process(1, 2, 1), "auto"),
    ],
)
def test_each_process_of_a_machine_takes_the_next_gpu(
    available: list[str], name: str, here: Process, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranks, "available_devices", lambda: available)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.xpu, "device_count", lambda: 3)
    assert rank_device(name, here) == expected


@pytest.fixture
def torchruns_store(monkeypatch: pytest.MonkeyPatch) -> TCPStore:
    """A store as torchrun keeps one, and its environment."""
    store = TCPStore("localhost", 0, is_master=True, wait_for_workers=False)
    given = {"TORCHELASTIC_RUN_ID": "1", "TORCHELASTIC_USE_AGENT_STORE": "True", "MASTER_ADDR": "localhost"}
    given |= {"RANK": "0", "WORLD_SIZE": "2", "MASTER_PORT": str(store.port)}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(ranks, "WAIT_SECONDS", 0.01)
    return store


def test_a_rank_of_torchruns_waits_for_the_others_at_the_end(torchruns_store: TCPStore) -> None:
    def end() -> None:
        with ending_together(Process(0, 2, 0)):
            pass

    thread = threading.Thread(target=end, daemon=True)
    thread.start()
    thread.join(0.3)
    assert thread.is_alive()
    torchruns_store.add(ranks.ENDED, 1)
    thread.join(20)
    assert not thread.is_alive()


@pytest.mark.usefixtures("torchruns_store")
def test_after_an_error_or_without_the_store_a_rank_waits_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_arguments: object) -> int:
        raise RuntimeError("connection reset")

    with pytest.raises(ValueError, match="no"), ending_together(Process(0, 2, 0)):
        raise ValueError("no")
    monkeypatch.setattr(TCPStore, "add", gone)
    with ending_together(Process(0, 2, 0)):
        pass
