"""The house's floors: imports go only downward, and the public list is the whole of `__init__`."""

from __future__ import annotations

import ast
import re
from importlib import resources
from pathlib import Path

import neural_style

FLOORS: tuple[tuple[str, ...], ...] = (
    ("_checks", "_shared", "winograd", "variation"),
    ("allocation", "sums", "resizing"),
    ("vgg19", "losses", "color", "lbfgs", "image_io", "self_taught", "hardware", "memory"),
    ("packaged_vgg19",),
    ("weights", "steps", "starts", "convolution", "ranks", "metrics"),
    ("optimizers",),
    ("features", "style_statistics"),
    ("activation_means",),
    ("pyramid", "grid"),
    ("share", "guidance"),
    ("objective",),
    ("costs",),
    ("recording", "bounded", "budget", "distributed", "styles"),
    ("presets", "descent", "estimate", "evaluator"),
    ("sizes",),
    ("inputs",),
    ("fingerprints",),
    ("transfer",),
    ("demo", "progress", "reconstruction", "style_files"),
    ("arguments", "messages"),
    ("typed_transfer",),
    ("batch",),
    ("cli",),
    ("__main__",),
)
GROUND = FLOORS[2]


def sources() -> dict[str, ast.Module]:
    folder = Path(str(resources.files(neural_style)))
    return {path.stem: ast.parse(path.read_text("utf-8")) for path in folder.glob("*.py")}


def imported(module: ast.Module) -> set[str]:
    """Return the package's own modules that a module imports."""
    found: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("neural_style"):
            rest = (node.module or "").split(".")[1:]
            found.update(rest[:1] or (alias.name for alias in node.names))
        elif isinstance(node, ast.Import):
            found.update(a.name.split(".")[1] for a in node.names if a.name.startswith("neural_style."))
    return found


def test_every_module_has_a_floor() -> None:
    assert set(sources()) - {"__init__"} == {name for floor in FLOORS for name in floor}


def test_imports_go_only_downward() -> None:
    height = {name: level for level, floor in enumerate(FLOORS) for name in floor}
    for name, module in sources().items():
        if name != "__init__":
            for other in imported(module):
                assert height[other] < height[name], f"{name} imports {other}"


def test_only_image_io_imports_pillow() -> None:
    for name, module in sources().items():
        imports = [node for node in ast.walk(module) if isinstance(node, ast.Import | ast.ImportFrom)]
        pillow = any(re.search(r"\bPIL\b", ast.unparse(node)) for node in imports)
        assert pillow == (name == "image_io"), name


def test_the_public_list_is_everything_that_init_names() -> None:
    public = {name for name in vars(neural_style) if not name.startswith("_")}
    modules = set(sources())
    assert public - modules == set(neural_style.__all__)
