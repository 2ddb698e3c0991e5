"""How many times faster than SciPy are our exponential integrals, on a million float64 values?

Run `python -m benchmarks.special_functions`. The arguments are log-uniform on [1e-6, 500]. SciPy's cost depends on the
argument (its continued fraction takes 20 + 80/x steps above x = 1), ours does not.
"""

import jax
import jax.numpy as jnp
import numpy as np
import scipy.special

from benchmarks.timing import HEADER, Comparison, compare
from theory.numerics.special import ein, ein_difference, exp1

SIZE = 1_000_000
REPETITIONS = 9


def scipy_ein(x: np.ndarray) -> np.ndarray:
    return np.euler_gamma + np.log(x) + scipy.special.exp1(x)


def scipy_ein_difference(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return scipy_ein(x) - scipy_ein(y)


def main() -> list[Comparison]:
    with jax.enable_x64(True):
        x, y = np.exp(np.random.default_rng(0).uniform(np.log(1e-6), np.log(500), (2, SIZE)))
        cases = [
            ("exp1, 10⁶ values", "scipy.special.exp1", scipy.special.exp1, exp1, (x,)),
            ("ein, 10⁶ values", "γ + ln x + scipy exp1", scipy_ein, ein, (x,)),
            ("ein_difference, 10⁶ pairs", "two of those", scipy_ein_difference, ein_difference, (x, y)),
        ]
        comparisons = []
        for name, words, reference, ours, arguments in cases:
            on_device = [jnp.asarray(argument) for argument in arguments]
            np.testing.assert_allclose(ours(*on_device), reference(*arguments), rtol=1e-9, atol=1e-9)
            comparisons.append(
                compare(
                    name,
                    words,
                    lambda reference=reference, arguments=arguments: reference(*arguments),
                    lambda ours=ours, on_device=on_device: ours(*on_device),
                    repetitions=REPETITIONS,
                )
            )
    return comparisons


if __name__ == "__main__":
    print(HEADER, *(comparison.row() for comparison in main()), sep="\n")
