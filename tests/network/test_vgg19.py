"""The layer table against torchvision's own network, and the checks of layer names."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import nn
from torchvision.models import vgg19

from neural_style.network.vgg19 import check_layers, layer_table, layer_weights


def test_the_table_has_the_papers_37_names_in_network_order() -> None:
    names: list[str] = []
    for block, convolutions in enumerate((2, 2, 4, 4, 4), start=1):
        places = range(1, convolutions + 1)
        names += [f"{kind}{block}_{place}" for place in places for kind in ("conv", "relu")]
        names.append(f"pool{block}")
    assert list(layer_table()) == [layer.name for layer in layer_table().values()] == names


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
        (["block"], ValueError, "conv1_1 … conv5_4, relu1_1 … relu5_4 and pool1 … pool5"),
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
