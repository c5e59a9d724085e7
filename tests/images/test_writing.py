"""Image tensors to files: to the nearest of 256 levels, whole or not at all, and only where they can go."""

from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, features
from torch import Tensor

from neural_style.images.io import check_writable, load_image, save_image, to_pil


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".PNG"])
def test_an_image_survives_a_round_trip_through_an_exact_format(tmp_path: Path, suffix: str) -> None:
    image = (torch.arange(256) / 255).view(1, 1, 16, 16).repeat(1, 3, 1, 1)  # all levels
    for source in (image, image[0]):
        save_image(source, tmp_path / f"picture{suffix}")
        assert torch.equal(load_image(str(tmp_path / f"picture{suffix}")), image[0])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_to_pil_rounds_floats_of_any_width_and_strides_and_leaves_them_alone(
    dtype: torch.dtype, device: torch.device
) -> None:
    image = torch.rand(3, 70, 50, generator=torch.Generator().manual_seed(0)).to(device, dtype).mT
    before = image.clone()
    levels = np.rint(image.float().cpu().numpy() * 255).astype(np.uint8).transpose(1, 2, 0)
    assert np.array_equal(np.array(to_pil(image.requires_grad_())), levels)
    assert torch.equal(image, before)
    with pytest.raises(TypeError, match=r"^image must be a tensor"):
        to_pil(levels)


def smooth() -> Tensor:
    """A picture without noise, so that a lossy format has a chance, with edges of colour only."""
    across, down = torch.meshgrid(torch.linspace(0, 1, 48), torch.linspace(0, 1, 48), indexing="xy")
    return torch.stack([across, down, (across > 0.5).float()])


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp"])
def test_quality_changes_the_fidelity_of_a_lossy_file(tmp_path: Path, suffix: str) -> None:
    errors = []
    for quality in (30, 95):
        save_image(smooth(), tmp_path / f"lossy{suffix}", quality=quality)
        errors.append((load_image(tmp_path / f"lossy{suffix}") - smooth()).square().mean().item())
    assert errors[0] > errors[1]


def test_jpeg_keeps_colour_at_full_resolution(tmp_path: Path) -> None:
    save_image(smooth(), tmp_path / "full.jpg")
    with Image.open(tmp_path / "full.jpg") as picture:
        sampling = {layer[1:3] for layer in picture.layer}  # type: ignore[attr-defined]
    assert sampling == {(1, 1)}


@pytest.mark.parametrize(("quality", "error"), [(0, ValueError), (101, ValueError), (0.9, TypeError)])
def test_a_quality_outside_its_range_is_refused(tmp_path: Path, quality: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^quality must be"):
        save_image(smooth(), tmp_path / "image.jpg", quality=quality)
    with pytest.raises(ValueError, match=r"^image values must lie"):
        save_image(torch.full((3, 2, 2), 2.0), tmp_path / "image.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_failed_save_leaves_the_old_file_and_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(b"what was there before")

    def fail(_picture: Image.Image, file: io.BufferedWriter, *_arguments: object, **_options: object) -> None:
        file.write(b"half")
        raise error

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(error):
        save_image(smooth(), path)
    assert path.read_bytes() == b"what was there before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o000, 0o666)])
def test_a_new_file_has_the_permissions_of_any_other(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        save_image(smooth(), tmp_path / "image.png")
    finally:
        os.umask(before)
    assert (tmp_path / "image.png").stat().st_mode & 0o777 == mode


@pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")
def test_a_link_stays_a_link_and_its_target_is_replaced_and_keeps_its_permissions(tmp_path: Path) -> None:
    link, target = tmp_path / "link.png", tmp_path / "target.png"
    link.symlink_to(target)
    for permissions in (0o600, 0o640):
        target.touch()
        target.chmod(permissions)
        save_image(smooth(), link)
        assert link.is_symlink()
        assert load_image(target).shape == (3, 48, 48)
        assert target.stat().st_mode & 0o777 == permissions
    assert set(tmp_path.iterdir()) == {link, target}


def test_a_path_that_can_be_written_comes_back_and_nothing_is_left(tmp_path: Path) -> None:
    assert check_writable(str(tmp_path / "out.JPG"), size=(65500, 1)) == tmp_path / "out.JPG"
    assert check_writable(tmp_path / "out.png", size=(100000, 1)) == tmp_path / "out.png"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["out.webpp", "out", ".png"])
def test_a_suffix_that_names_no_format_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"^the suffix of path must be one of '.png', "):
        check_writable(tmp_path / name)


def test_a_path_that_cannot_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_where: object) -> None:
        raise OSError(30, "Read-only file system")

    with pytest.raises(TypeError, match=r"^out must be a path"):
        check_writable(3, argument="out")  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError, match=r"^out must lie in a folder"):
        check_writable(tmp_path / "nowhere" / "out.png", argument="out")
    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(PermissionError, match=r"^out must lie in a folder"):
        check_writable(tmp_path / "out.png", argument="out")


def test_webp_is_refused_where_pillow_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda _feature: False)
    with pytest.raises(ValueError, match=r"^path must name a format that this Pillow writes"):
        check_writable(tmp_path / "out.webp")
    assert check_writable(tmp_path / "out.png") == tmp_path / "out.png"


@pytest.mark.parametrize(("name", "limit"), [("a.webp", 16383), ("a.jpg", 65500)])
def test_a_picture_too_large_for_its_format_is_refused(tmp_path: Path, name: str, limit: int) -> None:
    path = tmp_path / name
    with pytest.raises(ValueError, match=f"^path must name a format for the picture's size.* {limit} pixels"):
        check_writable(path, size=(1, limit + 1))
    with pytest.raises(ValueError, match=r"^path must name a format for the picture's size"):
        save_image(torch.zeros(3, 1, limit + 1), path)
    save_image(torch.zeros(3, 1, limit), path)  # the limit is the encoder's own
