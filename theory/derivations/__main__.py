"""Check the derivations: `python -m theory.derivations` checks all, with NAME it checks and prints one.

The exit code is 0 if every proof holds, 1 if one fails or cannot be written, 2 for an unknown name.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence

import jax

from theory.derivations.derivation import Derivation
from theory.derivations.table import NAMES, get

TOLERANCE = 1e-8  # of formula against the package's own function, in float64


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; `arguments` are those after the program's name. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m theory.derivations", description="Check the derivations.")
    parser.add_argument("name", nargs="?", help="one derivation to check and print; all are checked without it")
    name = parser.parse_args(arguments).name
    try:
        chosen = [get(each) for each in (NAMES if name is None else (name,))]
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    jax.config.update("jax_enable_x64", True)
    return _check_all(chosen) if name is None else _show(chosen[0])


def _check_all(derivations: Sequence[Derivation]) -> int:
    width = max(len(derivation.name) for derivation in derivations)
    print(f"{'derivation':{width}}  {'proof':9}  {'difference':>10}  {'seconds':>7}  source")
    begin, failed = time.perf_counter(), 0
    for derivation in derivations:
        start = time.perf_counter()
        failures, discrepancy = derivation.failures(), derivation.discrepancy()
        seconds = time.perf_counter() - start
        wrong = bool(failures) or not _agrees(discrepancy)
        failed += wrong
        proof = "FAILS" if failures else f"{len(derivation.steps)} steps"
        difference = "-" if discrepancy is None else f"{discrepancy:.1e}"
        print(f"{derivation.name:{width}}  {proof:9}  {difference:>10}  {seconds:7.2f}  {derivation.source}")
        for step in failures:
            print(f"    not zero: {step.text} {step.residual}")
    print(f"\n{len(derivations) - failed} of {len(derivations)} hold ({time.perf_counter() - begin:.0f} s).")
    print("difference: largest relative difference between formula and the package's function on random points")
    _print_misprints(derivations)
    return int(failed > 0)


def _print_misprints(derivations: Sequence[Derivation]) -> None:
    print(f"\n{'printed':>12}  {'corrected':>12}  misprint")
    for derivation in derivations:
        if derivation.misprint is not None:
            printed, corrected, _ = derivation.misprint.values()
            print(f"{printed:12.5g}  {corrected:12.5g}  {derivation.source}: {derivation.misprint.note}")


def _show(derivation: Derivation) -> int:
    failures, discrepancy = derivation.failures(), derivation.discrepancy()
    wrong = {step.text for step in failures}
    print(f"{derivation.title} ({derivation.source})\n\n{derivation.statement}\n")
    for number, step in enumerate(derivation.steps, start=1):
        print(f"{number:3}. [{'FAILS' if step.text in wrong else 'zero'}] {step.text}")
    if discrepancy is not None:
        print(f"\nFormula against the package's function on random points: {discrepancy:.1e}")
    if derivation.misprint is not None:
        _print_misprints([derivation])
    print(f"\n{derivation.latex()}")
    return int(bool(failures) or not _agrees(discrepancy))


def _agrees(discrepancy: float | None) -> bool:
    return discrepancy is None or discrepancy <= TOLERANCE


def _run() -> int:
    """`main` where standard output may be closed, full, have no reader, or not know the letters."""
    if sys.stdout is None:
        return main()
    sys.stdout.reconfigure(errors="backslashreplace")  # pyright: ignore[reportAttributeAccessIssue]
    try:
        code = main()
        sys.stdout.flush()
    except OSError as error:
        # Python would complain once more of what is left to write.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return 0
        print(f"error: cannot write to standard output: {error.strerror}", file=sys.stderr)
        return 1
    return code


if __name__ == "__main__":
    sys.exit(_run())
