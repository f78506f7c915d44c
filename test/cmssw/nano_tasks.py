"""The tasks and sequences of a release's own NanoAOD, without the rest of the release.

Reads the fragments of PhysicsTools/NanoAOD/python and runs their statements one by one. What they take from
other packages is not here: an unknown name becomes an empty module, a modifier, or a function that returns
an empty text. Statements that fail are counted; none of them may be about tasks, sequences or the tables.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

MODIFIERS = re.compile(r"(run\d|phase\d|tracker_|pp_on|peripheral|fastSim|bParking|stage2|nano)\w*")
OWN = "PhysicsTools.NanoAOD."
SCHEDULING = re.compile(
    r"cms\.(Task|Sequence)\(|\.toReplaceWith\(|Task\w*\.(copy|replace|add)\(|"
    r"^(photon|electron|jet|jetPuppi)Table = "
)


class Names(dict[str, Any]):
    """The names of all fragments together."""

    def __init__(self, cms: Any) -> None:
        super().__init__()
        self.cms = cms

    def __missing__(self, name: str) -> Any:
        if hasattr(builtins, name) or name.startswith("__"):
            raise KeyError(name)
        if name.startswith("make_"):
            self[name] = lambda *_: ""
        elif name.endswith("Var"):
            self[name] = lambda *_, **__: self.cms.PSet()
        else:
            kind = self.cms.Modifier if MODIFIERS.fullmatch(name) else lambda: self.cms.EDProducer("Unknown")
            self[name] = kind()
        return self[name]


def read_nano(cms: Any, folder: Path, modifiers: Iterable[str]) -> tuple[Any, list[str], Names]:
    """Return a process with NanoAOD's path, the statements about tasks that failed, and all names.

    Args:
        cms: FWCore.ParameterSet.Config.
        folder: the fragments; nano_cff.py among them.
        modifiers: names of the modifiers that the process uses.
    """
    names = Names(cms)
    names["cms"] = cms
    process = cms.Process("NANO")
    for name in modifiers:
        names[name]._setChosen()  # as Process does, which allows one choice per interpreter
    failed: list[str] = []
    run_fragment(folder / "nano_cff.py", names, failed, set())
    for kind in (cms._Module, cms.Task, cms.Sequence):
        for name, value in list(names.items()):
            if isinstance(value, kind) and not name.startswith("_"):
                setattr(process, name, value)
    process.nanoAOD_step = cms.Path(process.nanoSequenceMC)
    return process, failed, names


def run_fragment(path: Path, names: Names, failed: list[str], seen: set[Path]) -> None:
    """Run the statements of a fragment, those of the fragments that it imports first."""
    seen.add(path)
    text = path.read_text(encoding="utf-8")
    for statement in ast.parse(text).body:
        source = ast.get_source_segment(text, statement) or ""
        if isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith(OWN):
            other = path.with_name(statement.module.removeprefix(OWN) + ".py")
            if other.is_file() and other not in seen:
                run_fragment(other, names, failed, seen)
            continue
        if isinstance(statement, ast.FunctionDef | ast.Import | ast.ImportFrom):
            continue
        try:
            exec(compile(ast.Module([statement], []), str(path), "exec"), names)
        except Exception as error:
            if SCHEDULING.search(source):
                failed.append(f"{path.name}: {source[:100]!r}: {error!r}")
