"""Only a file that the command line names is replaced."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
import torch

from neural_style import cli, load_image
from neural_style.cli.output_files import save_picture
from neural_style.transfer import StyleTransfer
from small_commands import written


@pytest.mark.usefixtures("recorder")
@pytest.mark.parametrize(
    ("words", "name", "new"),
    [
        ("stylize photo.png art.png", "photo-art.png", "photo-art-2.png"),
        ("texture art.png", "art-texture.png", "art-texture-2.png"),
        ("reconstruct photo.png relu1_1", "photo-relu1_1.png", "photo-relu1_1-2.png"),
        ("quilt texture art.png --size 20 --block-size 9", "art-quilt.png", "art-quilt-2.png"),
        ("demo", "demo.png", "demo-2.png"),
        ("demo", "demo-sheet.png", "demo-sheet-2.png"),
        ("demo -o cat.png", "cat-sheet.png", "cat-sheet-2.png"),
    ],
)
@pytest.mark.parametrize("there", [True, False])
def test_a_file_that_the_command_line_does_not_name_stays(
    words: str, name: str, new: str, there: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    if there:
        Path(name).write_text("of the user's")
    else:
        Path(name).symlink_to("elsewhere.png")
    assert cli.main(words.split()) == 0
    assert Path(name).read_text() == "of the user's" if there else Path(name).is_symlink()
    assert f"{new}: " in capsys.readouterr().out
    assert max(load_image(new).shape) > 3


def test_a_file_that_another_command_writes_meanwhile_stays(recorder: Any, monkeypatch: Any) -> None:
    @functools.wraps(StyleTransfer.run)
    def run(*arguments: Any, **options: Any) -> torch.Tensor:
        Path("photo-art.png").write_text("of another command")
        return recorded(*arguments, **options)

    recorded = StyleTransfer.run
    monkeypatch.setattr(StyleTransfer, "run", run)
    assert cli.main(["stylize", "photo.png", "art.png"]) == 0
    assert len(recorder.ran) == 1
    assert Path("photo-art.png").read_text() == "of another command"
    assert load_image("photo-art-2.png").shape[0] == 3


@pytest.mark.usefixtures("recorder")
def test_a_file_that_the_command_line_names_is_replaced() -> None:
    for _ in range(2):
        assert cli.main(["stylize", "photo.png", "art.png", "-o", "photo-art.png", "--quiet"]) == 0
    assert written() == {"photo-art.png"}


def test_a_picture_that_cannot_be_written_leaves_no_empty_file() -> None:
    with pytest.raises(ValueError, match=r"^image values must"):
        save_picture(torch.full((3, 4, 4), 2.0), Path("out.png"), named=False)
    assert written() == set()
