"""Prints `docs/precision.md`."""

from tests.theory.precision.table import page

if __name__ == "__main__":
    print(page(), end="")
