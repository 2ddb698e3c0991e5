"""Verdicts of `xu2023_training`, from errors whose ratios are known."""

import numpy as np

from figures.xu2023.training.claims import claims
from figures.xu2023.training.statistics import log_ratio, log_ratio_at

RANDOM = np.random.default_rng(5)
LEVELS, STEPS, MODELS = np.geomspace(0.03, 6, 4), np.array([0, 10, 60, 100]), 8
LEFT = np.array([1.0, 0.95, 0.3, 0.01])  # of the target's variance


def arrays(shared=(1.0, 1.0, 0.7, 0.5), own=None, double=0.6, large=0.3):
    """Errors relative to those of denoising score matching, late in training; before it all are as good."""
    base = np.outer([8.0, 3.0, 1.0, 0.5], [2.0, 1.5, 1.0, 0.7])
    chance = 1 + 0.1 * RANDOM.normal(size=(MODELS, 1, 1))

    def errors(ratio) -> np.ndarray:
        ratios = np.ones((4, 4))
        ratios[2:] = ratio
        return base * ratios * chance * (1 + 0.01 * RANDOM.normal(size=(MODELS, 4, 4)))

    kinds = {"DSM": 1.0, "shared": shared, "own": shared if own is None else own, "double": double, "large": large}
    return {
        "levels": LEVELS,
        "steps": STEPS,
        "batch_size": np.asarray(32),
        "references": np.asarray(128),
        "variance": np.stack([np.ones(4), LEFT]),
        "exact_loss": np.ones(4),
        **{f"error_{name}": errors(np.asarray(ratio)) for name, ratio in kinds.items()},
    }


def verdicts(**changes):
    return {claim.name.partition(": ")[2]: claim.verdict for claim in claims(arrays(**changes))}


def test_ratios_are_those_of_late_errors():
    data = arrays()
    found = log_ratio_at(data, "shared", "DSM", np.array([False, False, True, True]))
    np.testing.assert_allclose(found.value, np.log([0.7, 0.5]).mean(), atol=0.02)
    late, weight = np.array([1.0, 0.5]), np.array([2.0, 1.5, 1.0, 0.7])
    ratio = np.outer(late, weight * [1, 1, 0.7, 0.5]).mean() / np.outer(late, weight).mean()
    np.testing.assert_allclose(log_ratio(data, "shared", "DSM").value, np.log(ratio), atol=0.02)


def test_what_is_as_stated_holds():
    assert set(verdicts().values()) == {"holds"}


def test_what_is_not_differs():
    assert verdicts(shared=1.3)["better than without"] == "differs"
    assert verdicts(own=0.5)["as good as their own"] == "differs"
    assert verdicts(double=0.95)["twice the batch is better"] == "differs"
    assert verdicts(large=0.95)["a batch of 128 is better"] == "differs"
    assert verdicts(shared=(0.5, 0.5, 1.2, 1.2))["where they take over half of the variance"] == "differs"
    assert verdicts(shared=(0.5, 0.5, 1.0, 1.0))["where they take next to nothing"] == "differs"
