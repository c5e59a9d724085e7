"""The house: a file imports its own room and the rooms below, and the public list is all of `__init__`."""

from __future__ import annotations

import ast
import re
from importlib import resources
from pathlib import Path

import neural_style

ROOMS: tuple[set[str], ...] = (
    {"_checks"},
    {"images", "device", "losses", "optimizers"},
    {"network"},
    {"evaluation"},
    {"transfer"},
    {"cli"},
    {"__main__"},
)
BELOW = {room: set().union(*ROOMS[:floor]) for floor, rooms in enumerate(ROOMS) for room in rooms}
# What users choose by name.
LARGE = {("transfer/style_transfer", "__init__"), ("transfer/style_transfer", "run")}
LARGE |= {("quilting/synthesis", "synthesize"), ("quilting/transfer", "transfer_texture")}
# Beside the floors: they know nothing of the network, and only the command line knows of quilting.
BELOW["metrics"] = {"_checks", "images", "losses"}
BELOW["quilting"] = {"_checks", "images", "device"}
BELOW["cli"].add("quilting")


def sources() -> dict[str, ast.Module]:
    """Return the package's files by path within it, without suffix."""
    folder = Path(str(resources.files(neural_style)))
    paths = {path.relative_to(folder).with_suffix("").as_posix(): path for path in folder.rglob("*.py")}
    return {name: ast.parse(path.read_text("utf-8")) for name, path in paths.items() if name != "__init__"}


def imported(module: ast.Module) -> set[str]:
    """Return the package's own rooms, and modules in none, that a module imports."""
    found: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "neural_style":
            rest = (node.module or "").split(".")[1:]
            found.update(rest[:1] or (alias.name for alias in node.names))
        elif isinstance(node, ast.Import):
            found.update(a.name.split(".")[1] for a in node.names if a.name.startswith("neural_style."))
    return found


def test_every_file_is_in_a_room() -> None:
    assert {name.split("/")[0] for name in sources()} == set(BELOW)


def test_a_file_imports_its_own_room_and_rooms_below() -> None:
    for name, module in sources().items():
        room = name.split("/")[0]
        assert imported(module) <= BELOW[room] | {room}, name


def test_only_images_imports_pillow() -> None:
    for name, module in sources().items():
        imports = [node for node in ast.walk(module) if isinstance(node, ast.Import | ast.ImportFrom)]
        pillow = any(re.search(r"\bPIL\b", ast.unparse(node)) for node in imports)
        assert pillow == (name in ("images/io", "images/decoding")), name


def test_the_public_list_is_everything_that_init_names() -> None:
    public = {name for name in vars(neural_style) if not name.startswith("_")}
    assert public - set(BELOW) == set(neural_style.__all__)


def test_rooms_files_and_signatures_stay_small() -> None:
    modules = sources()
    folder = Path(str(resources.files(neural_style)))
    for room in BELOW:
        assert sum(name.split("/")[0] == room for name in modules if "__init__" not in name) <= 10, room
    for name, module in modules.items():
        lines = len((folder / f"{name}.py").read_text("utf-8").splitlines())
        assert lines <= 300, name
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef) and (name, node.name) not in LARGE:
                arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                assert len([a for a in arguments if a.arg not in ("self", "cls")]) <= 8, (name, node.name)
