"""The layer table against torchvision's own network, and the checks of layer names."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
import torch
from torch import nn
from torchvision.models import vgg19

from neural_style.network.vgg19 import Layer, check_layers, convolutions, layer_table, truncated

# Table 1 of the VGG paper, configuration E: each block's convolutions and channels.
BLOCKS = [(2, 64), (2, 128), (4, 256), (4, 512), (4, 512)]


def exactly(text: str) -> str:
    return f"^{re.escape(text)}$"


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


def test_channels_follow_from_layer_to_layer_and_are_the_blocks_own() -> None:
    channels = 3
    for layer in layer_table().values():
        assert layer.in_channels == channels
        assert layer.out_channels == BLOCKS[int(layer.name[4]) - 1][1]
        channels = layer.out_channels


def test_a_stride_doubles_at_each_pooling_and_counts_it() -> None:
    for layer in layer_table().values():
        block = int(layer.name[4])
        assert layer.stride == (2**block if layer.kind == "pool" else 2 ** (block - 1))


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
    """It would double the time that an import takes, and a typing error's on the command line."""
    text = "import sys, neural_style.cli; sys.exit('torchvision' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", text], check=False).returncode == 0


def test_checked_names_come_back_once_and_in_network_order() -> None:
    names = check_layers("layers", ["relu4_2", "pool1", "conv1_1", "relu4_2"])
    assert names == ["conv1_1", "pool1", "relu4_2"]


def test_checked_names_may_come_from_an_iterator() -> None:
    assert check_layers("layers", iter(["relu2_1", "relu1_1"])) == ["relu1_1", "relu2_1"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("relu4_5", "layers must be names of VGG-19 layers; got 'relu4_5'. Did you mean 'relu4_4'?"),
        (
            "block",
            "layers must be names of VGG-19 layers; got 'block'. "
            "They are conv1_1 … conv5_4, relu1_1 … relu5_4 and pool1 … pool5.",
        ),
        (
            "29",
            "layers must be names of VGG-19 layers; got '29'. "
            "They are conv1_1 … conv5_4, relu1_1 … relu5_4 and pool1 … pool5.",
        ),
        (
            "relu1_1,relu2_1",
            "layers must be names of VGG-19 layers; got 'relu1_1,relu2_1'. Give a list of names.",
        ),
        ("relu4,1", "layers must be names of VGG-19 layers; got 'relu4,1'. Did you mean 'relu4_1'?"),
        (
            ["relu1_1"],
            "layers must be names of VGG-19 layers; got ['relu1_1']. "
            "They are conv1_1 … conv5_4, relu1_1 … relu5_4 and pool1 … pool5.",
        ),
    ],
)
def test_a_name_that_is_no_layer_is_refused_with_the_nearest_or_with_all(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=exactly(text)):
        check_layers("layers", ["relu1_1", name])


def test_the_names_that_a_message_gives_as_bounds_are_in_the_table() -> None:
    with pytest.raises(ValueError, match="They are") as caught:
        check_layers("layers", ["block"])
    bounds = re.findall(r"[a-z]+\d(?:_\d)?", str(caught.value).split("They are")[1])
    for kind, first, last in zip(("conv", "relu", "pool"), bounds[::2], bounds[1::2], strict=True):
        names = [layer.name for layer in layer_table().values() if layer.kind == kind]
        assert (names[0], names[-1]) == (first, last)


def test_no_name_at_all_is_refused() -> None:
    text = "style_layers must be names of VGG-19 layers; got none. Give at least one, such as 'relu4_2'."
    with pytest.raises(ValueError, match=exactly(text)):
        check_layers("style_layers", [])


def test_the_truncated_network_ends_with_the_deepest_layer() -> None:
    names = [layer.name for layer in truncated("conv2_1")]
    assert names == ["conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1", "conv2_1"]
    assert [layer.name for layer in truncated("conv1_1")] == ["conv1_1"]
    assert truncated("pool5") == list(layer_table().values())


def test_there_are_16_convolutions_in_network_order() -> None:
    names = [layer.name for layer in convolutions()]
    assert names == [name for name in names_by_hand() if name.startswith("conv")]
    assert len(names) == 16


def test_one_text_is_no_list_of_names() -> None:
    text = "layers must be a list of names; got the text 'relu4_2'. Write ['relu4_2']."
    with pytest.raises(TypeError, match=re.escape(text)):
        check_layers("layers", "relu4_2")


def test_what_is_no_list_is_refused() -> None:
    with pytest.raises(TypeError, match="layers must be a list of names; got int"):
        check_layers("layers", 5)  # type: ignore[arg-type]
