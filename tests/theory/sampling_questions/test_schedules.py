"""Schedules against DDIM written out in x and in NumPy, and optima against SciPy's free optimisation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize

from tests import cases
from theory import (
    EDM,
    CosineSchedule,
    FlowMatching,
    FullWidthConvolution,
    MisalignedTwoLayer,
    OneLayer,
    PatchConvolution,
    Spectrum,
    SymmetricTwoLayer,
    VariancePreserving,
    optimal_schedule,
)
from theory.sampling_questions.schedules import (
    DenoisedGain,
    IdealGain,
    ddim_variance,
    heun_variance,
    uniform_time_levels,
)
from theory.sampling_questions.tangent_schedules import best_tangent_scale, geodesic_schedule, tangent_schedule

VARIANCE = np.array([4.0, 1.0, 0.2, 0.05])
SPECTRUM = Spectrum.from_variances(VARIANCE)
STEPS, TAU = 6, 3.0
LEVELS = np.array([50.0, 9.0, 3.0, 1.5, 0.7, 0.2, 0.0])
ROWS = cases.PARAMETRISATIONS | cases.FACTORED


def ideal(level):
    return VARIANCE / (VARIANCE + level**2)


def trained(level, tau=TAU, start=0.1):
    """One layer on EDM, by hand."""
    return ideal(level) + (start - ideal(level)) * np.exp(-2 * tau * (VARIANCE + level**2))


def divergence(levels, gain, prior, variance=VARIANCE):
    """KL of what Euler's method in σ generates, by hand."""
    scale = np.sqrt(prior) * np.ones_like(variance)
    for level, later in zip(levels[:-1], levels[1:], strict=True):
        scale = scale + (later - level) * (1 - gain(level)) / level * scale
    ratio = scale**2 / variance
    return np.sum(ratio - 1 - np.log(ratio)) / 2


def in_x(levels, gain, process, tau, prior):
    """DDIM in x itself: x' = α'D + σ'ε, ε = (x - αD)/σ, with gains one at a time."""
    times = [float(process.time_from_log_snr(-2 * jnp.log(level))) for level in levels[:-1]]
    scales = [(float(process.signal_scale(at)), float(process.noise_scale(at))) for at in times] + [(1.0, 0.0)]
    x = np.sqrt(prior)
    for at, (alpha, sigma), (later_alpha, later_sigma) in zip(times, scales[:-1], scales[1:], strict=True):
        denoised = np.asarray(gain(tau, jnp.asarray(at))) * x
        x = later_alpha * denoised + later_sigma * (x - alpha * denoised) / sigma
    return x**2


def of_row(name):
    return ROWS[name].build(SPECTRUM, EDM(), 0.1, 1.0)


CONVOLUTIONS = {
    "full_width": FullWidthConvolution.from_autocovariance([1.0, 0.5, 0.2, 0.5], EDM(), 0.1, 1.0),
    "patch": PatchConvolution.from_autocovariance([1.0, 0.5, 0.2, 0.5], 3, EDM(), 0.1, 1.0),
}


QUICK = ["one_layer", "symmetric_two_layer"]
SLOW = [name for name in (*ROWS, *CONVOLUTIONS) if name not in QUICK]


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_ddim_of_every_parametrisation(name):
    denoiser = CONVOLUTIONS[name] if name in CONVOLUTIONS else of_row(name)
    expected = in_x(LEVELS, denoiser.gain, EDM(), TAU, LEVELS[0] ** 2)
    np.testing.assert_allclose(ddim_variance(jnp.asarray(LEVELS), denoiser.gain, TAU), expected, rtol=1e-10)


PROCESSES = {
    "flow": FlowMatching(),
    "linear": VariancePreserving(),
    "cosine": VariancePreserving(CosineSchedule()),
}


@pytest.mark.parametrize("name", PROCESSES)
def test_ddim_on_every_process(name):
    """The ideal denoiser and a network on the process's own target; flow matching from infinite noise too."""
    process = PROCESSES[name]
    levels = LEVELS if name != "flow" else np.append(np.inf, LEVELS[1:])
    angle = np.arctan2(levels[:, None], np.sqrt(VARIANCE))
    alpha, sigma = (0.0, 1.0) if name == "flow" else map(float, process.scales_at_log_ratio(-jnp.log(levels[0])))
    prior = 1.3
    cosines = prior / (alpha**2 * VARIANCE + sigma**2) * np.prod(np.cos(np.diff(angle, axis=0)) ** 2, axis=0)
    found = ddim_variance(jnp.asarray(levels), IdealGain(SPECTRUM, process), process=process, prior_variance=prior)
    np.testing.assert_allclose(found, VARIANCE * cosines, rtol=1e-12)
    gain = DenoisedGain(OneLayer(SPECTRUM, process, 0.1, 1.0))
    found = ddim_variance(jnp.asarray(levels), gain, TAU, process=process, prior_variance=prior)
    np.testing.assert_allclose(found, in_x(levels, gain, process, TAU, prior), rtol=1e-9)


def test_gains_of_other_targets_are_those_of_the_data():
    """At the end of training the velocity's network is the ideal denoiser."""
    times = jnp.asarray([0.1, 0.5, 0.9])
    learned = DenoisedGain(OneLayer(SPECTRUM, FlowMatching(), 0.1, 1.0))(jnp.inf, times)
    np.testing.assert_allclose(learned, IdealGain(SPECTRUM, FlowMatching())(None, times), rtol=1e-12)


def test_heun_by_hand():
    scale = LEVELS[0] * np.ones(4)
    for level, later in zip(LEVELS[:-1], LEVELS[1:], strict=True):
        slope = (1 - trained(level)) / level * scale
        ahead = scale + (later - level) * slope
        slopes = [slope] if later == 0 else [slope, (1 - trained(later)) / later * ahead]
        scale = scale + (later - level) * np.mean(slopes, axis=0)
    denoiser = OneLayer(SPECTRUM, EDM(), 0.1, 1.0)
    np.testing.assert_allclose(heun_variance(jnp.asarray(LEVELS), denoiser.gain, TAU), scale**2, rtol=1e-12)
    fine = heun_variance(jnp.append(jnp.geomspace(80.0, 2e-4, 4000), 0.0), IdealGain(SPECTRUM, EDM()))
    np.testing.assert_allclose(fine, VARIANCE * 80.0**2 / (VARIANCE + 80.0**2), rtol=1e-5)


def free_optimum(gain, first, steps=STEPS, variance=VARIANCE, starts=3):
    """The lowest KL of BFGS in the logarithms of ratios of successive levels, from several schedules."""

    def levels(z):
        return np.append(first * np.exp(-np.append(0.0, np.cumsum(np.logaddexp(0.0, z)))), 0.0)

    def objective(z):
        return divergence(levels(z), gain, first**2, variance)

    found = []
    for seed in range(starts):
        ratio = np.log(first / 0.1) / (steps - 1) * np.random.default_rng(seed).uniform(0.5, 1.5, size=steps - 1)
        rough = optimize.minimize(objective, np.log(np.expm1(ratio)), method="BFGS", options={"gtol": 1e-9})
        found.append(optimize.minimize(objective, rough.x, method="Nelder-Mead", options={"fatol": 1e-13}).fun)
    return min(found), np.ptp(found)


@pytest.mark.parametrize("gain", [ideal, trained])
def test_the_optimum_is_that_of_free_optimisation(gain):
    options = {} if gain is ideal else {"gain": OneLayer(SPECTRUM, EDM(), 0.1, 1.0).gain, "tau": TAU}
    levels = np.asarray(optimal_schedule(SPECTRUM, STEPS, **options))
    assert levels.shape == (STEPS + 1,)
    assert levels[0] == 80
    assert levels[-1] == 0
    assert np.all(np.diff(levels) < 0)
    lowest, spread = free_optimum(gain, 80.0)
    assert spread < 1e-6
    np.testing.assert_allclose(divergence(levels, gain, 80.0**2), lowest, atol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [name for name in ROWS if name not in ("one_layer", "depth_3", "imbalanced")] + list(CONVOLUTIONS)
)
def test_the_optimum_of_every_parametrisation(name):
    """With momentum there are several minima while gains swing."""
    tau = 10.0 if name == "heavy_ball" else 0.3
    denoiser = CONVOLUTIONS[name] if name in CONVOLUTIONS else of_row(name)
    gain = jax.jit(lambda level: denoiser.gain(tau, level))
    levels = optimal_schedule(denoiser.spectrum, STEPS, gain=denoiser.gain, tau=tau)
    variance = np.asarray(denoiser.spectrum.variance)

    def numpy_gain(level):
        return np.asarray(gain(jnp.asarray(level)))

    lowest, _ = free_optimum(numpy_gain, 80.0, variance=variance)
    np.testing.assert_allclose(divergence(np.asarray(levels), numpy_gain, 80.0**2, variance), lowest, atol=1e-8)


def test_the_optimum_of_one_mode_is_the_tangent_law():
    one = Spectrum.from_variances([0.3])
    np.testing.assert_allclose(
        optimal_schedule(one, STEPS, sigma_max=20.0), tangent_schedule(STEPS, np.sqrt(0.3), 20.0), rtol=1e-9
    )
    np.testing.assert_allclose(
        geodesic_schedule(one, STEPS, 20.0), tangent_schedule(STEPS, np.sqrt(0.3), 20.0), rtol=1e-5
    )
    # A cosine schedule without offset is the tangent law of unit variance.
    cosine = uniform_time_levels(VariancePreserving(CosineSchedule(0.0), start_time=0.9), STEPS)
    np.testing.assert_allclose(cosine, tangent_schedule(STEPS, 1.0, cosine[0]), rtol=1e-10)


def test_the_best_tangent_scale_in_fine_steps():
    """A grid of scales, from almost infinite noise."""
    scales = float(best_tangent_scale(SPECTRUM)) * np.exp(np.linspace(-0.05, 0.05, 11))
    np.testing.assert_allclose(best_tangent_scale(SPECTRUM), (VARIANCE.mean() / np.mean(1 / VARIANCE)) ** 0.25)
    angles = np.arctan2(1e8 * np.ones((11, 1, 1)) * np.ones(401), scales[:, None, None])[..., :1]
    levels = scales[:, None] * np.tan(angles[..., 0] * np.linspace(1, 0, 401))
    turned = np.diff(np.arctan(levels[..., None] / np.sqrt(VARIANCE)), axis=1)
    log_ratio = 2 * np.log(np.cos(turned)).sum(axis=1)
    lost = np.pi**2 / (8 * 400) * (scales[:, None] / np.sqrt(VARIANCE) + np.sqrt(VARIANCE) / scales[:, None])
    np.testing.assert_allclose(-log_ratio, lost, rtol=5e-3)
    assert np.argmin(np.sum(np.expm1(log_ratio) - log_ratio, axis=1)) in (4, 5, 6)


@pytest.mark.slow
def test_numbers_of_the_docstring():
    """Seven modes in 20 steps, from σ_T = 80 and from the best one."""
    variance = np.array([10, 3, 1, 0.3, 0.1, 0.03, 0.01])
    spectrum = Spectrum.from_variances(variance)
    scale = float(best_tangent_scale(spectrum))

    def lost(levels):
        return divergence(np.asarray(levels), lambda level: variance / (variance + level**2), levels[0] ** 2, variance)

    edm = np.append(np.linspace(80 ** (1 / 7), 0.002 ** (1 / 7), 20) ** 7, 0.0)
    tangents = tangent_schedule(20, scale, 80.0)
    optimum, geodesic = (lost(make(spectrum, 20, sigma_max=80.0)) for make in (optimal_schedule, geodesic_schedule))
    found = [scale, lost(edm), lost(tangents), geodesic]
    np.testing.assert_allclose(found, [0.559, 0.1449, 0.0898, 0.05349], rtol=1e-3)
    assert 1e-6 < geodesic / optimum - 1 < 1e-4
    start = scale * np.tan(np.pi * 20 / 42)
    np.testing.assert_allclose([start, lost(tangent_schedule(20, scale, start))], [7.46, 0.0852], rtol=1e-3)
    free = optimize.minimize_scalar(
        lambda first: float(lost(optimal_schedule(spectrum, 20, sigma_max=first))), bounds=(8, 40), method="bounded"
    )
    np.testing.assert_allclose([free.fun, free.x], [0.0504, 16.6], rtol=5e-3)


def test_what_is_refused():
    gain = OneLayer(SPECTRUM, EDM(), 0.0, 1.0).gain
    flow = OneLayer(SPECTRUM, FlowMatching(), 0.1, 1.0)
    mixing = MisalignedTwoLayer(SPECTRUM, EDM(), 0.1 * np.eye(4) + 0.01, 1.0)
    refused = {
        "gain and tau must be given together": lambda: optimal_schedule(SPECTRUM, 3, gain=gain),
        "tau must be one number": lambda: optimal_schedule(SPECTRUM, 3, gain=gain, tau=jnp.ones(2)),
        "tau, a training time, must be zero or more": lambda: optimal_schedule(SPECTRUM, 3, gain=gain, tau=-1.0),
        "variances must be positive": lambda: optimal_schedule(cases.spectrum([1.0, 0.0]), 3),
        "sigma_max must be positive and finite": lambda: optimal_schedule(SPECTRUM, 3, sigma_max=-1.0),
        "sigma_max, as a time of the process, must lie between 0 and 1": lambda: optimal_schedule(
            SPECTRUM, 3, process=VariancePreserving(), sigma_max=1e9
        ),
        "gain must be that of denoised data": lambda: optimal_schedule(
            SPECTRUM, 3, process=FlowMatching(), gain=flow.gain, tau=1.0
        ),
        "modes must not mix": lambda: optimal_schedule(SPECTRUM, 3, gain=mixing.gain, tau=1.0),
        "some levels must generate variance in every mode": lambda: optimal_schedule(
            SPECTRUM, STEPS, gain=gain, tau=0.0
        ),
        "levels must fall strictly to zero": lambda: ddim_variance(jnp.asarray([1.0, 0.5]), gain, 1.0),
        "levels must be a sequence": lambda: heun_variance(jnp.asarray(1.0), gain, 1.0),
    }
    for sentence, ask in refused.items():
        with pytest.raises(ValueError, match=sentence):
            ask()


@pytest.mark.slow
def test_the_derivative_of_an_optimum_is_that_of_its_neighbours():
    def levels(x):
        return optimal_schedule(Spectrum(jnp.zeros(4), VARIANCE * jnp.asarray([x, 1, 1, 1])), STEPS)

    step = 1e-4
    batch = jax.vmap(levels)(1 + step * jnp.asarray([-1.0, 0.0, 1.0]))
    np.testing.assert_allclose(jax.jacfwd(levels)(1.0), (batch[2] - batch[0]) / (2 * step), atol=1e-6)
    np.testing.assert_allclose(batch[1], optimal_schedule(SPECTRUM, STEPS), rtol=1e-9)


@pytest.mark.slow
def test_a_layer_of_its_own_is_better_from_levels_of_its_own():
    """The best last level of a network in training lies above that of the ideal one, where gains are learned."""
    denoiser = SymmetricTwoLayer(SPECTRUM, EDM(), 0.1, 1.0)
    early = optimal_schedule(SPECTRUM, STEPS, gain=denoiser.gain, tau=0.3)
    assert early[-2] > 2 * optimal_schedule(SPECTRUM, STEPS)[-2]
