"""Which code a stored result came from: a hash that comments, docstrings, drawing and claims leave alone.

It covers all of `theory` and `sims`, the figure module without `draw`, `claims`, `check` and what only they
use, and every module of `figures` that the rest imports. `PRESETS` is left out where `compute` does not read
it, because the configuration itself is part of a result's address.
"""

import ast
import hashlib
import importlib.util
from collections.abc import Iterable
from functools import cache
from pathlib import Path

NOT_COMPUTING = frozenset({"draw", "claims", "check"})
NEVER_HASHED = frozenset({"figures.common.claims"})


def code_version(figure: str) -> str:
    """Hash of all code that `compute` of this figure can reach. Raises ValueError if there is no source."""
    statements = computing_statements(_parse(_source_of(f"figures.{figure}")))
    parts = [_package_hash("theory"), _package_hash("sims"), _hash_trees(statements)]
    parts += [_hash_trees([_parse(path)]) for path in _imported_figure_modules(statements)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def computing_statements(module: ast.Module) -> list[ast.stmt]:
    """Top-level statements of a figure module without those that only drawing, claims and checks use."""
    named = {s for s in module.body if _bound_names(s) and _bound_names(s) <= NOT_COMPUTING}
    dropped = {s for s in named if not _used_by(s, [other for other in module.body if other not in named])}
    while True:
        kept = [s for s in module.body if s not in dropped]
        only_dropped = {s for s in kept if _used_by(s, dropped) and not _used_by(s, kept)}
        if not only_dropped:
            break
        dropped |= only_dropped
    return [s for s in kept if _bound_names(s) != {"PRESETS"} or _used_by(s, kept)]


def _used_by(statement: ast.stmt, others: Iterable[ast.stmt]) -> bool:
    names = _bound_names(statement)
    return any(names & _mentioned_names(other) for other in others if other is not statement)


def _bound_names(statement: ast.stmt) -> set[str]:
    """Names that a top-level statement defines; empty for one that acts on something else."""
    match statement:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return {(alias.asname or alias.name).split(".")[0] for alias in names}
        case ast.Assign(targets=targets):
            stored = [node for target in targets for node in ast.walk(target)]
        case ast.AnnAssign(target=target):
            stored = list(ast.walk(target))
        case _:
            return set()
    return {node.id for node in stored if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


@cache
def _mentioned_names(statement: ast.stmt) -> set[str]:
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}


def _imported_figure_modules(statements: Iterable[ast.AST]) -> list[Path]:
    """Files of the modules of `figures` that these statements import, directly or through one another."""
    found: dict[str, Path] = {}
    todo = list(statements)
    while todo:
        for name in _imports(todo.pop()) - found.keys() - NEVER_HASHED:
            spec = importlib.util.find_spec(name)
            if spec is not None and spec.origin is not None:
                found[name] = Path(spec.origin)
                todo.append(_parse(found[name]))
    return [found[name] for name in sorted(found)]


def _imports(tree: ast.AST) -> set[str]:
    """`figures.x` for each way of importing the module x of `figures`."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = "figures" if node.level == 1 else ""
            base = ".".join(part for part in (package, node.module) if part)
            names |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return {name for name in names if name.startswith("figures.") and name.count(".") == 1}


@cache
def _package_hash(package: str) -> str:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        raise ValueError(f"the package {package} is not installed")
    roots = [Path(location) for location in spec.submodule_search_locations]
    files = sorted((path.relative_to(root).as_posix(), path) for root in roots for path in root.rglob("*.py"))
    return "\n".join(f"{name} {_hash_trees([_parse(path)])}" for name, path in files)


def _source_of(module: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ValueError(f"the module {module} has no source file")
    return Path(spec.origin)


def _parse(path: Path) -> ast.Module:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [statement for statement in node.body if not _is_text(statement)]
    return tree


def _is_text(statement: ast.stmt) -> bool:
    """Whether this is a docstring, or any other string that stands alone."""
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _hash_trees(trees: Iterable[ast.AST]) -> str:
    return hashlib.sha256("\n".join(ast.dump(tree) for tree in trees).encode()).hexdigest()
