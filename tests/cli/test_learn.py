"""Filters learned on the command line."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
from torch import Tensor

from narrow import RANDOM
from neural_style import cli, load_image, load_weights
from neural_style.cli import commands
from neural_style.images.resizing import resize
from neural_style.network.source import learn_weights

Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch


def test_filters_are_learned_from_paintings(capsys: Capture) -> None:
    name = "filters.safetensors"
    assert cli.main(["learn", "art.png", "photo.png", "-o", name, "--size", "20", "--seed", "3"]) == 0
    assert re.fullmatch(rf"{name}: filters of 2 pictures in \d+\.\d s\n", capsys.readouterr().out)
    pictures = [load_image("art.png").unsqueeze(0), load_image("photo.png").unsqueeze(0)]
    sizes = [(20, 20), (15, 20)]
    expected = learn_weights([resize(one, size) for one, size in zip(pictures, sizes, strict=True)], seed=3)
    learned = load_weights(name)
    assert learned.self_taught
    assert all(torch.equal(value, expected.parameters[key]) for key, value in learned.parameters.items())


def test_paintings_are_learned_no_larger_than_they_are(monkeypatch: Patch, capsys: Capture) -> None:
    asked: list[list[tuple[int, ...]]] = []

    def learn(pictures: list[Tensor], *, seed: int) -> Any:
        assert seed == 0
        asked.append([tuple(picture.shape[-2:]) for picture in pictures])
        return RANDOM

    monkeypatch.setattr(commands, "learn_weights", learn)
    for words in ("art.png", "art.png photo.png --size original", "art.png photo.png --size 16"):
        assert cli.main(["learn", *words.split(), "-o", "f.pth", "--quiet"]) == 0
    assert asked == [[(40, 40)], [(40, 40), (24, 32)], [(16, 16), (12, 16)]]
    assert capsys.readouterr() == ("", "")
