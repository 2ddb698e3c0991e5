"""Our packages before others of the same names: a working folder may well have a folder `figures` or `tests`."""

import sys
from importlib.util import find_spec
from pathlib import Path

OURS = ("theory", "sims", "figures")


def put_ours_first() -> None:
    """Let Python look beside this package first, where it would find one of `OURS` elsewhere.

    Processes that compute inherit the order, and the hash of the code that computed a result follows it.
    """
    home = Path(__file__).resolve().parents[1]
    if not all(_is_in(home, name) for name in OURS):
        sys.path.insert(0, str(home))


def _is_in(home: Path, package: str) -> bool:
    spec = find_spec(package)
    return spec is not None and spec.origin is not None and Path(spec.origin).resolve().is_relative_to(home)
