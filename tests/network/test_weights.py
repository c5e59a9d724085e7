"""Weights from torchvision's cache and from files; what is refused, and what is kept in a file."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch
from torchvision.models import VGG19_Weights, vgg19

from narrow import RANDOM, TAUGHT, equal
from neural_style import StyleTransfer, VGG19Features, load_weights
from neural_style.network.vgg19 import convolutions
from neural_style.network.weights import Weights, WeightsUnavailableError
from neural_style.transfer.presets import PRESETS

TORCHVISIONS_FILE = Path(VGG19_Weights.IMAGENET1K_V1.url).name


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
    assert (weights.convention, weights.width, len(weights.parameters)) == ("torchvision", 1.0, 32)
    assert all(torch.equal(value, state[name]) for name, value in weights.parameters.items())


@pytest.mark.parametrize("damaged", [False, True])
def test_torchvisions_weights_that_are_unavailable_are_an_error_that_names_their_file(
    damaged: bool, torch_home: Path
) -> None:
    if damaged:
        (torch_home / TORCHVISIONS_FILE).write_bytes(b"")
    with pytest.raises(WeightsUnavailableError, match=re.escape(str(torch_home / TORCHVISIONS_FILE))):
        load_weights("torchvision")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_saved_weights_load_again_as_what_they_are(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"w{suffix}"
    for weights in (RANDOM, Weights(RANDOM.parameters, "caffe"), Weights(RANDOM.parameters, self_taught=True)):
        weights.save(path)
        for again in (load_weights(path), load_weights(str(path))):
            assert (again.convention, again.self_taught) == (weights.convention, weights.self_taught)
            assert equal(again, weights)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_caffes_naming_is_recognised_with_its_convention(tmp_path: Path) -> None:
    caffe = {
        f"{layer.name}.{part}": RANDOM.parameters[f"features.{layer.index}.{part}"].half().float()
        for layer in convolutions()
        for part in ("weight", "bias")
    }
    torch.save({name: value.half() for name, value in caffe.items()}, tmp_path / "w.pth")
    weights = load_weights(tmp_path / "w.pth")
    assert weights.convention == "caffe"
    assert list(weights.parameters) == list(RANDOM.parameters)
    for value, expected in zip(weights.parameters.values(), caffe.values(), strict=True):
        assert torch.equal(value, expected)  # in float32
    assert load_weights(tmp_path / "w.pth", convention="torchvision").convention == "torchvision"


def test_caffes_convention_can_be_asked_for_under_torchvisions_names(tmp_path: Path) -> None:
    RANDOM.save(tmp_path / "w.pth")
    assert load_weights(tmp_path / "w.pth", convention="caffe").convention == "caffe"
    with pytest.raises(ValueError, match=r"^convention must"):
        load_weights(tmp_path / "w.pth", convention="bgr")  # type: ignore[arg-type]
    for weights in ("torchvision", "vgg19", "random", RANDOM):
        with pytest.raises(ValueError, match=r"^convention must"):
            StyleTransfer(weights=weights, convention="caffe")


def test_saved_filters_bring_their_settings_and_make_the_same_picture(tmp_path: Path) -> None:
    TAUGHT.save(tmp_path / "style.pth")
    photo, painting = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    transfers = [StyleTransfer(weights=weights, device="cpu") for weights in (TAUGHT, tmp_path / "style.pth")]
    assert [transfer.settings for transfer in transfers] == [PRESETS["self-taught"]] * 2
    results = [transfer.run(photo, painting, size=32, iterations=2, levels=1) for transfer in transfers]
    assert torch.equal(*results)


class Unsafe:
    """What a malicious file would hold."""


FILTERS, OFFSETS = torch.zeros(8, 3, 3, 3), torch.zeros(8)


@pytest.mark.parametrize(
    ("content", "got"),
    [
        ([1, 2], "a list"),
        ({"layer": OFFSETS}, "one without 'features.0.weight'"),
        ({"conv1_1.weight": torch.zeros(8, 4, 3, 3), "conv1_1.bias": OFFSETS}, "features.0.weight of shape"),
        ({"conv1_1.weight": FILTERS.long(), "conv1_1.bias": OFFSETS}, "conv1_1.weight"),
        ({"conv1_1.weight": FILTERS}, "none for features.0.bias"),
        ({"conv1_1.weight": FILTERS, "conv1_1.bias": torch.zeros(7)}, "one of shape (7,)"),
        ({"conv1_1.weight": torch.tensor(1.0)}, "features.0.weight of shape ()"),
        ({"conv1_1.weight": FILTERS + torch.nan, "conv1_1.bias": OFFSETS}, "NaN or infinity in conv1_1"),
        (
            {"features.0.weight": FILTERS, "features.0.bias": OFFSETS, "features.5.weight": FILTERS},
            "conv2_1 without conv1_2",
        ),
        (Unsafe(), "one that cannot be read (UnpicklingError)"),
    ],
)
def test_a_file_that_is_no_state_dict_of_vgg19_is_refused(tmp_path: Path, content: object, got: str) -> None:
    path = tmp_path / "w.pth"
    torch.save(content, path)
    with pytest.raises(ValueError, match=rf"^weights file .*w\.pth must .*; got {re.escape(got)}"):
        load_weights(path)


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"not a weight file")
    with pytest.raises(ValueError, match=rf"^weights file .*{name} must"):
        load_weights(tmp_path / name)


def test_safetensors_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    (tmp_path / "w.safetensors").write_bytes(b"")
    for act in (RANDOM.save, load_weights):
        with pytest.raises(ImportError, match="pip install safetensors"):
            act(tmp_path / "w.safetensors")


@pytest.mark.parametrize(
    ("name", "error", "advice"),
    [
        ("imagnet", FileNotFoundError, "'vgg19', 'torchvision', 'random'"),
        (3, TypeError, "'vgg19', 'torchvision', 'random'"),
    ],
)
def test_an_unknown_name_is_refused_with_those_there_are(
    name: Any, error: type[Exception], advice: str
) -> None:
    for load in (load_weights, VGG19Features, lambda name: StyleTransfer(weights=name)):
        with pytest.raises(error, match=f"^weights must.*{advice}"):
            load(name)


def test_random_weights_are_made_not_loaded() -> None:
    with pytest.raises(FileNotFoundError, match=r"random_weights\(\)"):
        load_weights("random")
    assert StyleTransfer(weights="random", style_layers="relu1_1", content_weight=0).network.width == 1


def test_weights_in_hand_are_checked_like_a_files() -> None:
    with pytest.raises(ValueError, match=r"^parameters must"):
        Weights({})
    with pytest.raises(ValueError, match=r"^convention must"):
        Weights(RANDOM.parameters, "cafe")  # type: ignore[arg-type]
