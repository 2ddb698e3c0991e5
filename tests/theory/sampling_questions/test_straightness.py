"""Straightness against Runge-Kutta of other steps, Euler's method step by step, and the Monge map on a line."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, optimize, stats

from tests import cases
from theory import (
    DeepLinear,
    FlowMatching,
    FullWidthConvolution,
    OneLayer,
    OneLayerWithBias,
    PatchConvolution,
    Spectrum,
)
from theory.definitions.objectives import Objective
from theory.definitions.targets import DenoiserTarget
from theory.sampling_questions.straightness import (
    euler_loss,
    euler_variance,
    rectified_euler_loss,
    rectified_straightness,
    straightness,
)

TIMES = np.array([0.0, 0.3, 2.0, 8.0])
VARIANCES = np.array([3.0, 0.3, 0.01])


@pytest.fixture(scope="module", autouse=True)
def quick_compilation():
    """Compiling is nearly all the time there is."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


def one_layer(variance=VARIANCES, initial=0.1, rate=1.0):
    return OneLayer(cases.spectrum(variance), FlowMatching(), initial, rate)


def by_runge_kutta(denoiser):
    """S and the loss of Euler's method, (times, modes), from a, ∫ψ²a² dt and ∫ψ² dt along the way."""
    gain = jax.jit(lambda t: denoiser.gain(jnp.asarray(TIMES), jnp.full(TIMES.size, t)))
    shape = (TIMES.size, denoiser.spectrum.dimension)

    def rates(t, state):
        velocity, scale = np.asarray(gain(t)), state[: np.prod(shape)].reshape(shape)
        return np.concatenate([(velocity * scale).ravel(), (velocity * scale).ravel() ** 2, velocity.ravel() ** 2])

    start = np.concatenate([np.ones(np.prod(shape)), np.zeros(2 * np.prod(shape))])
    found = integrate.solve_ivp(rates, (0.0, 1.0), start, method="DOP853", rtol=1e-11, atol=1e-13)
    scale, energy, squares = found.y[:, -1].reshape(3, *shape)
    return energy - (scale - 1) ** 2, squares + np.asarray(gain(1.0)) - np.asarray(gain(0.0))


AUTOCOVARIANCE = np.array([1.0, 0.5, 0.1, 0.5])
BY_NAME = {case.id: case.values[0] for case in (*cases.ALL, *cases.LAYERED)}
OTHERS = {
    "depth_4": lambda: DeepLinear(cases.spectrum(VARIANCES), FlowMatching(), 0.1, 1.0, depth=4),
    "patch": lambda: PatchConvolution.from_autocovariance(AUTOCOVARIANCE, 3, FlowMatching(), 0.1, 1.0),
    "full width": lambda: FullWidthConvolution.from_autocovariance(AUTOCOVARIANCE, FlowMatching(), 0.1, 1.0),
}
QUICK = ("one_layer-flow-FlowTarget",)
SLOW = (
    "symmetric_two_layer-flow-FlowTarget",
    "two_layer-flow-FlowTarget",
    "imbalanced-flow-FlowTarget",
    "depth_3-flow-FlowTarget",
    "heavy_ball-flow-FlowTarget",
    *OTHERS,
)


@pytest.mark.slow_cases(*SLOW)
@pytest.mark.parametrize("name", [*QUICK, *SLOW])
def test_paths_by_runge_kutta(name):
    denoiser = OTHERS[name]() if name in OTHERS else BY_NAME[name].denoiser(cases.spectrum(VARIANCES), 0.1)
    bent, lost = by_runge_kutta(denoiser)
    np.testing.assert_allclose(straightness(denoiser, TIMES), bent, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(euler_loss(denoiser, TIMES), lost, rtol=1e-8, atol=1e-9)


def test_before_and_after_training():
    """From the gain Q: Q(e^2Q - 1)/2 - (e^Q - 1)² and Q²; at the end (2 - π/2)√λ and ∫λ/g² dt."""
    variance = np.array([23.0, 1.0, 0.01])
    ends = np.array([0.0, np.inf])
    bent, lost = (np.asarray(each(one_layer(variance, 0.3), ends)) for each in (straightness, euler_loss))
    np.testing.assert_allclose(bent[0], 0.15 * np.expm1(0.6) - np.expm1(0.3) ** 2, rtol=1e-11)
    np.testing.assert_allclose(lost[0], 0.09, rtol=1e-12)
    np.testing.assert_allclose(bent[1], (2 - np.pi / 2) * np.sqrt(variance), rtol=1e-11)
    np.testing.assert_allclose(rectified_straightness(variance), bent[1], rtol=1e-11)
    by_hand = [
        integrate.quad(lambda t, own=own: own / ((1 - t) ** 2 + own * t**2) ** 2, 0, 1, epsabs=1e-12, limit=200)[0]
        for own in variance
    ]
    np.testing.assert_allclose(lost[1], by_hand, rtol=1e-10)
    np.testing.assert_allclose(rectified_euler_loss(variance), by_hand, rtol=1e-10)


def steps_by_hand(gain, times):
    x = 1.0
    for now, after in zip(times[:-1], times[1:], strict=True):
        x = x + (after - now) * gain(now) * x
    return x**2


def test_steps_of_euler_and_their_cosines():
    times = np.array([0.0, 0.1, 0.35, 0.5, 0.9, 1.0])
    denoiser = one_layer()
    expected = steps_by_hand(lambda t: np.asarray(denoiser.gain(jnp.asarray(TIMES), jnp.full(TIMES.size, t))), times)
    np.testing.assert_allclose(euler_variance(denoiser, TIMES, times), expected, rtol=1e-12)
    angles = np.arctan2(1 - times, times * np.sqrt(VARIANCES)[:, None])
    cosines = VARIANCES * np.prod(np.cos(np.diff(angles)), axis=1) ** 2
    np.testing.assert_allclose(euler_variance(denoiser, np.inf, times), cosines, rtol=1e-12)
    np.testing.assert_allclose(euler_variance(denoiser, np.inf, np.array([0.0, 1.0])), 0.0, atol=1e-30)


def test_first_order_of_many_steps():
    """Extrapolated in 1/N, and the errors of the docstring."""

    def gain(t):
        power = (1 - t) ** 2 + VARIANCES * t**2
        best = (VARIANCES * t - (1 - t)) / power
        return best + (0.1 - best) * np.exp(-2 * 0.3 * power)

    whole = np.array(
        [integrate.quad(lambda t, k=k: 2 * gain(t)[k], 0, 1, epsabs=1e-14, epsrel=1e-13)[0] for k in range(3)]
    )
    lost = [
        count * (whole - np.log(steps_by_hand(gain, np.linspace(0, 1, count + 1)))) for count in (128, 256, 512, 1024)
    ]
    for order in (1, 2, 3):
        lost = [(2**order * fine - coarse) / (2**order - 1) for coarse, fine in zip(lost[:-1], lost[1:], strict=True)]
    np.testing.assert_allclose(euler_loss(one_layer(), TIMES)[1], lost[0], rtol=1e-8)
    for count, share in ((16, 0.0042), (64, 0.00026)):
        ideal = np.prod(np.cos(np.diff(_angles(10.0, count)))) ** 2
        assert -count * np.log(ideal) == pytest.approx(float(rectified_euler_loss(10.0)) * (1 + share), rel=1e-4)
    assert float(rectified_euler_loss(1.0)) == pytest.approx(2.57, abs=1e-3)


def _angles(variance, count):
    times = np.linspace(0, 1, count + 1)
    return np.arctan2(1 - times, times * np.sqrt(variance))


def test_small_modes_bend_more_in_training_than_after_it():
    share = float(straightness(one_layer(np.array([1.0, 0.1, 0.005]), 0.0), np.array([3.0] * 4))[0, 2])
    assert share / float(rectified_straightness(0.005)) == pytest.approx(3.2, abs=0.01)


def test_end_of_the_flow_on_a_line_is_the_monge_map():
    """Of two clusters: quantiles go to quantiles."""
    weights, means, widths = np.array([0.3, 0.7]), np.array([-1.5, 1.0]), np.array([0.2, 0.6])

    def velocity(t, x):
        power = (1 - t) ** 2 + (t * widths) ** 2
        masses = weights * stats.norm.pdf(x[:, None], t * means, np.sqrt(power))
        along = means + (t * widths**2 - (1 - t)) / power * (x[:, None] - t * means)  # E[x_1 - x_0 | x, cluster]
        return np.sum(masses * along, axis=1) / masses.sum(axis=1)

    start = np.array([-1.7, -0.6, -0.4, 0.0, 2.0])
    found = integrate.solve_ivp(velocity, (0.0, 1.0), start, method="DOP853", rtol=1e-12, atol=1e-12).y[:, -1]
    quantiles = [
        optimize.brentq(
            lambda x, z=z: weights @ stats.norm.cdf(x, means, widths) - stats.norm.cdf(z), -9, 9, xtol=1e-13
        )
        for z in start
    ]
    np.testing.assert_allclose(found, quantiles, rtol=1e-8)


@pytest.mark.slow
def test_derivatives_batches_and_single_precision():
    times, single_times = jnp.asarray(TIMES), TIMES.astype(np.float32)

    def both(rate, times=times):
        return jnp.stack([question(one_layer(rate=rate), times) for question in (straightness, euler_loss)])

    moved = jax.jit(jax.jacfwd(both))(1.0)
    np.testing.assert_allclose(moved, (both(1 + 1e-4) - both(1 - 1e-4)) / 2e-4, rtol=1e-6, atol=1e-8)
    backwards = jax.jit(jax.grad(lambda rate: both(rate)[0, 1, 0]))(1.0)
    np.testing.assert_allclose(backwards, moved[0, 1, 0], rtol=1e-10)
    batched = jax.vmap(lambda tau: both(1.0, tau), out_axes=1)(times)
    np.testing.assert_allclose(batched, both(1.0), rtol=1e-12, atol=1e-14)
    for question, expected in zip((straightness, euler_loss), both(1.0), strict=True):
        single = question(one_layer(VARIANCES.astype(np.float32)), single_times)
        assert single.dtype == np.float32
        np.testing.assert_allclose(single, expected, atol=1e-4)


def test_what_is_refused():
    own = Spectrum.from_variances(VARIANCES)
    with pytest.raises(ValueError, match="tau, a training time, must be zero or more"):
        straightness(one_layer(), -1.0)
    with pytest.raises(ValueError, match="velocities of flow matching"):
        straightness(OneLayer(own, cases.PROCESSES["edm"][0], 0.1, 1.0), 1.0)
    with pytest.raises(ValueError, match="velocities of flow matching"):
        euler_loss(OneLayer(own, FlowMatching(), 0.1, 1.0, objective=Objective(DenoiserTarget())), 1.0)
    with pytest.raises(ValueError, match="modes must not mix"):
        straightness(OneLayerWithBias(own, FlowMatching(), 0.1, 1.0), 1.0)
    with pytest.raises(ValueError, match="rise strictly from 0 to 1"):
        euler_variance(one_layer(), 1.0, jnp.array([0.0, 0.5]))
    with pytest.raises(ValueError, match="must be a sequence of two or more"):
        euler_variance(one_layer(), 1.0, jnp.array([0.0]))
    for question in (rectified_straightness, rectified_euler_loss):
        with pytest.raises(ValueError, match="variance must be zero or more; got -1"):
            question(-1.0)


def test_times_may_be_a_list():
    times = [0.0, 0.5, 1.0]
    np.testing.assert_array_equal(
        euler_variance(one_layer(), 1.0, times), euler_variance(one_layer(), 1.0, np.array(times))
    )
