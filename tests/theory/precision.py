"""How accurate each public function is in either precision: the table of `docs/precision.md`, measured by its test.

    python -m tests.theory.precision > docs/precision.md

An entry says what is computed from random arguments over the legal domain, and the error that is promised in single
precision. Arguments are numbers that single precision has, so that only the function's own error is left. Where mpmath
can, it says what is right; elsewhere double precision does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import mpmath
import numpy as np

from theory import (
    EDM,
    DeepLinear,
    FlowMatching,
    FullWidthConvolution,
    OneLayer,
    PatchConvolution,
    PointMasses,
    Spectrum,
    SymmetricTwoLayer,
    TwoLayer,
    VariancePreserving,
    emergence_time,
    generated_variance,
    kl_divergence,
    wasserstein2,
)
from theory.finite_data.deterministic_equivalent import effective_ridge
from theory.finite_data.weight_covariances import weight_variance_over_draws
from theory.numerics.special import ein, ein_difference, erf_average, exp1, relaxation_filter

PAGE = Path(__file__).parents[2] / "docs" / "precision.md"
DRAWS = 12  # sets of arguments for every entry
MODES = 6
TIMES = np.array([0.0, 1e-3, 0.1, 1.0, 10.0, 1e3, 1e5, np.inf], dtype=np.float32)
LEVELS = np.array([0.002, 0.05, 1.0, 80.0], dtype=np.float32)
FRACTIONS = np.array([0.002, 0.05, 0.5, 0.95], dtype=np.float32)  # of a process that ends at 1

Random = np.random.Generator


@dataclass(frozen=True)
class Entry:
    """A row of the table."""

    function: str
    domain: str
    compute: Callable[[Random], np.ndarray]  # called in either precision, with the same random numbers
    single: float  # largest relative error promised in float32
    double: float | None = None  # the same in float64 against mpmath, where `exact` is given
    exact: Callable[[Random], np.ndarray] | None = None


def given(numbers: np.ndarray) -> jax.Array:
    """In the precision that is being tried."""
    return jnp.asarray(numbers, dtype=float)


def numbers(random: Random, low: float, high: float, count: int) -> np.ndarray:
    """Log-uniform numbers that single precision has."""
    return np.exp(random.uniform(np.log(low), np.log(high), count)).astype(np.float32)


def spectrum_of(random: Random) -> Spectrum:
    return Spectrum.from_variances(given(np.sort(numbers(random, 1e-3, 1e2, MODES))[::-1]))


def network(kind: Callable, process=None) -> Callable[[Random], object]:
    def build(random: Random):
        spectrum, gain = spectrum_of(random), numbers(random, 0.01, 1.0, 1)[0]
        return kind(spectrum, EDM() if process is None else process, given(gain), 1.0)

    return build


def of_training_time(question: Callable, build: Callable[[Random], object]) -> Callable[[Random], np.ndarray]:
    return lambda random: np.asarray(question(build(random), given(TIMES)))


def gains(build: Callable[[Random], object], levels: np.ndarray = LEVELS) -> Callable[[Random], np.ndarray]:
    return lambda random: np.asarray(build(random).gain(given(TIMES)[:, None], given(levels)[None]))


def special(function: Callable, low: float, high: float, arity: int = 1) -> Callable[[Random], np.ndarray]:
    return lambda random: np.asarray(function(*given(numbers(random, low, high, arity * 20)).reshape(arity, 20)))


def exactly(function: Callable, low: float, high: float, arity: int = 1) -> Callable[[Random], np.ndarray]:
    def at(random: Random) -> np.ndarray:
        points = numbers(random, low, high, arity * 20).reshape(arity, 20).T
        with mpmath.workdps(40):
            return np.array([float(function(*map(mpmath.mpf, map(float, point)))) for point in points])

    return at


def exact_gain(random: Random) -> np.ndarray:
    """Q e^{-2τ(λ + σ²)} + λ/(λ + σ²) (1 - e^{-2τ(λ + σ²)}) with 40 digits."""
    variance = np.sort(numbers(random, 1e-3, 1e2, MODES))[::-1]
    start = float(numbers(random, 0.01, 1.0, 1)[0])
    result = np.empty((TIMES.size, LEVELS.size, MODES))
    with mpmath.workdps(40):
        for index in np.ndindex(result.shape):
            tau, level, lam = (
                mpmath.mpf(float(each[i])) for each, i in zip((TIMES, LEVELS, variance), index, strict=True)
            )
            total = lam + level**2
            kept = mpmath.exp(-2 * tau * total)
            result[index] = start * kept + lam / total * (1 - kept)
    return result


def exact_ein(x: mpmath.mpf) -> mpmath.mpf:
    """∫_0^x (1 - e^-t)/t dt."""
    return x * mpmath.hyp2f2(1, 1, 2, 2, -x) if x < 1 else mpmath.e1(x) + mpmath.log(x) + mpmath.euler


def convolution(kind: Callable, **options) -> Callable[[Random], object]:
    def build(random: Random):
        decay = random.uniform(0.3, 0.9)
        offsets = np.minimum(np.arange(8), 8 - np.arange(8))
        autocovariance = given((decay**offsets).astype(np.float32))
        return kind.from_autocovariance(autocovariance, process=EDM(), initial_gain=0.125, learning_rate=1.0, **options)

    return build


def of_points(question: str) -> Callable[[Random], np.ndarray]:
    def ask(random: Random) -> np.ndarray:
        data = PointMasses(given(random.integers(-4, 5, (5, 2)).astype(np.float32)))
        x = given(random.normal(size=(6, 2)).astype(np.float32))
        return np.asarray(getattr(data, question)(x, given(0.5), VariancePreserving()))

    return ask


def moments(random: Random) -> np.ndarray:
    samples = (100 + random.standard_normal((5000, 3)) * np.array([3.0, 1.0, 0.3])).astype(np.float32)
    return np.asarray(Spectrum.from_samples(samples).variance)


def ridge(random: Random) -> np.ndarray:
    values = given(numbers(random, 1e-3, 1e2, MODES))
    return np.stack([effective_ridge(values, samples, given(LEVELS)) for samples in (3, 6, 20)])


def draws(random: Random) -> np.ndarray:
    denoiser = network(OneLayer)(random)
    return np.asarray(weight_variance_over_draws(denoiser, given(TIMES[1:]), 0.5, 100).total)


_ONE, _TIED, _UNTIED = network(OneLayer), network(SymmetricTwoLayer), network(TwoLayer)
_DEEP = network(lambda *fields: DeepLinear(*fields, depth=3))
_FLOW = network(OneLayer, FlowMatching())
_PRESERVING = network(OneLayer, VariancePreserving())
_NETWORKS = "λ 1e-3 to 1e2, Q 0.01 to 1, τ 0 to ∞"

TABLE = [
    Entry("exp1", "1e-30 to 80", special(exp1, 1e-30, 80.0), 1e-6, 1e-14, exactly(mpmath.e1, 1e-30, 80.0)),
    Entry(
        "ein",
        "1e-30 to 1e8",
        special(ein, 1e-30, 1e8),
        1e-6,
        1e-14,
        exactly(exact_ein, 1e-30, 1e8),
    ),
    Entry("ein_difference", "1e-6 to 1e6", special(ein_difference, 1e-6, 1e6, 2), 1e-5),
    Entry("relaxation_filter", "1e-6 to 1e6", special(relaxation_filter, 1e-6, 1e6, 2), 1e-6),
    Entry("erf_average", "1e-6 to 1e6", special(erf_average, 1e-6, 1e6), 1e-6),
    Entry("gain, OneLayer", _NETWORKS, gains(_ONE), 1e-5, 1e-14, exact_gain),
    Entry("gain, SymmetricTwoLayer", _NETWORKS, gains(_TIED), 1e-5),
    Entry("gain, TwoLayer", _NETWORKS, gains(_UNTIED), 1e-5),
    Entry("gain, DeepLinear", _NETWORKS, gains(_DEEP), 1e-4),
    Entry("gain, flow matching", _NETWORKS, gains(_FLOW, FRACTIONS), 1e-3),
    Entry("generated_variance, OneLayer", _NETWORKS, of_training_time(generated_variance, _ONE), 1e-4),
    Entry("generated_variance, SymmetricTwoLayer", _NETWORKS, of_training_time(generated_variance, _TIED), 1e-4),
    Entry("generated_variance, TwoLayer", _NETWORKS, of_training_time(generated_variance, _UNTIED), 1e-4),
    Entry("generated_variance, DeepLinear", _NETWORKS, of_training_time(generated_variance, _DEEP), 1e-4),
    Entry("generated_variance, flow matching", _NETWORKS, of_training_time(generated_variance, _FLOW), 1e-4),
    Entry("generated_variance, preserving", _NETWORKS, of_training_time(generated_variance, _PRESERVING), 1e-4),
    Entry(
        "generated_variance, FullWidthConvolution",
        "ring of 8, τ 0 to ∞",
        of_training_time(generated_variance, convolution(FullWidthConvolution)),
        1e-4,
    ),
    Entry(
        "generated_variance, PatchConvolution",
        "ring of 8, width 3, τ 0 to ∞",
        of_training_time(generated_variance, convolution(PatchConvolution, width=3)),
        1e-4,
    ),
    Entry("emergence_time", _NETWORKS, lambda random: np.asarray(emergence_time(_ONE(random))), 1e-4),
    Entry("kl_divergence", _NETWORKS + ", error over 1 + KL", of_training_time(kl_divergence, _ONE), 1e-5),
    Entry("wasserstein2", _NETWORKS + ", error over 1 + W₂", of_training_time(wasserstein2, _ONE), 1e-5),
    Entry("Spectrum.from_samples", "mean 100, standard deviations 3, 1, 0.3", moments, 1e-6),
    Entry("PointMasses.score", "points within 4, t = 0.5", of_points("score"), 1e-4),
    Entry("PointMasses.proxy_covariance", "the same", of_points("proxy_covariance"), 1e-3),
    Entry("effective_ridge", "λ 1e-3 to 1e2, n of 3, 6, 20", ridge, 1e-5),
    Entry("weight_variance_over_draws", _NETWORKS + ", σ = 0.5", draws, 1e-4),
]

# What refuses single precision, or judges by itself whether it suffices; tests of their own say so.
JUDGED = [
    ("LinearVKernel, LazyVKernel", "1e-2, or refused: judged by E[w φφᵀ], the ridge and τ"),
    ("weight_mean_over_draws, weight_variance_at_ratio, expected_*_over_data, gain_variance_over_data", "refused"),
]


def largest_error(entry: Entry, dtype: type, exact: bool) -> float:
    """Over all draws: |error| over the size of the right value, of a number of size one where that is larger."""
    worst = 0.0
    for seed in range(DRAWS):
        with jax.enable_x64(dtype is np.float64):
            value = np.asarray(entry.compute(np.random.default_rng(seed)), dtype=float)
        if exact:
            right = entry.exact(np.random.default_rng(seed))
        else:
            with jax.enable_x64(True):
                right = np.asarray(entry.compute(np.random.default_rng(seed)))
        floor = 1.0 if "error over 1" in entry.domain else np.finfo(np.float32).tiny
        error = np.abs(value - right) / np.maximum(np.abs(right), floor)
        worst = max(worst, float(np.max(np.where(value == right, 0.0, error))))
    return worst


def page() -> str:
    """docs/precision.md."""
    rows = [
        f"| `{entry.function}` | {entry.domain} | {entry.single:g} | "
        f"{'taken as right' if entry.double is None else f'{entry.double:g}, against mpmath'} |"
        for entry in TABLE
    ]
    judged = [f"| {function} | | {verdict} | |" for function, verdict in JUDGED]
    return "\n".join([_HEAD, *rows, *judged, "", _TAIL, ""])


_HEAD = """# Precision

JAX computes in single precision unless told otherwise. The command line and the tests turn on 64-bit numbers; your own
script does with

```python
import jax

jax.config.update("jax_enable_x64", True)  # before any array is made
```

The table says which relative error to expect. A test measures every row over random arguments of its domain
(`tests/theory/precision.py`, which also writes this page).

| function | domain | float32 | float64 |
|---|---|---|---|"""

_TAIL = """Rules that hold for all:

- Integers become floating-point numbers of the default precision; complex numbers are refused.
- A value outside its domain (a negative or NaN training time, a noise level that the process does not have, a score
  where there is no noise) raises ValueError. Inside `jax.jit`, `vmap` and `grad` there is no value to look at: there
  the answer is NaN.
- `Spectrum.from_samples` accumulates in float64 whatever the samples' precision.
- A quadrature that does not resolve a gain refines its panels (`generated_variance_by_quadrature`) or refuses."""


if __name__ == "__main__":
    print(page(), end="")
