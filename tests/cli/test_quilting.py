"""The commands of image quilting: pictures, options, errors."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from neural_style import cli, load_image, save_image
from neural_style.images.resizing import resize
from neural_style.quilting import synthesize, transfer_texture
from small_commands import written

Capture = pytest.CaptureFixture[str]


def quilt(words: str) -> int:
    return cli.main(["quilt", *words.split()])


def test_a_texture_is_the_librarys(capsys: Capture) -> None:
    assert quilt("texture art.png --size 50x30 --block-size 12 --overlap 4 --seed 3 --device cpu") == 0
    out, err = capsys.readouterr()
    assert re.fullmatch(r"art-quilt\.png: 50x30 pixels in \d+\.\d s\n", out)
    assert err == ""
    expected = synthesize("art.png", 30, 50, 12, overlap=4, seed=3, device="cpu")
    assert torch.equal(load_image("art-quilt.png"), expected)


def test_a_transfer_is_the_librarys(capsys: Capture) -> None:
    words = "transfer art.png photo.png --size 24 --block-size 8 --overlap 2 --passes 2 --seed 3 --device cpu"
    assert quilt(words) == 0
    assert re.fullmatch(r"photo-art-quilt\.png: 24x18 pixels in \d+\.\d s\n", capsys.readouterr().out)
    options = {"size": 24, "overlap": 2, "passes": 2, "seed": 3}
    expected = transfer_texture("art.png", "photo.png", 8, device="cpu", **options)  # type: ignore[arg-type]
    assert torch.equal(load_image("photo-art-quilt.png"), expected.mul(255).round() / 255)


def test_a_transfer_may_keep_the_targets_size() -> None:
    assert quilt("transfer art.png photo.png -o out.png --size original --passes 1 --block-size 9 --quiet") == 0
    assert load_image("out.png").shape == (3, 24, 32)


def test_only_an_enlarged_target_is_noted(capsys: Capture) -> None:
    for size, noted in ((32, False), (33, True)):
        assert quilt(f"transfer art.png photo.png -o out.png --size {size} --passes 1") == 0
        assert ("is enlarged" in capsys.readouterr().err) is noted


def test_pictures_much_larger_than_the_result_are_reduced_while_they_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[int, ...]] = []

    def resized(image: Tensor, size: tuple[int, int]) -> Tensor:
        seen.append(tuple(image.shape[-2:]))
        return resize(image, size)

    monkeypatch.setattr("neural_style.quilting.transfer.resize", resized)
    for name in ("large", "painting"):
        save_image(resize(load_image("art.png")[None], (300, 400))[0], f"{name}.png")
    assert quilt("transfer painting.png large.png --size 20 --passes 1 --block-size 9") == 0
    assert seen == [(4 * 15, 4 * 20)] * 2
    seen.clear()
    transfer_texture("painting.png", "large.png", 9, size=20, passes=1)
    assert seen == [(4 * 15, 4 * 20)] * 2


def test_quiet_says_nothing(capsys: Capture) -> None:
    assert quilt("texture art.png -o out.jpg --size 20 --block-size 9 --quiet") == 0
    assert capsys.readouterr() == ("", "")
    assert written() == {"out.jpg"}


def test_a_closed_error_stream_or_a_terminal_that_has_gone_ends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Gone(io.StringIO):
        def isatty(self) -> bool:
            return True

        def write(self, _text: str) -> int:
            raise OSError(5, "Input/output error")

    for stream in (None, Gone()):
        monkeypatch.setattr(sys, "stderr", stream)
        assert quilt("texture art.png -o out.jpg --size 20 --block-size 9") == 0


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("", "KIND"),
        ("weave art.png", "KIND"),
        ("texture", "PICTURE"),
        ("texture art.png --size 0", "--size"),
        ("texture art.png --block-size 41", "block_size"),
        ("texture art.png --block-size 1", "block_size"),
        ("texture art.png --overlap 19", "overlap"),
        ("texture art.png --block-size x", "--block-size"),
        ("texture art.png --device nowhere", "device"),
        ("texture missing.png", "missing.png"),
        ("texture art.png -o art.png", "--output"),
        ("texture art.png -o out.gif", "--output"),
        ("texture art.png --passes 2", "--passes"),
        ("transfer art.png", "TARGET"),
        ("transfer art.png photo.png -o photo.png", "--output"),
        ("transfer art.png photo.png --size 32 --passes 9", "passes"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(words: str, named: str, capsys: Capture) -> None:
    before = Path("art.png").read_bytes()
    assert quilt(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("neural-style: error: ")
    assert named in line
    assert written() == set()
    assert Path("art.png").read_bytes() == before


def test_help_lists_both_kinds(capsys: Capture) -> None:
    with pytest.raises(SystemExit):
        quilt("--help")
    assert {"texture", "transfer"} <= set(capsys.readouterr().out.split())
