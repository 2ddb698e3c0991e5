"""How many times faster than SciPy is the generated variance of 3072 modes (a 32×32 colour image) at 1000 times?

Run `python -m benchmarks.generated_variance`. The reference is Prop. 4.2 written with `scipy.special.exp1` and NumPy,
the terms that depend on time alone evaluated once per time.
"""

import jax
import numpy as np
from scipy.special import exp1

from benchmarks.timing import HEADER, Comparison, compare
from theory.definitions.processes import EDM
from theory.definitions.spectra import Spectrum
from theory.spectral_law.generation import generated_variance
from theory.spectral_law.parametrisations.one_layer import OneLayer
from theory.spectral_law.parametrisations.symmetric_two_layer import SymmetricTwoLayer

MODES, TIMES = 3072, 1000
REPETITIONS = 7


def scipy_one_layer(variance: np.ndarray, tau: np.ndarray, gain: float, low: float, high: float) -> np.ndarray:
    """λ̃ of the one-layer denoiser with η = 1; `low` and `high` are σ_0² and σ_T²."""
    rate = 2 * tau[:, None]
    learned = (
        np.log((variance + low) / (variance + high)) + exp1(rate * (variance + low)) - exp1(rate * (variance + high))
    )
    untrained = exp1(rate * low) - exp1(rate * high)
    return np.exp(np.log(high) + learned - (1 - gain) * np.exp(-rate * variance) * untrained)


def numpy_two_layer(variance: np.ndarray, tau: np.ndarray, gain: float, low: float, high: float) -> np.ndarray:
    """λ̃ of the tied two-layer denoiser with η = 1."""
    decay = np.exp(-8 * tau[:, None] * variance)
    scale, slope = decay + gain * (1 - decay), gain * (1 - decay) / variance
    return low * np.exp(gain / scale * (np.log(high / low) - np.log((scale + slope * high) / (scale + slope * low))))


def main() -> list[Comparison]:
    with jax.enable_x64(True):
        process = EDM()
        spectrum = Spectrum.power_law(MODES, exponent=1.5, scale=30.0)
        variance, tau = np.asarray(spectrum.variance), np.geomspace(1e-4, 1e4, TIMES)
        arguments = (variance, tau, 0.1, float(process.sigma_min) ** 2, float(process.sigma_max) ** 2)
        comparisons = []
        for name, denoiser, words, reference in (
            ("one-layer λ̃, 3072 × 1000", OneLayer, "SciPy, same formula", scipy_one_layer),
            ("tied two-layer λ̃, 3072 × 1000", SymmetricTwoLayer, "NumPy, same formula", numpy_two_layer),
        ):
            network = denoiser(spectrum, process, initial_gain=0.1, learning_rate=1.0)
            np.testing.assert_allclose(generated_variance(network, tau), reference(*arguments), rtol=1e-9)
            comparisons.append(
                compare(
                    name,
                    words,
                    lambda reference=reference: reference(*arguments),
                    lambda network=network: generated_variance(network, tau),
                    repetitions=REPETITIONS,
                )
            )
    return comparisons


if __name__ == "__main__":
    print(HEADER, *(comparison.row() for comparison in main()), sep="\n")
