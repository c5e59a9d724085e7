"""The layer table against torchvision's own network, and the checks of layer names."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import nn
from torchvision.models import vgg19

from neural_style.network.vgg19 import Layer, check_layers, convolutions, layer_table, layer_weights, truncated

# Table 1 of the VGG paper, configuration E: each block's convolutions and channels.
BLOCKS = [(2, 64), (2, 128), (4, 256), (4, 512), (4, 512)]


def names_by_hand() -> list[str]:
    names = []
    for block, (num_convolutions, _) in enumerate(BLOCKS, start=1):
        for place in range(1, num_convolutions + 1):
            names += [f"conv{block}_{place}", f"relu{block}_{place}"]
        names.append(f"pool{block}")
    return names


def test_the_table_has_the_papers_37_names_in_network_order() -> None:
    assert list(layer_table()) == names_by_hand()
    assert len(layer_table()) == 37
    assert all(layer.name == name for name, layer in layer_table().items())


def test_every_index_is_torchvisions_module_of_that_kind() -> None:
    with torch.device("meta"):
        modules = vgg19(weights=None, init_weights=False).features
    kinds = {"conv": nn.Conv2d, "relu": nn.ReLU, "pool": nn.MaxPool2d}
    assert len(modules) == len(layer_table())
    for index, layer in enumerate(layer_table().values()):
        module = modules[index]
        assert layer.index == index
        assert layer.kind == layer.name[:4]
        assert type(module) is kinds[layer.kind]
        if isinstance(module, nn.Conv2d):
            assert (module.in_channels, module.out_channels) == (layer.in_channels, layer.out_channels)


@pytest.mark.parametrize(
    "layer",
    [
        Layer("conv1_1", "conv", 0, 3, 64, 1),
        Layer("relu2_2", "relu", 8, 128, 128, 2),
        Layer("conv4_2", "conv", 21, 512, 512, 8),
        Layer("pool4", "pool", 27, 512, 512, 16),
        Layer("relu5_1", "relu", 29, 512, 512, 16),
        Layer("pool5", "pool", 36, 512, 512, 32),
    ],
    ids=lambda layer: layer.name,
)
def test_known_layers_are_as_read_by_hand(layer: Layer) -> None:
    assert layer_table()[layer.name] == layer


def test_torchvision_is_not_imported_with_the_library() -> None:
    """It would double the time that an import takes."""
    text = "import sys, neural_style.cli; sys.exit('torchvision' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", text], check=False).returncode == 0


def test_checked_names_come_back_once_and_in_network_order() -> None:
    names = check_layers("layers", iter(["relu4_2", "pool1", "conv1_1", "relu4_2"]))
    assert names == ["conv1_1", "pool1", "relu4_2"]


@pytest.mark.parametrize(
    ("names", "error", "advice"),
    [
        (["relu1_1", "relu4_5"], ValueError, "Did you mean 'relu4_4'"),
        (["relu4,1"], ValueError, "Did you mean 'relu4_1'"),
        (["block"], ValueError, "conv1_1 … conv5_4, relu1_1 … relu5_4 and pool1 … pool5"),
        ([["relu1_1"]], ValueError, ""),
        ([29], ValueError, ""),
        ([], ValueError, "none"),
        ("relu4_2", TypeError, "'relu4_2'"),
        (5, TypeError, ""),
    ],
)
def test_what_names_no_layer_is_refused(names: Any, error: type[Exception], advice: str) -> None:
    with pytest.raises(error, match=f"^layers must .*{advice}"):
        check_layers("layers", names)


def test_layer_weights_are_in_network_order_and_names_share_one() -> None:
    assert layer_weights("layers", "relu4_2") == {"relu4_2": 1.0}
    weights = layer_weights("layers", {"relu3_1": 1, "relu1_1": 2})
    assert list(weights.items()) == [("relu1_1", 2.0), ("relu3_1", 1.0)]
    assert layer_weights("layers", ["relu2_1", "relu1_1"]) == {"relu1_1": 0.5, "relu2_1": 0.5}
    with pytest.raises(ValueError, match=r"^layers\['relu1_1'\] must"):
        layer_weights("layers", {"relu1_1": -1})


def test_the_truncated_network_ends_with_the_deepest_layer() -> None:
    names = [layer.name for layer in truncated("conv2_1")]
    assert names == ["conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1", "conv2_1"]
    assert truncated("pool5") == list(layer_table().values())


def test_there_are_16_convolutions_in_network_order() -> None:
    names = [layer.name for layer in convolutions()]
    assert names == [name for name in names_by_hand() if name.startswith("conv")]
    assert len(names) == 16
