"""What is read from networks trained on data: the power of the batch with which SGD leaks."""

import numpy as np

from figures.studies.spectral_law_on_data.statistics import leak_exponent

RANDOM = np.random.default_rng(2)


def arrays(power: float, floor: float = 0.0) -> dict[str, np.ndarray]:
    """Excesses of 1.6 B^-power, and a floor that no batch changes."""
    theory = np.geomspace(1e-4, 10, 12).reshape(4, 3)

    def networks(batch: int, seeds: int) -> np.ndarray:
        excess = floor + 1.6 * batch**-power * (1 + 0.05 * RANDOM.normal(size=(seeds, 4, 3)))
        return theory * (1 + excess)

    return {
        "batch_size": np.asarray(64),
        "small_batch_size": np.asarray(8),
        "variance_finite_steps": theory,
        "variance_trained": networks(64, 8),
        "variance_small_batch": networks(8, 6),
    }


def test_power_of_the_batch():
    for power in (0.5, 1.0):
        found = leak_exponent(arrays(power))
        assert abs(found.value - power) < 5 * found.stderr < 0.2


def test_what_does_not_fall_with_the_batch_is_no_leak():
    assert leak_exponent(arrays(1.0, floor=0.5)).value < 0.2


def test_no_excess_has_no_power():
    data = arrays(1.0)
    data["variance_trained"] = 0.9 * np.broadcast_to(data["variance_finite_steps"], (8, 4, 3))
    assert np.isnan(leak_exponent(data).value)
