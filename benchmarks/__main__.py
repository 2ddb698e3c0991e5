"""Run every benchmark and print two tables: each row is a ratio against a named reference in the same run."""

from benchmarks import (
    compilation,
    feature_ensemble,
    generated_variance,
    parametrizations,
    score_ensemble,
    special_functions,
)
from benchmarks.timing import HEADER

if __name__ == "__main__":
    print(HEADER)
    for module in (special_functions, generated_variance, feature_ensemble, score_ensemble, compilation):
        for comparison in module.main():
            print(comparison.row(), flush=True)
    print(parametrizations.HEADER)
    for cost in parametrizations.main():
        print(cost.row(), flush=True)
