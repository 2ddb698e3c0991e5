"""What denoisers generate: variances and moments, distances from the data, times of emergence."""

import functools

import equinox as eqx
import jax.numpy as jnp
import mpmath
import numpy as np
from hypothesis import strategies as st

from tests.theory.precision.arguments import (
    MODES,
    bases,
    between,
    decades,
    initial_gains,
    named,
    spectrum,
    training_times,
    variances,
)
from tests.theory.precision.denoisers import (
    OVERLAPPING,
    OVERLAPPING_DATA,
    STATIONARY,
    STATIONARY_DATA,
    WITH_MEAN,
    WITH_MEAN_DATA,
    biased,
    convolutions,
    misaligned,
)
from tests.theory.precision.numerics import exact_ein, exact_erf_average
from tests.theory.precision.rows import OVER_ONE, Measure, Row, pointwise
from theory import (
    EDM,
    CosineSchedule,
    DeepLinear,
    FlowMatching,
    HeavyBall,
    OneLayer,
    SymmetricTwoLayer,
    TwoLayer,
    VariancePreserving,
    alignment,
    emergence_level,
    emergence_time,
    fit_power_law,
    generated_covariance,
    generated_mean,
    generated_variance,
    generated_variance_by_quadrature,
    generated_variance_on_schedule,
    kl_divergence,
    local_exponents,
    optimal_schedule,
    preconditioned_exponents,
    raw_exponents,
    reverse_kl_divergence,
    rises,
    wasserstein2,
    weight_emergence_time,
)
from theory.definitions.objectives import Objective
from theory.definitions.targets import VelocityTarget
from theory.definitions.weights import LogNormalDensity, PowerWeight, ProductWeight

_EDM = EDM(float(np.float32(0.002)), 80.0)  # of noise levels that single precision has
_LOW, _HIGH = (mpmath.mpf(sigma) ** 2 for sigma in (_EDM.sigma_min, _EDM.sigma_max))
_LEVELS = np.geomspace(80.0, 0.002, 30).astype(np.float32)
_INVERSE_NOISE = Objective(weight=PowerWeight(1.0))


def _generated(build, process=None, objective=None):
    return lambda variance, initial, tau: generated_variance(
        build(spectrum(variance), process or EDM(), initial, 1.0, objective=objective), tau
    )


def at_training_times(function):
    """The function of mpmath of a mode's λ, Q and τ at all training times, τ = ∞ as a number that is large enough."""

    def at(variance, initial, tau):
        return pointwise(function)(*np.broadcast_arrays(variance, initial, np.minimum(tau, 1e30)[:, None]))

    return at


def _one_layer(variance, start, tau):
    """ln λ̃ = ln σ_T² + Ein(cλ + cσ_0²) - Ein(cλ + cσ_T²) - (1-Q) e^{-cλ} [ln σ_T²/σ_0² + Ein(cσ_0²) - Ein(cσ_T²)].

    Here and below c = 2τ.
    """
    c = 2 * tau
    learned = exact_ein(c * (variance + _LOW)) - exact_ein(c * (variance + _HIGH))
    untrained = mpmath.log(_HIGH / _LOW) + exact_ein(c * _LOW) - exact_ein(c * _HIGH)
    return mpmath.exp(mpmath.log(_HIGH) + learned - (1 - start) * mpmath.exp(-c * variance) * untrained)


def _inverse_noise(variance, start, tau):
    """ln λ̃ = ln σ_0² + Ein(c + cλ/σ_0²) - Ein(c + cλ/σ_T²) + Q e^-c [ln σ_T²/σ_0² - Ein(cλ/σ_0²) + Ein(cλ/σ_T²)]."""
    c = 2 * tau
    learned = exact_ein(c * (1 + variance / _LOW)) - exact_ein(c * (1 + variance / _HIGH))
    initially = mpmath.log(_HIGH / _LOW) - exact_ein(c * variance / _LOW) + exact_ein(c * variance / _HIGH)
    return mpmath.exp(mpmath.log(_LOW) + learned + start * mpmath.exp(-c) * initially)


def _tied(variance, start, tau):
    """ln λ̃ = ln σ_0² + (Q/a) [ln σ_T²/σ_0² - ln (a + bσ_T²)/(a + bσ_0²)], a = E + Q(1-E), b = Q(1-E)/λ, E = e^-8τλ."""
    kept = mpmath.exp(-8 * tau * variance)
    a, b = kept + start * (1 - kept), start * (1 - kept) / variance
    captured = mpmath.log(_HIGH / _LOW) - mpmath.log((a + b * _HIGH) / (a + b * _LOW))
    return _LOW * mpmath.exp(start / a * captured)


def _flow(variance, start, tau):
    """ln λ̃ = Ein(cλ) - Ein(c) + 2Q/(1+λ) e^{-cλ/(1+λ)} [K(c/(1+λ)) + λ K(cλ²/(1+λ))], K(z) = ∫_0^1 e^{-zu²} du."""
    c, total = 2 * tau, 1 + variance
    bracket = exact_erf_average(c / total) + variance * exact_erf_average(c * variance**2 / total)
    initially = 2 * start / total * mpmath.exp(-c * variance / total) * bracket
    return mpmath.exp(exact_ein(c * variance) - exact_ein(c) + initially)


def _size_between_near_ends(right, variance, initial, *_) -> np.ndarray:
    """Times between two variances that are nearly one are as uncertain as the difference of the two."""
    before = np.log(float(_LOW)) + initial * np.log(float(_HIGH / _LOW))
    return np.abs(right) / np.minimum(1.0, np.maximum(np.abs(before - np.log(variance)), 1e-6))


_BETWEEN = Measure("relative, times ln λ/λ̃(0) where that is below 1", _size_between_near_ends)


def _emerged_at(variance, initial, fraction) -> tuple:
    denoiser = OneLayer(spectrum(variance), EDM(), initial, 1.0)
    return emergence_time(denoiser, fraction=fraction), emergence_level(denoiser, fraction=fraction)


def _exact_exponents(fraction, a) -> list:
    """Rising 1 - f(1 + a) and falling f(1 - a), with 1 - f in place of f for a > 1; raw 1 - fa and the same."""
    falling = pointwise(lambda f, a: (f if a <= 1 else 1 - f) * (1 - a))(fraction, a)
    rising = [pointwise(lambda f, a, one=one: 1 - f * (one + a))(fraction, a) for one in (1, 0)]
    return [rising[0], falling, rising[1], falling]


def _local_exponents(variance, fraction, a) -> jnp.ndarray:
    return local_exponents(variance, fraction, ProductWeight(PowerWeight(a), LogNormalDensity()))


def _local_exponent(variance, fraction, a) -> mpmath.mpf:
    """Those of a + (ln σ_l + 1.2)/(2·1.2²), at ln σ_l = (1-f) ln σ_d + ½ f ln λ with σ_d = ½."""
    level = (1 - fraction) * mpmath.log(mpmath.mpf(1) / 2) + fraction * mpmath.log(variance) / 2
    a = a + (level + mpmath.mpf("1.2")) / (2 * mpmath.mpf("1.2") ** 2)
    return 1 - fraction * (1 + a) if variance > mpmath.mpf(1) / 4 else fraction * (1 - a)


def _distances(denoiser, tau) -> tuple:
    return kl_divergence(denoiser, tau), reverse_kl_divergence(denoiser, tau), wasserstein2(denoiser, tau)


def _exact_distances(variance, initial, tau) -> list:
    """Of centred data, by the exact variances."""
    with mpmath.workdps(40):
        rows = []
        for time in tau:
            pairs = [
                (mpmath.mpf(float(lam)), _one_layer(*(mpmath.mpf(float(x)) for x in (lam, q, min(time, 1e30)))))
                for lam, q in zip(variance, initial, strict=True)
            ]
            forward = sum(g / lam - 1 - mpmath.log(g / lam) for lam, g in pairs) / 2
            reverse = sum(lam / g - 1 - mpmath.log(lam / g) for lam, g in pairs) / 2
            transport = mpmath.sqrt(sum((mpmath.sqrt(g) - mpmath.sqrt(lam)) ** 2 for lam, g in pairs))
            rows.append([float(each) for each in (forward, reverse, transport)])
    return list(np.array(rows).T)


@eqx.filter_jit
def _of_mixing(denoiser, tau) -> tuple:
    """All that is asked of what is generated; the variance by its logarithm, so that small modes count as much."""
    variance = jnp.log(generated_variance(denoiser, tau))
    moments = generated_mean(denoiser, tau), generated_covariance(denoiser, tau)
    return variance, *moments, *_distances(denoiser, tau), alignment(denoiser, tau)


_MODEWISE = (variances(), initial_gains(), training_times())
_NETWORKS = "networks"
_MOMENTS = ("generated_mean", "generated_covariance")
_DISTANCES = ("kl_divergence", "reverse_kl_divergence", "wasserstein2")

ROWS = [
    Row(
        named("OneLayer", "generated_variance") + ("generated_variance",),
        _NETWORKS + ", also λ = 0",
        st.tuples(variances(also=(0.0,)), *_MODEWISE[1:]),
        _generated(OneLayer, _EDM),
        1e-5,
        1e-13,
        at_training_times(_one_layer),
    ),
    Row(
        named("OneLayer", "generated_variance"),
        _NETWORKS + ", weight σ⁻²",
        st.tuples(*_MODEWISE),
        _generated(OneLayer, _EDM, _INVERSE_NOISE),
        1e-5,
        1e-13,
        at_training_times(_inverse_noise),
    ),
    Row(
        named("SymmetricTwoLayer", "generated_variance"),
        _NETWORKS,
        st.tuples(*_MODEWISE),
        _generated(SymmetricTwoLayer, _EDM),
        1e-5,
        1e-13,
        at_training_times(_tied),
    ),
    Row(
        named("OneLayer", "generated_variance"),
        _NETWORKS + ", flow matching",
        st.tuples(*_MODEWISE),
        _generated(OneLayer, FlowMatching()),
        1e-5,
        1e-13,
        at_training_times(_flow),
    ),
    Row(
        named("TwoLayer", "generated_variance"),
        _NETWORKS,
        st.tuples(*_MODEWISE),
        _generated(TwoLayer),
        1e-4,
    ),
    Row(
        named("DeepLinear", "generated_variance"),
        _NETWORKS + " with Q 0 and 1e-3 to 1.5, 3 layers",
        st.tuples(_MODEWISE[0], initial_gains(1e-3), _MODEWISE[2]),
        _generated(functools.partial(DeepLinear, depth=3)),
        1e-4,
    ),
    Row(
        named("HeavyBall", "generated_variance"),
        _NETWORKS + ", damping γ 0.1 to 1e2",
        st.tuples(*_MODEWISE, decades(0.1, 1e2)),
        lambda variance, initial, tau, damping: generated_variance(
            HeavyBall(spectrum(variance), EDM(), initial, 1.0, damping=damping), tau
        ),
        1e-4,
    ),
    Row(
        named("OneLayer", "generated_variance"),
        _NETWORKS + ", variance preserving, velocities",
        st.tuples(*_MODEWISE),
        _generated(OneLayer, VariancePreserving(CosineSchedule()), Objective(VelocityTarget())),
        1e-4,
    ),
    Row(
        named("TwoLayer", "generated_variance"),
        _NETWORKS + ", flow matching",
        st.tuples(*_MODEWISE),
        _generated(TwoLayer, FlowMatching()),
        1e-3,
    ),
    Row(
        ("generated_variance_by_quadrature", "generated_variance_on_schedule"),
        _NETWORKS + ", 30 steps",
        st.tuples(*_MODEWISE),
        lambda variance, initial, tau: [
            generated_variance_by_quadrature(denoiser, tau)
            if question == "quadrature"
            else generated_variance_on_schedule(denoiser, tau, jnp.asarray(_LEVELS, tau.dtype))
            for denoiser in (OneLayer(spectrum(variance), EDM(), initial, 1.0),)
            for question in ("quadrature", "schedule")
        ],
        1e-4,
    ),
    Row(
        named("FullWidthConvolution", "generated_variance") + named("PatchConvolution", "generated_variance"),
        STATIONARY_DATA,
        st.tuples(*STATIONARY, training_times()),
        lambda variance, decay, initial, tau: [
            generated_variance(made, tau) for made in convolutions(variance, decay, initial)
        ],
        1e-4,
    ),
    Row(
        _DISTANCES,
        "one layer, " + _NETWORKS + ", mean zero",
        st.tuples(*_MODEWISE),
        lambda variance, initial, tau: _distances(OneLayer(spectrum(variance), _EDM, initial, 1.0), tau),
        1e-5,
        1e-13,
        _exact_distances,
        OVER_ONE,
    ),
    Row(
        (*named("OneLayerWithBias", "generated_variance"), *_MOMENTS, *_DISTANCES, "alignment"),
        WITH_MEAN_DATA,
        st.tuples(*WITH_MEAN, bases(), training_times()),
        lambda *arguments: _of_mixing(biased(*arguments[:-1]), arguments[-1]),
        1e-2,
        measure=OVER_ONE,
        refuses=True,
        compiled=False,
    ),
    Row(
        (*named("MisalignedTwoLayer", "generated_variance"), *_MOMENTS, *_DISTANCES, "alignment"),
        OVERLAPPING_DATA,
        st.tuples(*OVERLAPPING, bases(), training_times()),
        lambda *arguments: _of_mixing(misaligned(*arguments[:-1]), arguments[-1]),
        1e-2,
        measure=OVER_ONE,
    ),
    Row(
        ("emergence_time",),
        "one layer, " + _NETWORKS,
        st.tuples(*_MODEWISE[:2]),
        lambda variance, initial: emergence_time(OneLayer(spectrum(variance), EDM(), initial, 1.0)),
        1e-4,
        measure=_BETWEEN,
    ),
    Row(
        ("emergence_time", "emergence_level"),
        "one layer, " + _NETWORKS + ", fractions f 0.1 to 0.9",
        st.tuples(*_MODEWISE[:2], between(0.1, 0.9, 2)),
        _emerged_at,
        1e-4,
        measure=_BETWEEN,
    ),
    Row(
        ("preconditioned_exponents", "raw_exponents"),
        "f 0.01 to 0.99, a 0 to 1.5",
        st.tuples(between(0.01, 0.99, MODES), between(0.0, 1.5, MODES)),
        lambda fraction, a: (*preconditioned_exponents(fraction, a), *raw_exponents(fraction, a)),
        1e-6,
        1e-15,
        _exact_exponents,
        OVER_ONE,
    ),
    Row(
        ("local_exponents",),
        "λ 1e-8 to 1e4, f 0.01 to 0.99, weights σ^-2a with a 0 to 1/2 and EDM's density",
        st.tuples(variances(), between(0.01, 0.99, MODES), between(0.0, 0.5)),
        _local_exponents,
        1e-5,
        1e-14,
        pointwise(_local_exponent),
        OVER_ONE,
    ),
    Row(
        ("emergence_level", "rises"),
        "one layer, " + _NETWORKS,
        st.tuples(*_MODEWISE[:2]),
        lambda variance, initial: [
            (
                rises(made),
                [emergence_level(made, mean) for mean in ("geometric", "harmonic", "arithmetic")],
            )
            for made in (OneLayer(spectrum(variance), EDM(), initial, 1.0),)
        ],
        1e-5,
    ),
    Row(
        ("weight_emergence_time",),
        "one layer and two, Q 1e-3 to 0.01, σ 0.002 to 1, λ from σ²/10 to 1e4",
        st.tuples(variances(), decades(1e-3, 1e-2, MODES), decades(0.002, 1.0)),
        lambda variance, initial, level: [
            weight_emergence_time(kind(spectrum(variance + level**2 / 10), EDM(), initial, 1.0), level)
            for kind in (OneLayer, SymmetricTwoLayer)
        ],
        1e-4,
    ),
    Row(
        ("optimal_schedule",),
        "4 modes, λ 1e-4 to 10, in 6 steps: ideal, and one layer of Q 0.1 at τ 0.1 to 1e3",
        st.tuples(decades(1e-4, 10.0, MODES), decades(0.1, 1e3)),
        lambda variance, tau: [
            optimal_schedule(made.spectrum, 6, gain=gain, tau=None if gain is None else tau)
            for made in (OneLayer(spectrum(variance), EDM(), 0.1, 1.0),)
            for gain in (None, made.gain)
        ],
        1e-2,
    ),
    Row(
        ("fit_power_law",),
        "6 modes, λ 1e-8 to 1e4, τ* 1e-6 to 1e6",
        st.tuples(decades(1e-8, 1e4, MODES + 2), decades(1e-6, 1e6, MODES + 2)).filter(
            lambda drawn: float(np.ptp(np.log(drawn[0]))) > 1.0
        ),
        lambda variance, time: list(fit_power_law(variance, time)),
        1e-12,
        compiled=False,
    ),
]

EXACT = {
    "the exponent and prefactor that `fit_power_law` found": ("PowerLaw",),
    "the exponents of both branches": ("BranchExponents",),
}
