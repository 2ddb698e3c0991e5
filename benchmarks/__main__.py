"""Run every benchmark and print two tables: each row is a ratio against a named reference in the same run."""

from benchmarks import (
    compilation,
    convolutions,
    feature_ensemble,
    fused_loops,
    generated_variance,
    image_training_step,
    network_ensemble,
    network_sampling,
    parametrisations,
    score_ensemble,
    special_functions,
    stable_target,
    training_step,
)
from benchmarks.timing import HEADER

COMPARED = (
    *(special_functions, generated_variance, feature_ensemble, score_ensemble, training_step, image_training_step),
    *(stable_target, network_sampling, network_ensemble, convolutions, compilation, fused_loops),
)

if __name__ == "__main__":
    print(HEADER)
    for module in COMPARED:
        for comparison in module.main():
            print(comparison.row(), flush=True)
    print(parametrisations.HEADER)
    for cost in parametrisations.main():
        print(cost.row(), flush=True)
