"""The paper's figures: a trial of the script that makes them all, and the numbers that they are judged by."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import make_figures
from figures.distances import is_monotone
from figures.page import LARGEST, page, read_record
from neural_style import load_image

NAMES = [figure.name for figure in make_figures.FIGURES]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a trial."""
    folder = tmp_path_factory.mktemp("figures")
    assert make_figures.main(["--quick", "--output", str(folder)]) == 0
    return folder


def test_one_command_makes_every_figure_and_a_page_that_shows_it(folder: Path) -> None:
    text = (folder / "figures.md").read_text("utf-8")
    records = json.loads((folder / "figures" / "figures.json").read_text("utf-8"))
    assert sorted(records) == sorted(NAMES)
    for name, record in records.items():
        path = folder / "figures" / f"{name}.jpg"
        assert path.stat().st_size <= LARGEST
        assert list(load_image(path).shape[1:]) == record["size"]
        assert f"](figures/{name}.jpg)" in text


def test_a_caption_names_settings_pictures_time_and_versions(folder: Path) -> None:
    sections = (folder / "figures.md").read_text("utf-8").split("\n## ")[1:]
    assert len(sections) == len(NAMES)
    for section in sections:
        for part in ("48 px, 2 iterations", "seed", "drawn", " s on ", f"torch {torch.__version__}"):
            assert part in section
        assert "**The paper claims.**" in section
        assert "**Ours shows.**" in section


def test_a_second_run_makes_the_same_pixels(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert make_figures.main(["--quick", "--check", "--output", str(folder)]) == 0
    assert capsys.readouterr().out.count("the same pixels") == len(NAMES)


def test_a_check_fails_where_a_pixel_differs_and_writes_nothing(folder: Path, tmp_path: Path) -> None:
    name = "scales"
    record = json.loads((folder / "figures" / "figures.json").read_text("utf-8"))[name] | {"sha256": "0"}
    (tmp_path / "figures").mkdir()
    known = tmp_path / "figures" / "figures.json"
    known.write_text(json.dumps({name: record}), encoding="utf-8")
    before = known.read_bytes()
    assert make_figures.main(["--quick", "--check", "--only", name, "--output", str(tmp_path)]) == 1
    assert known.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["figures"]


def test_the_documentation_has_every_figure_and_they_show_what_they_must() -> None:
    records = read_record(make_figures.DOCS)
    assert sorted(records) == sorted(NAMES)
    assert (make_figures.DOCS / "figures.md").read_text("utf-8") == page(make_figures.FIGURES, records)
    assert sum(record["seconds"] for record in records.values()) < 45 * 60
    assert records["alpha-beta"]["measured"]["monotone"]
    pairs = records["content-layers"]["measured"]["by_pair"].values()
    assert all(pair["conv2_2"]["edges"] > pair["conv4_2"]["edges"] for pair in pairs)


def test_a_row_is_monotone_only_if_every_step_goes_one_way() -> None:
    assert is_monotone([1, 2, 3])
    assert not is_monotone([1, 2, 2])
    assert is_monotone([3, 2, 1], falling=True)
    assert not is_monotone([3, 1, 2], falling=True)
