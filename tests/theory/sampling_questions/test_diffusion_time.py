"""The best start against free optimisation, and its derivative against that of what is generated."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, optimize, stats

from tests import cases
from theory import EDM, FlowMatching, MisalignedTwoLayer, OneLayer, Spectrum, optimal_schedule
from theory.sampling_questions.diffusion_time import (
    best_start_of_mode,
    best_variance_of_mode,
    optimal_schedule_and_start,
    path_nats_of_start,
    start_of_least_nats,
    start_sensitivity,
)

SPECTRUM = Spectrum.from_variances([4.0, 1.0, 0.2, 0.05])


def divergence(levels, variance, gain):
    """KL of what Euler's method in σ generates from N(0, σ_T²), by hand."""
    scale = levels[0] * np.ones_like(variance)
    for level, later in zip(levels[:-1], levels[1:], strict=True):
        scale = scale + (later - level) * (1 - gain(level)) / level * scale
    ratio = scale**2 / variance
    return np.sum(ratio - 1 - np.log(ratio)) / 2


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_the_start_of_one_mode(steps):
    """All levels and the first one free, by BFGS in their logarithms."""
    variance = np.array([0.3])

    def lost(z):
        levels = np.append(np.exp(z[0] - np.append(0.0, np.cumsum(z[1:] ** 2))), 0.0)
        return divergence(levels, variance, lambda level: variance / (variance + level**2))

    start = np.append(1.0, np.ones(steps - 1))
    found = optimize.minimize(lost, start, method="BFGS", options={"gtol": 1e-10})
    ratio = float(best_variance_of_mode(steps))
    np.testing.assert_allclose(np.exp(found.x[0]), best_start_of_mode(0.3, steps), rtol=1e-5)
    np.testing.assert_allclose(found.fun, (ratio - 1 - np.log(ratio)) / 2, atol=1e-10)


def test_the_mismatch_costs_one_step():
    """From infinite noise N + 1 steps of flow matching generate what N do from the best start."""
    one = Spectrum.from_variances([0.3])
    levels = np.asarray(optimal_schedule(one, 6, process=FlowMatching()))
    assert levels[0] == np.inf
    np.testing.assert_allclose(levels[1], best_start_of_mode(0.3, 5), rtol=1e-8)
    np.testing.assert_allclose(best_variance_of_mode(18), 0.878, atol=5e-4)


ROWS = cases.PARAMETRISATIONS | cases.FACTORED


@pytest.mark.parametrize(
    "name", ["one_layer", *(pytest.param(each, marks=pytest.mark.slow) for each in ROWS if each != "one_layer")]
)
@pytest.mark.parametrize("sigma_max", [3.0, 80.0])
def test_the_sensitivity_to_the_start(name, sigma_max):
    def log_variance(log_start):
        return jnp.log(ROWS[name].build(SPECTRUM, EDM(0.002, jnp.exp(log_start)), 0.1, 1.0).generated_variance(tau))

    tau, step = jnp.asarray(0.7), 1e-4
    denoiser = ROWS[name].build(SPECTRUM, EDM(), 0.1, 1.0)
    log_start = jnp.log(sigma_max) + step * jnp.asarray([-2.0, -1.0, 1.0, 2.0])
    around = np.stack([log_variance(each) for each in log_start])
    slope = (8 * (around[2] - around[1]) - (around[3] - around[0])) / (12 * step)
    np.testing.assert_allclose(start_sensitivity(denoiser.gain, tau, sigma_max), slope, rtol=1e-8, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("tau", [None, 1.0])
def test_the_best_start_of_a_spectrum(tau):
    """A bounded search over starts, each with the optimal levels below it."""
    options = {} if tau is None else {"gain": OneLayer(SPECTRUM, EDM(), 0.1, 1.0).gain, "tau": tau}
    variance = np.asarray(SPECTRUM.variance)

    def gain(level):
        ideal = variance / (variance + level**2)
        return ideal if tau is None else ideal + (0.1 - ideal) * np.exp(-2 * tau * (variance + level**2))

    def lost(log_start):
        levels = optimal_schedule(SPECTRUM, 6, sigma_max=float(np.exp(log_start)), **options)
        return float(divergence(np.asarray(levels), variance, gain))

    found = optimize.minimize_scalar(lost, bounds=(0.0, 6.0), method="bounded", options={"xatol": 1e-8})
    levels = np.asarray(optimal_schedule_and_start(SPECTRUM, 6, **options))
    np.testing.assert_allclose(divergence(levels, variance, gain), found.fun, atol=1e-10)
    np.testing.assert_allclose(np.log(levels[0]), found.x, atol=1e-4)


@pytest.mark.slow
def test_a_network_in_training_prefers_more_noise():
    spectrum = Spectrum.from_variances([10, 3, 1, 0.3, 0.1, 0.03, 0.01])
    gain = OneLayer(spectrum, EDM(), 0.1, 1.0).gain
    starts = [optimal_schedule_and_start(spectrum, 20, gain=gain, tau=tau)[0] for tau in (0.1, 1.0, 10.0, 1e3)]
    np.testing.assert_allclose(starts, [51.8, 24.9, 18.9, 16.60], rtol=2e-3)


def test_nats_of_a_fit_of_one_dimension():
    """The mean of 1/Σx² by quadrature over its χ², and the errors of that slope over the levels by another."""
    variance, samples, high, low = 0.7, 9, 5.0, 0.2

    inverse = integrate.quad(lambda z: stats.chi2.pdf(z, samples) / z, 0, np.inf, epsabs=1e-13)[0]

    def rate(level):
        power = variance + level**2
        return variance * level**2 / power * (inverse / power) * power / level**3

    x = variance / high**2
    expected = integrate.quad(rate, low, high, epsrel=1e-11)[0] + (x - np.log1p(x)) / 2
    np.testing.assert_allclose(
        path_nats_of_start(Spectrum.from_variances([variance]), samples, high, low), expected, rtol=1e-9
    )


def test_errors_of_a_fit_of_several_dimensions():
    """Least squares on 4000 sets of 12 samples: E|D - D*|²σ^-3 is the derivative of the nats of errors."""
    variance, samples, level = np.array([2.0, 0.5, 0.1]), 12, 0.6
    generator = np.random.default_rng(0)
    clean = generator.normal(size=(4000, samples, 3)) * np.sqrt(variance)
    noisy = clean + level * generator.normal(size=clean.shape)
    wrong = np.linalg.solve(np.swapaxes(noisy, 1, 2) @ noisy, np.swapaxes(noisy, 1, 2) @ clean)
    power = variance + level**2
    wrong -= np.diag(variance / power)
    missed = np.einsum("sij,i->s", wrong**2, power) / level**3
    around = level * np.exp(1e-5 * np.array([1.0, -1.0]))
    x = variance / around[:, None] ** 2
    nats = (
        path_nats_of_start(Spectrum.from_variances(variance), samples, around, 0.01)
        - np.sum(x - np.log1p(x), axis=1) / 2
    )
    expected = (nats[0] - nats[1]) / (around[0] - around[1])
    assert abs(missed.mean() - expected) < 4 * missed.std() / np.sqrt(len(missed))
    assert missed.std() / np.sqrt(len(missed)) < 0.02 * expected


@pytest.mark.slow
def test_the_start_of_least_nats():
    wide = Spectrum.from_variances(np.geomspace(1e3, 1e-3, 9))
    for spectrum, samples in ((SPECTRUM, 40), (wide, 11), (wide, 100_000)):
        variance, excess = np.asarray(spectrum.variance), spectrum.dimension / (samples - spectrum.dimension - 1)

        def slope(z, variance=variance, excess=excess):
            """By ln σ_T, from the rate of errors and from that of the start."""
            power = variance + np.exp(2 * z)
            return np.sum(excess * variance / power - variance**2 / power / np.exp(2 * z))

        found, root = float(start_of_least_nats(spectrum, samples)), optimize.brentq(slope, -5.0, 12.0, xtol=1e-13)
        np.testing.assert_allclose(found, np.exp(root), rtol=1e-9)
        around = path_nats_of_start(spectrum, samples, found * np.exp([-0.1, 0.0, 0.1]), 1e-2)
        assert around[1] < min(around[0], around[2])
    np.testing.assert_allclose(start_of_least_nats(Spectrum.from_variances([0.3]), 12), np.sqrt(0.3 * 10), rtol=1e-12)

    def of(scale):
        return start_of_least_nats(Spectrum(SPECTRUM.mean, SPECTRUM.variance**scale), 40)

    around = (of(1 + 1e-5) - of(1 - 1e-5)) / 2e-5
    np.testing.assert_allclose(jax.grad(of)(1.0), around, rtol=1e-7)


def test_what_is_refused():
    with pytest.raises(ValueError, match="samples must be more than 5, the dimension and one"):
        start_of_least_nats(SPECTRUM, 5)
    with pytest.raises(ValueError, match="sigma_min must be zero or more"):
        path_nats_of_start(SPECTRUM, 40, 80.0, -1.0)
    gain = OneLayer(SPECTRUM, EDM(), 0.1, 1.0).gain
    mixing = MisalignedTwoLayer(SPECTRUM, EDM(), 0.1 * np.eye(4) + 0.01, 1.0)
    with pytest.raises(ValueError, match="gain and tau must be given together"):
        optimal_schedule_and_start(SPECTRUM, 3, gain=gain)
    with pytest.raises(ValueError, match="tau, a training time, must be zero or more"):
        start_sensitivity(gain, -1.0, jnp.asarray(80.0))
    with pytest.raises(ValueError, match="modes must not mix"):
        start_sensitivity(mixing.gain, 1.0, jnp.asarray(80.0))
    with pytest.raises(ValueError, match="variance must be zero or more"):
        best_start_of_mode(-1.0, 3)
    with pytest.raises(ValueError, match="sigma_max must be zero or more; got -1.0"):
        start_sensitivity(gain, 1.0, -1.0)
    for start, end in ((0.0, 0.0), (0.0, 0.1), (1.0, 2.0)):
        with pytest.raises(ValueError, match="sigma_max must be above zero and not below sigma_min"):
            path_nats_of_start(SPECTRUM, 40, start, end)
    with pytest.raises(ValueError, match="variances must be positive, since KL has no minimum"):
        optimal_schedule_and_start(cases.spectrum([1.0, 0.0]), 2)
    with pytest.raises(ValueError, match="tau must be one number"):
        optimal_schedule_and_start(SPECTRUM, 2, gain=gain, tau=np.ones(2))
    one = Spectrum.from_variances([0.3])
    with pytest.raises(ValueError, match="with this gain none do"):
        optimal_schedule_and_start(one, 1, gain=OneLayer(one, EDM(), 0.0, 1.0).gain, tau=0.0)


def test_limits_of_levels():
    flat = Spectrum(np.zeros(2), np.array([1.0, 0.0]))
    assert path_nats_of_start(flat, 40, 80.0, 0.0) == np.inf
    assert np.isnan(jax.jit(lambda start: path_nats_of_start(flat, 40, start, 0.1))(-80.0))


@pytest.mark.parametrize("unit", [1e-22, 1e22])
def test_squares_of_variances_may_leave_the_range(unit):
    variance = np.array([4.0, 1.0, 0.3])
    expected = np.sqrt(unit) * float(start_of_least_nats(Spectrum.from_variances(variance), 40))
    with jax.enable_x64(False):
        found = start_of_least_nats(Spectrum.from_variances(unit * variance), 40)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
