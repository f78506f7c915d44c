"""No module imports from a room to its right, and no two modules import each other."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PYTHON = Path(__file__).resolve().parents[1] / "python"
PACKAGE = "RecoE2E.ParticleViT"
FLOORS = (
    ("errors", "files", "artefacts", "run_folder", "auc", "progress"),
    ("geometry", "recipe", "report"),
    ("store",),
    ("simulation", "ingest"),
    ("exploration", "streaming"),
    ("models",),
    ("training",),
    ("inference",),
    ("evaluation", "deployment", "explanation"),
    ("commands",),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
EVERYBODY = FLOORS[0]


def module_name(path: Path) -> str:
    parts = path.relative_to(PYTHON).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    module_name(path): path
    for path in sorted(PYTHON.rglob("*.py"))
    if not path.name.endswith(("_cfi.py", "_cff.py")) and path != PYTHON / "__init__.py"
}


def imports(name: str) -> dict[str, bool]:
    """Return the modules of the package that a module imports, and whether it does so when it is imported."""
    path = MODULES[name]
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    at_import = {id(node) for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)}
    for node in ast.walk(tree):
        is_checking = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        if is_checking or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            at_import -= {id(child) for child in ast.walk(node)}
    found: dict[str, bool] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for target in targets(node, package):
                found[target] = found.get(target, False) or id(node) in at_import
    return found


def targets(node: ast.ImportFrom, package: list[str]) -> list[str]:
    """Return the modules of the package that a statement `from X import Y` names."""
    if node.level:
        base = [*package[: len(package) - node.level + 1], *filter(None, (node.module or "").split("."))]
    elif (node.module or "").startswith(PACKAGE):
        base = (node.module or "").split(".")[2:]
    else:
        return []
    names = [".".join([*base, alias.name]) for alias in node.names]
    return [name if name in MODULES else ".".join(base) for name in names]


def test_every_module_stands_in_a_room():
    assert {name.split(".")[0] for name in MODULES} == set(FLOOR)


@pytest.mark.parametrize("name", MODULES)
def test_imports_go_to_the_left(name):
    room = name.split(".")[0]
    for target in imports(name):
        other = target.split(".")[0]
        if other != room and other not in EVERYBODY:
            assert FLOOR[other] < FLOOR[room], f"{name} imports {target}"
        if other != room and room in EVERYBODY:
            assert other in ("errors", "files"), f"{name} is everybody's and imports {target}"


def test_no_cycle_between_modules():
    graph = {
        name: {target for target, at_import in imports(name).items() if at_import and target in MODULES}
        for name in MODULES
    }
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join([*path[path.index(name) :], name])
        if name not in done:
            for target in graph[name]:
                visit(target, (*path, name))
            done.add(name)

    for name in MODULES:
        visit(name, ())
