"""How much sooner is a quick figure done with the command line's compiler flag, and with programs compiled before?

Run `python -m benchmarks.compilation [--figure NAME]`. Each repetition computes the figure in a new process. The
reference of the first row undoes the flag through XLA_FLAGS, which prevails; figures that train networks gain nothing:
`j0_j1`, `gaussian_closure`. The reference of the second row compiles everything, as a first command does.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.timing import HEADER, Comparison, compare
from paper_repro.environment import compiled_programs

FIGURE = "lazy_networks"
DEFAULT = {"XLA_FLAGS": "--xla_cpu_use_fusion_emitters=true"}


def _run(figure: str, environment: dict[str, str]) -> None:
    command = (sys.executable, "-m", "paper_repro", "run", figure, "--preset", "quick")
    with tempfile.TemporaryDirectory() as out:
        variables = os.environ | {"XLA_FLAGS": "", "OPENBLAS_NUM_THREADS": "1"} | environment
        subprocess.run([*command, "--out", out], env=variables, check=True, capture_output=True)


def main(figure: str = FIGURE) -> list[Comparison]:
    cold, undone = partial(_run, figure, {}), partial(_run, figure, DEFAULT)
    with tempfile.TemporaryDirectory() as folder:
        kept = partial(_run, figure, compiled_programs(Path(folder)))
        return [
            compare(f"{figure}, cold", "XLA's fusion emitters", undone, cold, repetitions=1),
            compare(f"{figure}, again", "compiling everything", cold, kept, repetitions=1),
        ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--figure", default=FIGURE)
    print(HEADER, *(comparison.row() for comparison in main(parser.parse_args().figure)), sep="\n")
