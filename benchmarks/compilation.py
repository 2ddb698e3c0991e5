"""How much sooner is a quick figure done with the command line's compiler flag than with XLA's default?

Run `python -m benchmarks.compilation [--figure NAME]`. Each repetition computes the figure in a new process, with
nothing compiled; the reference undoes the flag through XLA_FLAGS, which prevails. Figures that train networks gain
nothing: `j0_j1`, `gaussian_closure`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from functools import partial

from benchmarks.timing import HEADER, Comparison, compare

FIGURE = "lazy_networks"
DEFAULT = "--xla_cpu_use_fusion_emitters=true"


def _run(figure: str, flags: str) -> None:
    command = (sys.executable, "-m", "paper_repro", "run", figure, "--preset", "quick")
    with tempfile.TemporaryDirectory() as out:
        environment = os.environ | {"XLA_FLAGS": flags, "OPENBLAS_NUM_THREADS": "1"}
        subprocess.run([*command, "--out", out], env=environment, check=True, capture_output=True)


def main(figure: str = FIGURE) -> list[Comparison]:
    return [
        compare(
            f"{figure}, cold",
            "XLA's fusion emitters",
            partial(_run, figure, DEFAULT),
            partial(_run, figure, ""),
            repetitions=1,
        )
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--figure", default=FIGURE)
    print(HEADER, *(comparison.row() for comparison in main(parser.parse_args().figure)), sep="\n")
