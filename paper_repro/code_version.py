"""Which code a stored result came from: a hash that comments, docstrings, claims and drawings leave alone.

It covers the import closure of a figure's `experiment` in our packages: the modules that it imports, those that they
import, and so on, however and wherever in a file that is written. Package `__init__` files hold docstrings and lazy
re-exports only and are no part of it, so a name must be imported from the module that defines it. `PRESETS` is left
out where nothing else in the experiment reads it, because the configuration is part of a result's address.
"""

import ast
import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGES = ("theory", "sims", "figures")  # and the one that a figure is in, where it is none of these


def code_version(package: str) -> str:
    """Hash of all code that the experiment of the figure in this package can reach.

    Raises ValueError for an import whose code cannot be found, or that goes through a package's `__init__`.
    """
    return module_version(f"{package}.experiment")


def module_version(module: str) -> str:
    """Hash of all code that a module can reach, but for the module's own `PRESETS`. Raises as `code_version`."""
    sources = closure(module)
    hashes = {name: source.digest for name, source in sources.items()}
    hashes[module] = sources[module].digest_without_presets
    return hashlib.sha256("\n".join(f"{name} {hashes[name]}" for name in sorted(hashes)).encode()).hexdigest()


@dataclass(frozen=True)
class Source:
    """What is kept of a module's file."""

    name: str
    digest: str
    digest_without_presets: str
    imports: tuple[str, ...]  # modules of ours, without packages


def closure(module: str) -> dict[str, Source]:
    """The modules of ours that a module imports, at any depth, and itself. Raises as `code_version`."""
    ours = frozenset({*PACKAGES, module.partition(".")[0]})
    found: dict[str, Source] = {}
    todo = [module]
    while todo:
        name = todo.pop()
        if name not in found:
            found[name] = _source(name, ours)
            todo += found[name].imports
    return found


def _source(name: str, ours: frozenset[str]) -> Source:
    """Read once for as long as the file stays as it is: figures share most of their modules."""
    path = _file(name)
    if path is None:
        raise ValueError(f"the module {name} does not exist")
    status = os.stat(path)
    return _read(name, ours, path, status.st_mtime_ns, status.st_size)


@cache
def _read(name: str, ours: frozenset[str], path: str, *_: int) -> Source:
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [statement for statement in node.body if not _is_text(statement)]
    imports = tuple(
        _defining_module(module, imported, name)
        for module, imported in _imports(tree, name.rpartition(".")[0])
        if module.partition(".")[0] in ours
    )
    digest, rest = _hash(tree.body), _without_presets(tree.body)
    return Source(name, digest, digest if rest is tree.body else _hash(rest), imports)


def _defining_module(module: str, name: str | None, importer: str) -> str:
    """The module, not a package, that `import module` or `from module import name` executes.

    Raises ValueError where there is none.
    """
    if name is not None and _file(f"{module}.{name}") is not None:
        return f"{module}.{name}"
    if _file(module) is not None:
        return module
    what = module if name is None else f"{name} from {module}"
    if not any(os.path.isdir(place) for place in _places(module)):
        raise ValueError(f"{importer} imports {what}, which does not exist")
    raise ValueError(f"{importer} must import from the module that defines a name; got {what}, which is a package")


def _file(module: str) -> str | None:
    """The file of a module; None where there is none, as for a package."""
    return next((f"{place}.py" for place in _places(module) if os.path.isfile(f"{place}.py")), None)


def _places(module: str) -> list[str]:
    """Where a module or package may be, without a suffix."""
    root, *parts = module.split(".")
    return [os.path.join(folder, *parts) for folder in _folders(root, tuple(sys.path))]


@cache
def _folders(package: str, _: tuple[str, ...]) -> list[str]:
    spec = importlib.util.find_spec(package)
    return [] if spec is None else list(spec.submodule_search_locations or [])


def _is_text(statement: ast.stmt) -> bool:
    """Whether this is a docstring, or any other string that stands alone."""
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _without_presets(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements without `PRESETS`; the same list where there is none, or where another statement reads it."""
    rest = [statement for statement in body if not _defines_presets(statement)]
    if len(rest) == len(body):
        return body
    read = {node.id for statement in rest for node in ast.walk(statement) if isinstance(node, ast.Name)}
    return body if "PRESETS" in read else rest


def _defines_presets(statement: ast.stmt) -> bool:
    match statement:
        case ast.Assign(targets=[ast.Name(id="PRESETS")]) | ast.AnnAssign(target=ast.Name(id="PRESETS")):
            return True
    return False


def _imports(tree: ast.Module, package: str) -> Iterator[tuple[str, str | None]]:
    """`(module, None)` for each `import module`, `(module, name)` for each name of `from module import name`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:  # one dot is the package itself, each further dot the one around it
                around = package.split(".")[: 1 - node.level or None]
                base = ".".join([*around, *([node.module] if node.module else [])])
            yield from ((base, alias.name) for alias in node.names)


def _hash(statements: list[ast.stmt]) -> str:
    return hashlib.sha256("\n".join(ast.dump(statement) for statement in statements).encode()).hexdigest()
