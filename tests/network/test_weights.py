"""Where the parameters come from: names, files in both namings, pictures, chance; and what is refused."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch
from torch import Tensor
from torchvision.models import VGG19_Weights, vgg19

from narrow import RANDOM, TAUGHT
from neural_style import StyleTransfer, VGG19Features
from neural_style.images.resizing import resize
from neural_style.network.self_taught import learn_filters
from neural_style.network.source import check_width, learn_weights, random_weights
from neural_style.network.vgg19 import convolutions
from neural_style.network.weights import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Weights,
    WeightsUnavailableError,
    load_weights,
)
from neural_style.transfer.presets import PRESETS

TORCHVISIONS_FILE = Path(VGG19_Weights.IMAGENET1K_V1.url).name


def picture(height: int = 32, width: int = 32, seed: int = 0) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def narrow() -> Weights:
    return RANDOM


def equal(first: Weights, second: Weights) -> bool:
    return first.parameters.keys() == second.parameters.keys() and all(
        torch.equal(value, second.parameters[name]) for name, value in first.parameters.items()
    )


@pytest.fixture
def torch_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of torch's, and no way to fill it from the network."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    def offline(*_args: Any, **_kwargs: Any) -> None:
        raise URLError("no network in tests")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def test_torchvisions_weights_are_read_from_torchs_cache(torch_home: Path) -> None:
    """A file of torchvision's true names and shapes; its classifier's values are one number each."""
    with torch.device("meta"):
        shapes = {name: value.shape for name, value in vgg19(weights=None).state_dict().items()}
    assert len(shapes) == 38
    generator = torch.Generator().manual_seed(0)
    state = {
        name: torch.rand(shape, generator=generator) if "features" in name else torch.zeros(1).expand(shape)
        for name, shape in shapes.items()
    }
    torch.save(state, torch_home / TORCHVISIONS_FILE)
    weights = load_weights("torchvision")
    assert weights.convention == "torchvision"
    assert weights.width == 1.0
    assert len(weights.parameters) == 32
    assert all(torch.equal(value, state[name]) for name, value in weights.parameters.items())


def test_torchvisions_weights_that_cannot_be_had_are_an_error_with_advice(torch_home: Path) -> None:
    text = (
        "weights must be cached or possible to download; "
        "got 'torchvision' (URLError: <urlopen error no network in tests>). "
        f"Put that file of torchvision's at {torch_home / TORCHVISIONS_FILE} "
        "(a damaged one has to be deleted first), "
        "name another weight file, or take weights='vgg19', which needs no download."
    )
    with pytest.raises(WeightsUnavailableError, match=re.escape(text)):
        load_weights("torchvision")


def test_a_damaged_file_in_the_cache_is_an_error_that_names_it(torch_home: Path) -> None:
    (torch_home / TORCHVISIONS_FILE).write_bytes(b"")
    with pytest.raises(WeightsUnavailableError, match=re.escape(str(torch_home / TORCHVISIONS_FILE))):
        load_weights("torchvision")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_saved_weights_load_again(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"weights{suffix}"
    narrow().save(path)
    assert equal(load_weights(path), narrow())
    assert equal(load_weights(str(path)), narrow())
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_weights_are_shown_without_their_millions_of_numbers() -> None:
    assert repr(random_weights(deepest="relu1_1")) == "Weights(convention='torchvision', self_taught=False)"


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_what_the_weights_are_is_kept_in_their_file(tmp_path: Path, suffix: str) -> None:
    parameters = narrow().parameters
    for weights in (
        Weights(parameters),
        Weights(parameters, "caffe"),
        Weights(parameters, self_taught=True),
        Weights(parameters, "caffe", self_taught=True),
    ):
        weights.save(tmp_path / f"w{suffix}")
        again = load_weights(tmp_path / f"w{suffix}")
        assert (again.convention, again.self_taught) == (weights.convention, weights.self_taught)
        assert equal(again, weights)


def test_a_save_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.mkdir()
    with pytest.raises(OSError, match=r"weights\.pth"):
        narrow().save(path)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_caffes_naming_is_recognised_with_its_convention(tmp_path: Path) -> None:
    parameters = narrow().parameters
    caffe = {
        f"{layer.name}.{kind}": parameters[f"features.{layer.index}.{kind}"]
        for layer in convolutions()
        for kind in ("weight", "bias")
    }
    torch.save(caffe, tmp_path / "vgg_conv.pth")
    weights = load_weights(tmp_path / "vgg_conv.pth")
    assert weights.convention == "caffe"
    assert equal(weights, narrow())
    assert load_weights(tmp_path / "vgg_conv.pth", convention="torchvision").convention == "torchvision"


def test_caffes_convention_can_be_asked_for_under_torchvisions_names(tmp_path: Path) -> None:
    narrow().save(tmp_path / "w.pth")
    assert load_weights(tmp_path / "w.pth").convention == "torchvision"
    assert load_weights(tmp_path / "w.pth", convention="caffe").convention == "caffe"
    with pytest.raises(ValueError, match="convention must be one of 'torchvision', 'caffe'; got 'bgr'"):
        load_weights(tmp_path / "w.pth", convention="bgr")  # type: ignore[arg-type]


def test_half_precision_files_are_read_in_float32(tmp_path: Path) -> None:
    torch.save({name: value.half() for name, value in narrow().parameters.items()}, tmp_path / "w.pth")
    assert {value.dtype for value in load_weights(tmp_path / "w.pth").parameters.values()} == {torch.float32}


class Unsafe:
    """What a malicious file would hold."""


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([1, 2], "must be a state dict of VGG-19; got a list. "),
        ({"layer": torch.zeros(1)}, "got one without 'features.0.weight' or 'conv1_1.weight'. "),
        (
            {"conv1_1.weight": torch.zeros(8, 4, 3, 3), "conv1_1.bias": torch.zeros(8)},
            "got features.0.weight of shape (8, 4, 3, 3) after 3 channels. ",
        ),
        (
            {"conv1_1.weight": torch.zeros(8, 3, 3, 3, dtype=torch.int64), "conv1_1.bias": torch.zeros(8)},
            "got conv1_1.weight, which is no tensor of floats. ",
        ),
        ({"conv1_1.weight": torch.zeros(8, 3, 3, 3)}, "got none for features.0.bias. "),
        (
            {"conv1_1.weight": torch.zeros(8, 3, 3, 3), "conv1_1.bias": torch.zeros(7)},
            "got one of shape (7,) for features.0.bias. ",
        ),
        ({"conv1_1.bias": torch.zeros(8)}, "got none. "),
        ({"conv1_1.weight": torch.tensor(1.0)}, "got features.0.weight of shape () after 3 channels. "),
        (
            {"conv1_1.weight": torch.full((8, 3, 3, 3), torch.nan), "conv1_1.bias": torch.zeros(8)},
            "got NaN or infinity in conv1_1. ",
        ),
        (
            {
                "features.0.weight": torch.zeros(8, 3, 3, 3),
                "features.0.bias": torch.zeros(8),
                "features.5.weight": torch.zeros(8, 8, 3, 3),
            },
            "got conv2_1 without conv1_2. ",
        ),
        (Unsafe(), "got one that cannot be read (UnpicklingError). "),
    ],
)
def test_a_file_that_is_no_state_dict_of_vgg19_is_refused(tmp_path: Path, content: object, text: str) -> None:
    path = tmp_path / "w.pth"
    torch.save(content, path)
    with pytest.raises(ValueError, match=re.escape(text)):
        load_weights(path)


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"not a weight file")
    with pytest.raises(ValueError, match=re.escape(f"weights file {tmp_path / name} must be a state dict")):
        load_weights(tmp_path / name)


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    text = (
        "weights must be a known name or an existing file; got 'imagnet'. "
        "Give one of 'vgg19', 'torchvision', 'random', or the path of a weight file."
    )
    with pytest.raises(FileNotFoundError, match=re.escape(text)):
        load_weights("imagnet")


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("imagenet", "It is called 'torchvision' now."),
        ("self-taught", "Learn them first: weights=learn_weights([picture]), or `neural-style learn PAINTING"),
    ],
)
def test_a_name_that_there_was_is_refused_with_what_to_do_now(name: str, advice: str) -> None:
    rule = "must be one of 'vgg19', 'torchvision', 'random', a path or Weights"
    for load in (load_weights, VGG19Features, lambda name: StyleTransfer(weights=name)):
        with pytest.raises(ValueError, match=f"^{re.escape(f'weights {rule}; got {name!r}. {advice}')}"):
            load(name)


def test_random_weights_are_made_not_loaded() -> None:
    with pytest.raises(FileNotFoundError, match=re.escape("Make these with random_weights().")):
        load_weights("random")
    assert StyleTransfer(weights="random", style_layers="relu1_1", content_weight=0).network.width == 1


def test_safetensors_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    with pytest.raises(ImportError, match=re.escape("pip install safetensors")):
        narrow().save(tmp_path / "w.safetensors")
    (tmp_path / "w.safetensors").write_bytes(b"")
    with pytest.raises(ImportError, match=re.escape("pip install safetensors")):
        load_weights(tmp_path / "w.safetensors")


def test_learned_filters_have_the_widths_channels_and_end_where_asked() -> None:
    weights = learn_weights([picture()], deepest="relu3_1", width=0.25)
    assert list(weights.parameters) == [
        f"features.{layer.index}.{kind}" for layer in convolutions()[:5] for kind in ("weight", "bias")
    ]
    assert [len(weights.parameters[f"features.{i}.bias"]) for i in (0, 5, 10)] == [16, 32, 64]
    assert weights.width == 0.25
    assert weights.self_taught
    assert not random_weights(width=0.25).self_taught


def test_the_same_seed_teaches_the_same_bits() -> None:
    first, same, other = (
        learn_weights([picture()], deepest="relu2_1", width=0.25, seed=seed) for seed in (1, 1, 2)
    )
    assert equal(first, same)
    assert not equal(first, other)


def test_several_pictures_teach_together() -> None:
    one = learn_weights([picture(seed=1)], deepest="relu1_1", width=0.25)
    both = learn_weights([picture(seed=1), picture(40, 24, seed=2)], deepest="relu1_1", width=0.25)
    assert not equal(one, both)


def test_a_picture_teaches_at_its_size_and_at_half_of_it() -> None:
    weights = learn_weights([picture()[0]], deepest="relu2_1", width=0.25, seed=3)
    assert equal(weights, learn_weights([picture()], deepest="relu2_1", width=0.25, seed=3))
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    both = [(image - mean) / std for image in (picture(), resize(picture(), (16, 16)))]
    expected = learn_filters(both, [[16, 16], [32]], torch.Generator().manual_seed(3))
    for layer, (weight, bias) in zip(convolutions(), expected, strict=False):
        assert torch.equal(weights.parameters[f"features.{layer.index}.weight"], weight)
        assert torch.equal(weights.parameters[f"features.{layer.index}.bias"], bias)


def test_learned_filters_make_the_same_picture_once_they_are_saved(tmp_path: Path) -> None:
    TAUGHT.save(tmp_path / "style.pth")
    photo, painting = picture(24, 32, seed=1), picture(seed=2)
    first, again = (
        StyleTransfer(weights=weights, device="cpu") for weights in (TAUGHT, tmp_path / "style.pth")
    )
    assert first.settings == again.settings == PRESETS["self-taught"]
    results = [each.run(photo, painting, size=32, iterations=2, levels=1) for each in (first, again)]
    assert torch.equal(*results)


def test_a_file_that_has_lost_its_mark_is_an_ordinary_network(tmp_path: Path) -> None:
    torch.save(TAUGHT.parameters, tmp_path / "style.pth")
    transfer = StyleTransfer(weights=tmp_path / "style.pth", device="cpu")
    assert transfer.settings == PRESETS["default"]
    transfer = StyleTransfer(weights=tmp_path / "style.pth", preset="self-taught", device="cpu")
    assert transfer.settings == PRESETS["self-taught"]


def test_random_filters_are_orthogonal_and_unbiased() -> None:
    weights = random_weights(width=0.5, seed=3)
    rows = weights.parameters["features.2.weight"].flatten(1)
    torch.testing.assert_close(rows @ rows.T, 2 * torch.eye(32), atol=1e-4, rtol=0)
    assert all(bool((v == 0).all()) for name, v in weights.parameters.items() if name.endswith("bias"))
    assert weights.width == 0.5


def test_a_width_that_is_not_offered_is_refused() -> None:
    with pytest.raises(ValueError, match=re.escape("width must be one of 1, 0.5, 0.25; got 0.3. ")):
        check_width(0.3)


def test_the_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    learn_weights([picture()], deepest="relu1_2", width=0.25)
    random_weights(width=0.25)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_source_that_is_no_name_or_path_is_refused() -> None:
    with pytest.raises(TypeError, match="weights must be a name or a path; got int"):
        load_weights(5)  # type: ignore[arg-type]


def test_named_weights_have_their_convention() -> None:
    with pytest.raises(ValueError, match="convention must be left to weights that have one; got caffe"):
        load_weights("torchvision", convention="caffe")


def test_weights_in_hand_are_checked_like_a_files() -> None:
    with pytest.raises(ValueError, match="parameters must be a state dict of VGG-19; got none"):
        Weights({})
    with pytest.raises(ValueError, match="convention must be one of 'torchvision', 'caffe'; got 'cafe'"):
        Weights(narrow().parameters, "cafe")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("images", "error", "text"),
    [
        ([], TypeError, "images must be a list of tensors; got none. Write [image]."),
        (picture(), TypeError, "images must be a list of tensors; got Tensor. Write [image]."),
        (["x.png"], TypeError, "images must be tensors of floats; got str. Read files with load_image"),
        (
            [torch.zeros(1, 3, 8, 8, dtype=torch.uint8)],
            TypeError,
            "images must be tensors of floats; got a tensor of",
        ),
        ([picture()[0, 0]], ValueError, "images must have shape (3, H, W) or (1, 3, H, W); got (32, 32). "),
        (
            [picture().expand(2, -1, -1, -1)],
            ValueError,
            "images must have shape (3, H, W) or (1, 3, H, W); got",
        ),
        ([picture() * 255], ValueError, "images values must lie in [0, 1]; got a maximum of "),
    ],
    ids=["none", "a tensor", "a path", "uint8", "two dimensions", "two at once", "0 to 255"],
)
def test_pictures_that_cannot_teach_are_refused(images: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=re.escape(text)):
        learn_weights(images)
