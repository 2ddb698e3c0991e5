"""Weights and bias on data whose mean is not zero: raw gradient flow, matrix exponentials, SciPy's sampling ODE."""

import functools

import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
from hypothesis import given

from tests import cases
from theory import EDM, FlowMatching, OneLayer, OneLayerWithBias, Spectrum, VariancePreserving, generated_covariance
from theory.definitions.objectives import Objective
from theory.definitions.preconditionings import EDMPreconditioning
from theory.definitions.targets import FlowTarget, VelocityTarget
from theory.definitions.weights import EDMWeight
from theory.spectral_law.distances import alignment
from theory.spectral_law.moments import generated_mean

TIMES = np.array([0.0, 1e-3, 0.03, 0.4, 4.0])


def vp_scales(t):
    alpha = np.exp(-0.1 * t - 9.95 * t**2)
    return alpha, np.sqrt(1 - alpha**2)


# process, objective, levels; (α, σ) of the level, (c, e) of those, and w, c_skip, scale of F as functions of σ
SETTINGS = {
    "edm": (EDM(), None, [0.05, 1.0, 6.0], lambda t: (1.0, t), lambda a, s: (1.0, 0.0), lambda s: (1.0, 0.0, 1.0)),
    "vp velocity": (
        VariancePreserving(),
        Objective(VelocityTarget()),
        [0.05, 0.3, 0.9],
        vp_scales,
        lambda a, s: (-s, a),
        lambda s: (1.0, 0.0, 1.0),
    ),
    "flow": (
        FlowMatching(),
        Objective(FlowTarget()),
        [0.1, 0.6, 0.97],
        lambda t: (t, 1 - t),
        lambda a, s: (1.0, -1.0),
        lambda s: (1.0, 0.0, 1.0),
    ),
    "preconditioned": (
        EDM(),
        Objective(weight=EDMWeight(0.7), preconditioning=EDMPreconditioning(0.7)),
        [0.05, 1.0, 6.0],
        lambda t: (1.0, t),
        lambda a, s: (1.0, 0.0),
        lambda s: (1 / s**2 + 1 / 0.49, 0.49 / (s**2 + 0.49), 0.7 * s / (s**2 + 0.49)),
    ),
}
# variances and mean, the latter in mode coordinates
DATA = {
    "general": ([3.0, 0.7, 0.05], [1.0, -2.0, 0.5]),
    "equal variances": ([0.7, 0.7, 0.05], [1.0, -2.0, 0.5]),
    "mean along one mode, no data in another": ([2.0, 0.3, 0.0], [0.0, 1.5, 0.0]),
    "mean in a mode without data": ([2.0, 0.3, 0.0], [0.0, 0.0, 1.5]),
    "no mean": ([2.0, 0.3, 0.05], [0.0, 0.0, 0.0]),
    "white, one point": ([0.0, 0.0, 0.0], [1.0, 2.0, 0.0]),
}
START_GAIN, START_BIAS = np.array([0.1, 0.6, 1.3]), np.array([0.2, 0.0, -0.4])


def rotation(dimension, seed):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(dimension, dimension)))[0]


def rotated(variance, mode_mean, seed=1):
    """The spectrum, and mean and covariance in the data's coordinates."""
    basis = rotation(len(variance), seed)
    mean = basis @ np.array(mode_mean)
    spectrum = Spectrum(jnp.asarray(mean), jnp.asarray(variance), jnp.asarray(basis))
    return spectrum, mean, basis @ np.diag(variance) @ basis.T


class Loss:
    """w E|y - c_skip x - r (W x + b)|², with r the scale of the network, from the moments of (x, 1) and y."""

    def __init__(self, setting, mean, covariance, t):
        _, _, _, scales, coefficients, factors = SETTINGS[setting]
        self.mean = mean
        self.alpha, self.sigma = scales(t)
        self.signal, noise = coefficients(self.alpha, self.sigma)
        self.weight, self.skip, self.scale = factors(self.sigma)
        identity, second = np.eye(len(mean)), covariance + np.outer(mean, mean)
        inputs = self.alpha**2 * second + self.sigma**2 * identity
        self.moments = np.block([[inputs, self.alpha * mean[:, None]], [self.alpha * mean[None], np.ones((1, 1))]])
        cross = self.alpha * self.signal * second + self.sigma * noise * identity
        self.cross = np.concatenate([cross, self.signal * mean[:, None]], axis=1)
        self.skipped = self.skip * np.concatenate([identity, np.zeros((len(mean), 1))], axis=1)

    def gradient(self, theta):
        """dL/d[W b] of E|y|² - 2 tr … + tr …, a (d, d+1) matrix."""
        return -2 * self.weight * self.scale * (self.cross - (self.skipped + self.scale * theta) @ self.moments)

    def trained(self, theta, time):
        """[W b](τ) by the exponential of the moments, for η = 1.

        The optimum by elimination of the bias: W* is that of centred data, which is well conditioned, and b* makes the
        means equal.
        """
        outer = np.outer(self.mean, self.mean)
        inputs = self.moments[:-1, :-1] - self.alpha**2 * outer
        total = np.linalg.solve(inputs, (self.cross[:, :-1] - self.alpha * self.signal * outer).T).T
        bias = self.signal * self.mean - self.alpha * (total @ self.mean)
        optimum = (np.concatenate([total, bias[:, None]], axis=1) - self.skipped) / self.scale
        decay = scipy.linalg.expm(-2 * time * self.weight * self.scale**2 * self.moments)
        return optimum + (theta - optimum) @ decay


def start(basis):
    return np.concatenate([basis @ np.diag(START_GAIN) @ basis.T, START_BIAS[:, None]], axis=1)


def build(setting, spectrum, gain=START_GAIN, bias=START_BIAS, learning_rate=1.0):
    process, objective = SETTINGS[setting][:2]
    return OneLayerWithBias(spectrum, process, gain, learning_rate, objective, initial_bias=bias)


# --- Training ---


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("data", DATA)
def test_weights_and_bias_equal_integration_of_the_raw_gradient_flow(data, setting):
    spectrum, mean, covariance = rotated(*DATA[data])
    levels = np.array(SETTINGS[setting][2])
    matrix, bias = build(setting, spectrum).weights(jnp.asarray(TIMES)[:, None], jnp.asarray(levels))
    for level, t in enumerate(levels):
        loss = Loss(setting, mean, covariance, t)
        path = scipy.integrate.solve_ivp(
            lambda _, theta, loss=loss: -loss.gradient(theta.reshape(3, 4)).ravel(),
            (0, TIMES[-1]),
            start(np.asarray(spectrum.basis)).ravel(),
            method="LSODA",
            t_eval=TIMES,
            rtol=1e-12,
            atol=1e-13,
        ).y.T.reshape(-1, 3, 4)
        np.testing.assert_allclose(matrix[:, level], path[..., :3], rtol=0, atol=1e-9)
        np.testing.assert_allclose(bias[:, level], path[..., 3], rtol=0, atol=1e-9)


@given(
    hnp.arrays(float, 3, elements=st.sampled_from([0.0, 1e-6, 0.2, 0.2, 1.0, 30.0])),
    hnp.arrays(float, 3, elements=st.sampled_from([0.0, 0.0, 1e-5, 0.3, -2.0, 8.0])),
    st.floats(-5, 2),
    st.floats(-2, 1.5),
    st.integers(0, 2**31),
)
@cases.property_test
def test_weights_and_bias_equal_the_matrix_exponential(variance, mode_mean, log_time, log_sigma, seed):
    """EDM, on degenerate data most of the time."""
    spectrum, mean, covariance = rotated(variance, mode_mean, seed)
    time, sigma = 10.0**log_time, 10.0**log_sigma
    matrix, bias = build("edm", spectrum).weights(jnp.asarray(time), jnp.asarray(sigma))
    expected = Loss("edm", mean, covariance, sigma).trained(start(np.asarray(spectrum.basis)), time)
    # Rates are known to round-off of the largest.
    largest = 2 * time * (30 + sigma**2 + np.sum(mean**2) + 1)
    actual = np.concatenate([matrix, bias[:, None]], axis=1)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-12 + 1e-14 * largest)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("data", DATA)
def test_start_is_exact_and_the_end_is_the_optimum_for_centred_data(data, setting):
    """W* is that of centred data, b* makes the mean of the prediction that of the target."""
    spectrum, mean, covariance = rotated(*DATA[data])
    denoiser, basis = build(setting, spectrum), np.asarray(spectrum.basis)
    for t in SETTINGS[setting][2]:
        loss, centred = (Loss(setting, m, covariance, t) for m in (mean, np.zeros(3)))
        matrix, bias = denoiser.weights(jnp.asarray([0.0, jnp.inf]), jnp.asarray(t))
        np.testing.assert_allclose(matrix[0], start(basis)[:, :3], rtol=0, atol=1e-15)
        np.testing.assert_allclose(bias[0], START_BIAS, rtol=0, atol=1e-15)
        optimum = centred.cross[:, :3] @ np.linalg.inv(centred.moments[:3, :3])
        np.testing.assert_allclose(loss.scale * matrix[1] + loss.skip * np.eye(3), optimum, rtol=0, atol=1e-12)
        predicted = loss.alpha * (optimum @ mean) + loss.scale * bias[1]
        np.testing.assert_allclose(predicted, loss.signal * mean, rtol=0, atol=1e-12)


@pytest.mark.parametrize("setting", SETTINGS)
def test_map_gain_and_prediction_are_those_of_the_whole_denoiser(setting):
    """D(x) = c_skip x + r (W x + b), written about the means of input and target in mode coordinates."""
    spectrum, mean, covariance = rotated(*DATA["general"])
    denoiser, basis, x = build(setting, spectrum), np.asarray(spectrum.basis), np.array([0.3, -1.0, 2.0])
    for t in SETTINGS[setting][2]:
        loss = Loss(setting, mean, covariance, t)
        matrix, bias = (np.asarray(y) for y in denoiser.weights(jnp.asarray(0.2), jnp.asarray(t)))
        expected = loss.skip * x + loss.scale * (matrix @ x + bias)
        carried = denoiser.affine_map(jnp.asarray(0.2), jnp.asarray(t))
        modes = np.asarray(carried.matrix) @ (basis.T @ (x - loss.alpha * mean)) + np.asarray(carried.offset)
        np.testing.assert_allclose(basis @ modes + loss.signal * mean, expected, rtol=0, atol=1e-12)
        total = loss.skip * np.eye(3) + loss.scale * matrix
        gain = denoiser.gain(jnp.asarray(0.2), jnp.asarray(t))
        np.testing.assert_allclose(gain, np.diagonal(basis.T @ total @ basis), rtol=0, atol=1e-12)


@pytest.mark.parametrize("setting", SETTINGS)
def test_without_a_mean_it_is_the_one_layer_network(setting):
    spectrum, _, _ = rotated(*DATA["no mean"])
    process, objective, levels = SETTINGS[setting][:3]
    plain = OneLayer(spectrum, process, START_GAIN, 0.3, objective)
    biased = build(setting, spectrum, bias=0.0, learning_rate=0.3)
    tau, levels = jnp.asarray(TIMES)[:, None], jnp.asarray(levels)
    np.testing.assert_allclose(biased.gain(tau, levels), plain.gain(tau, levels), rtol=0, atol=1e-13)
    matrix, bias = biased.weights(tau, levels)
    np.testing.assert_allclose(matrix, plain.weights(tau, levels), rtol=0, atol=1e-13)
    assert not bias.any()


@pytest.mark.slow
def test_gain_overshoots_along_the_mean_and_not_without_it():
    """The mean is a direction of large second moment, fitted early by W and given back to b later."""
    tau, sigma = jnp.asarray(np.logspace(-3, 5, 300)), jnp.asarray(1.0)
    optimum = 1.0 / (1.0 + 1.0)
    for mean, passes in [([3.0, 0.0], True), ([0.0, 0.0], False)]:
        spectrum = Spectrum(jnp.asarray(mean), jnp.ones(2))
        gain = np.asarray(OneLayerWithBias(spectrum, EDM(), 0.1, 1.0).gain(tau, sigma))
        assert (gain[:, 0].max() > optimum + 0.1) == passes
        assert gain[:, 1].max() <= optimum + 1e-14
        np.testing.assert_allclose(gain[-1], optimum, rtol=1e-12)
        if not passes:
            assert np.all(np.diff(gain, axis=0) >= -1e-15)


# --- Sampling ---


def sampled(setting, mean, covariance, theta, time):
    """Mean and covariance by the probability-flow ODE in SciPy, with the networks from expm."""
    dimension = len(mean)

    def moments_after(velocity, interval, prior):
        state = np.concatenate([np.zeros((dimension, 1)), prior * np.eye(dimension)], axis=1)
        end = scipy.integrate.solve_ivp(
            lambda u, flat: velocity(u, flat.reshape(dimension, -1)).ravel(),
            interval,
            state.ravel(),
            method="DOP853",
            rtol=1e-10,
            atol=1e-12,
        ).y[:, -1]
        end = end.reshape(dimension, -1)
        return end[:, 0], end[:, 1:]

    def moved(drift, shift, state, speed):
        m, c = state[:, :1], state[:, 1:]
        return speed * np.concatenate([drift @ m + shift, drift @ c + c @ drift.T], axis=1)

    def denoised(log_sigma, state):
        sigma = np.exp(log_sigma)
        network = Loss(setting, mean, covariance, sigma).trained(theta, time)
        # dx/d ln σ = x - D(x)
        return moved(np.eye(dimension) - network[:, :-1], -network[:, -1:], state, 1.0)

    def flowing(t, state):
        network = Loss(setting, mean, covariance, t).trained(theta, time)
        return moved(network[:, :-1], network[:, -1:], state, 1.0)

    if setting == "edm":
        return moments_after(denoised, (np.log(80.0), np.log(0.002)), 80.0**2)
    return moments_after(flowing, (0.0, 1.0), 1.0)


@functools.cache
def compiled_sampling(setting):
    def sample(mean, variance, basis, gain, bias, tau):
        denoiser = build(setting, Spectrum(mean, variance, basis), gain, bias)
        return generated_mean(denoiser, tau), generated_covariance(denoiser, tau), denoiser.generated_variance(tau)

    return jax.jit(sample)


@pytest.mark.parametrize(
    ("variance", "mode_mean"),
    [([2.0, 0.1], [1.0, -0.7]), ([0.5, 0.5], [1.5, 0.4]), ([1.0, 0.0], [0.0, 2.0])],
    ids=["general", "equal variances", "mean in a mode without data"],
)
@pytest.mark.parametrize("setting", ["edm", "flow"])
def test_generated_mean_and_covariance_equal_scipy_integration(setting, variance, mode_mean):
    spectrum, mean, covariance = rotated(variance, mode_mean)
    basis, gain, bias = np.asarray(spectrum.basis), np.array([0.1, 0.5]), np.array([0.2, -0.3])
    theta = np.concatenate([basis @ np.diag(gain) @ basis.T, bias[:, None]], axis=1)
    times = [0.0, 0.3] if setting == "edm" else [0.0, 0.02, 0.3, 5.0]
    answers = compiled_sampling(setting)(
        jnp.asarray(mean), spectrum.variance, spectrum.basis, jnp.asarray(gain), jnp.asarray(bias), jnp.asarray(times)
    )
    for time, m, c, diagonal in zip(times, *answers, strict=True):
        exact_mean, exact_covariance = sampled(setting, mean, covariance, theta, time)
        size = np.abs(exact_covariance).max()
        np.testing.assert_allclose(m, exact_mean, rtol=0, atol=1e-9 * np.sqrt(size))
        np.testing.assert_allclose(c, exact_covariance, rtol=0, atol=1e-9 * size)
        np.testing.assert_allclose(diagonal, np.diagonal(basis.T @ c @ basis), rtol=1e-10)


def test_modes_mix_while_the_mean_is_learned():
    """The generated covariance leaves the data's axes and comes back to them."""
    spectrum, _, _ = rotated([2.0, 0.1], [1.0, -0.7])
    denoiser = OneLayerWithBias(spectrum, EDM(), 0.1, 1.0)
    start_up, passing, done = alignment(denoiser, jnp.asarray([0.0, 0.1, 1e6]))
    np.testing.assert_allclose([start_up, done], 1.0, rtol=1e-12)
    assert passing < 0.99


# --- Transformations and what is refused ---


def test_single_precision_refuses_moments_too_far_apart_for_it():
    """Round-off of the largest eigenvalue of M made others negative: at τ = ∞ what was generated was infinite."""

    def build(variance):
        return OneLayerWithBias(Spectrum(jnp.asarray([0.5, -0.5]), variance), EDM(), 0.1, 1.0)

    with jax.enable_x64(False):
        assert np.isfinite(build(jnp.asarray([10.0, 0.01])).gain(1.0, 0.1)).all()
        apart = jnp.asarray([1e4, 1e-6])
        with pytest.raises(ValueError, match="OneLayerWithBias with second moments .*jax_enable_x64"):
            build(apart)
        assert np.isnan(jax.jit(lambda variance: build(variance).gain(1.0, 0.1))(apart)).all()
    assert np.isfinite(build(jnp.asarray([1e4, 1e-6])).gain(1.0, 0.1)).all()


@pytest.mark.slow
@pytest.mark.parametrize("data", DATA)
def test_derivatives_of_the_map_are_finite_at_both_ends_of_training(data):
    variance, mean = map(jnp.asarray, DATA[data])

    def flat(variance, mean, tau):
        network = OneLayerWithBias(Spectrum(mean, variance), EDM(), 0.1, 1.0)
        return jnp.concatenate([x.ravel() for x in network.affine_map(tau, jnp.asarray(0.5))])

    for transform in (jax.jacfwd, jax.jacrev):
        jacobian = jax.jit(jax.vmap(transform(flat, (0, 1, 2)), in_axes=(None, None, 0)))
        for leaf in jacobian(variance, mean, jnp.asarray([0.0, 0.3, jnp.inf])):
            assert np.isfinite(leaf).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"initial_bias": [0.1, 0.2]}, r"initial_bias must be a number or a vector of length 3; got shape \(2,\)"),
        ({"initial_gain": [0.1, 0.2]}, "initial_gain must be a number or one per mode"),
    ],
)
def test_arguments_that_are_refused(arguments, message):
    arguments = {"initial_gain": 0.1, "learning_rate": 1.0} | arguments
    with pytest.raises(ValueError, match=message):
        OneLayerWithBias(cases.spectrum(np.ones(3)), EDM(), **arguments)
