"""Training loops against NumPy and against the theory of gradient descent; trained networks against closed forms."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.experiments.linear import generated_mode_variances, train_seeds_minibatch
from sims.measurements.agreement import agreement
from sims.measurements.estimates import mean_over
from sims.networks.linear import (
    LinearDenoiser,
    PreconditionedDenoiser,
    linear_denoiser,
    one_per_level,
    tied_two_layer_denoiser,
    total_maps_of,
)
from sims.sampling.linear_flow import flow_of
from sims.sampling.schedules import log_snr_schedule
from sims.training.descent import Clock, common_clock, train_full_batch, train_minibatch
from sims.training.pairs import PairCoefficients, noisy_moments
from sims.training.training_sets import gaussian_training_sets
from tests.oracles import networks as network_oracles
from theory import EDM, OneLayer, Spectrum, SymmetricTwoLayer, generated_variance, generated_variance_on_schedule
from theory.definitions.targets import DenoiserTarget
from theory.spectral_law.denoiser import regression_at
from theory.spectral_law.parametrisations.symmetric_two_layer import tied_gradient_descent
from theory.spectral_law.regression import gradient_descent, mode_regression

KEY = jax.random.key(0)
LEVELS = np.array([0.1, 1.0, 3.0])


def dtypes(networks):
    return {leaf.dtype.name for leaf in jax.tree.leaves(networks)}


# --- Full batch ---


def descend(case, target, noisy, weight, step_sizes, steps):
    """Gradient descent on w (1/P) Σ|y - D(x)|² in NumPy, sample matrices and all; every array per stage."""
    parameters, stages = case.parameters, []
    for step, count in zip(step_sizes, steps, strict=True):
        for _ in range(count):
            slopes = network_oracles.gradient(case, parameters, target, noisy, weight)
            parameters = [array - step * slope for array, slope in zip(parameters, slopes, strict=True)]
        stages.append(parameters)
    return [np.stack(arrays) for arrays in zip(*stages, strict=True)]


COEFFICIENTS = np.array([[1.0, 0.8, 0.2], [0.1, 1.0, 3.0], [1.0, -0.5, 1.0], [0.0, 0.7, -1.0], [1.0, 2.0, 0.3]])
STEP_SIZES, STEPS = np.array([[1e-2, 2e-2, 3e-3], [3e-2, 1e-2, 5e-3]]), np.array([3, 4])
SCALES = np.array([1.5, 1.0, 0.3, 0.5, 1.0, 0.2])


def leaves_close(networks, expected):
    for leaf, other in zip(jax.tree.leaves(networks), expected, strict=True):
        np.testing.assert_allclose(leaf, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("case", network_oracles.CASES.values(), ids=network_oracles.CASES)
def test_full_batch_equals_a_loop_at_every_seed_level_and_stage(case):
    """Every kind of network, targets and weights that differ between levels; scales that are fixed stay as they are."""
    rng = np.random.default_rng(0)
    clean, noise = rng.normal(size=(2, 2, 50, 6)) * SCALES + 0.3
    pairs = PairCoefficients(*map(jnp.asarray, COEFFICIENTS))
    moments = jax.vmap(noisy_moments, (0, 0, None))(jnp.asarray(clean), jnp.asarray(noise), pairs)
    trained = train_full_batch(case.network, moments, jnp.asarray(STEP_SIZES), jnp.asarray(STEPS))
    assert dtypes(trained) == {"float64"}
    assert total_maps_of(trained).shape == (2, 3, 2, 6, 6)
    for seed, level in np.ndindex(2, 3):
        alpha, sigma, signal, noise_factor, weight = COEFFICIENTS[:, level]
        target = signal * clean[seed] + noise_factor * noise[seed]
        noisy = alpha * clean[seed] + sigma * noise[seed]
        expected = descend(case, target, noisy, weight, STEP_SIZES[:, level], STEPS)
        leaves_close(jax.tree.map(lambda leaf, at=(seed, level): leaf[at], trained), expected)


def test_scales_per_noise_level_reach_their_own_level():
    inner = LinearDenoiser(0.3 * jnp.eye(6), jnp.zeros(6))
    scales = np.array([[0.9, 0.5, 0.0], [0.1, 1.0, 2.0], [0.5, 1.0, 3.0]])
    rng = np.random.default_rng(0)
    clean, noise = rng.normal(size=(2, 50, 6)) * SCALES + 0.3
    moments = jax.tree.map(
        lambda leaf: leaf[None], noisy_moments(jnp.asarray(clean), jnp.asarray(noise), jnp.asarray(LEVELS))
    )
    network = PreconditionedDenoiser(*map(jnp.asarray, scales), inner)
    trained = train_full_batch(network, moments, jnp.asarray(STEP_SIZES), jnp.asarray(STEPS))
    for level, sigma in enumerate(LEVELS):
        single = PreconditionedDenoiser(*map(jnp.asarray, scales[:, level]), inner)
        case = network_oracles.Case(single, lambda p, x: p[0] * x + p[1] * (x / p[2] @ p[3].T + p[4]), fixed=3)
        expected = descend(case, clean, clean + sigma * noise, 1.0, STEP_SIZES[:, level], STEPS)
        leaves_close(jax.tree.map(lambda leaf, level=level: leaf[0, level], trained), expected)


@pytest.mark.parametrize("case", network_oracles.CASES.values(), ids=network_oracles.CASES)
def test_minibatches_of_one_noiseless_sample_equal_a_loop(case):
    """Without anything random left, SGD is gradient descent on that sample, for every kind of network."""
    sample = np.random.default_rng(1).normal(size=(1, 6))
    coefficients = COEFFICIENTS * [[1], [0], [1], [0], [1]]
    pairs = PairCoefficients(*map(jnp.asarray, coefficients))
    start, arguments = one_per_level(case.network, 3), (jnp.asarray(STEP_SIZES), jnp.asarray(STEPS))
    trained = train_minibatch(start, jnp.asarray(sample), pairs, *arguments, batch_size=5, key=KEY)
    for level in range(3):
        alpha, _, signal, _, weight = coefficients[:, level]
        expected = descend(case, signal * sample, alpha * sample, weight, STEP_SIZES[:, level], STEPS)
        leaves_close(jax.tree.map(lambda leaf, level=level: leaf[:, level], trained), expected)


# --- Clock ---

CURVATURE = np.array([13.0, 0.8, 2.0, 900.0])


@pytest.mark.parametrize("times", [np.geomspace(1e-3, 20.0, 9), np.array([5.0]), np.linspace(0.0, 3.0, 4)], ids=len)
@pytest.mark.parametrize(("smallest_steps", "safety"), [(1, 0.5), (24, 0.9), (5, 0.1)])
def test_clock(times, smallest_steps, safety):
    sizes, steps, reached = common_clock(times, CURVATURE, smallest_steps=smallest_steps, safety=safety)
    durations, limit = np.diff(times, prepend=0.0), 2 * safety / CURVATURE
    assert (sizes <= limit * (1 + 1e-14)).all()
    assert (steps >= smallest_steps).all()
    # No stage has a step more than the least curved level needs.
    spare = steps > smallest_steps
    assert (durations[spare] > (steps[spare] - 1) * limit.max()).all()
    np.testing.assert_allclose(reached, np.cumsum(sizes * steps[:, None], axis=0), rtol=1e-14)
    keeps_up = np.logical_and.accumulate(durations[:, None] <= steps[:, None] * limit * (1 + 1e-12))
    np.testing.assert_allclose(reached[keeps_up], np.broadcast_to(times[:, None], reached.shape)[keeps_up], rtol=1e-12)
    assert (reached[~keeps_up] < np.broadcast_to(times[:, None], reached.shape)[~keeps_up]).all()
    assert (np.diff(reached, axis=0) > 0).all()
    assert keeps_up[:, CURVATURE.argmin()].all()


def test_a_level_that_lags_takes_its_largest_stable_step():
    sizes, steps, reached = common_clock(np.array([1.0]), np.array([1.0, 100.0]), smallest_steps=4, safety=0.5)
    np.testing.assert_allclose(sizes, [[0.25, 0.01]], rtol=1e-15)
    np.testing.assert_array_equal(steps, [4])
    np.testing.assert_allclose(reached, [[1.0, 0.04]], rtol=1e-15)


# --- Minibatches ---

SGD_CLOCK = Clock(np.array([[0.02, 0.02, 0.01], [0.04, 0.03, 0.02]]), np.array([3, 6]), np.zeros((2, 3)))


def with_second_moment(variance, count):
    """Samples whose second moment matrix is diagonal to round-off."""
    columns = np.linalg.qr(np.random.default_rng(0).normal(size=(count, len(variance))))[0]
    return columns * np.sqrt(count * np.asarray(variance))


def sgd(clean, *, seeds, batch_size, key=KEY, gain=0.1):
    network = linear_denoiser(clean.shape[1], gain, "float64")
    options = {"seeds": seeds, "batch_size": batch_size, "key": key}
    return np.asarray(
        train_seeds_minibatch(network, jnp.asarray(clean), jnp.asarray(LEVELS), SGD_CLOCK, **options).weight
    )


def test_minibatch_mean_follows_gradient_descent():
    """Fresh batches and noise make E[W] obey gradient descent on the data's second moment exactly."""
    variance = np.array([2.0, 0.5, 0.1])
    weight = sgd(with_second_moment(variance, 40), seeds=1500, batch_size=8)
    regression = mode_regression(jnp.asarray(variance), EDM(), DenoiserTarget(), jnp.asarray(LEVELS))
    gains = gradient_descent(
        regression, jnp.full((3, 3), 0.1), jnp.asarray(SGD_CLOCK.step_sizes)[..., None], jnp.asarray(SGD_CLOCK.steps)
    )
    assert len(np.unique(weight, axis=0)) == len(weight)  # every seed its own run
    measured = mean_over(weight)
    assert measured.value.shape == (2, 3, 3, 3)
    deviation = (measured.value - np.asarray(gains)[..., None] * np.eye(3)) / measured.stderr
    assert np.abs(deviation).max() < 4.2
    assert 0.8 < np.sqrt(np.mean(deviation**2)) < 1.25


def test_minibatch_mean_of_a_network_with_bias_follows_gradient_descent():
    """Flow matching on data that are not centred, against gradient descent on the moments of (x, 1) in NumPy."""
    clean = with_second_moment([1.5, 0.5], 30) + [1.0, -0.4]
    times = np.array([0.2, 0.5, 0.9])
    one = np.ones(3)
    pairs = PairCoefficients(*map(jnp.asarray, (times, 1 - times, one, -one, one)))
    trained = train_seeds_minibatch(
        linear_denoiser(2, 0.1, "float64", initial_bias=0.2),
        jnp.asarray(clean),
        pairs,
        SGD_CLOCK,
        seeds=1500,
        batch_size=8,
        key=KEY,
    )
    mean, second = clean.mean(axis=0), clean.T @ clean / len(clean)
    for level, t in enumerate(times):
        inputs = np.block(
            [[t**2 * second + (1 - t) ** 2 * np.eye(2), t * mean[:, None]], [t * mean[None], np.ones((1, 1))]]
        )
        cross = np.hstack([t * second - (1 - t) * np.eye(2), mean[:, None]])
        augmented = np.hstack([0.1 * np.eye(2), np.full((2, 1), 0.2)])
        for stage, (sizes, steps) in enumerate(zip(SGD_CLOCK.step_sizes, SGD_CLOCK.steps, strict=True)):
            for _ in range(steps):
                augmented = augmented - 2 * sizes[level] * (augmented @ inputs - cross)
            weight, bias = mean_over(trained.weight[:, stage, level]), mean_over(trained.bias[:, stage, level])
            assert (np.abs(weight.value - augmented[:, :2]) < 4.2 * weight.stderr).all()
            assert (np.abs(bias.value - augmented[:, 2]) < 4.2 * bias.stderr).all()


def test_minibatch_variance_is_that_of_independent_draws():
    """d = 1: mean and mean square of w ← w(1 - 2ηb) + 2ηa, a and b batch means of x_0x and x², drawn anew each step."""
    values, batch = np.array([0.5, 1.0, 2.0]), 4
    nodes, weights = np.polynomial.hermite_e.hermegauss(12)
    weights = np.outer(np.full(3, 1 / 3), weights / weights.sum()).ravel()
    trained = sgd(values[:, None], seeds=6000, batch_size=batch)[..., 0, 0]
    for level, sigma in enumerate(LEVELS):
        x = values[:, None] + sigma * nodes
        pair = np.stack([(values[:, None] * x).ravel(), (x**2).ravel()])
        mean = pair @ weights
        second = (pair * weights) @ pair.T / batch + (1 - 1 / batch) * np.outer(mean, mean)
        first_moment, second_moment = 0.1, 0.01
        for stage, (sizes, steps) in enumerate(zip(SGD_CLOCK.step_sizes, SGD_CLOCK.steps, strict=True)):
            h = 2 * sizes[level]
            for _ in range(steps):
                second_moment = (
                    (1 - 2 * h * mean[1] + h**2 * second[1, 1]) * second_moment
                    + 2 * h * (mean[0] - h * second[0, 1]) * first_moment
                    + h**2 * second[0, 0]
                )
                first_moment = (1 - h * mean[1]) * first_moment + h * mean[0]
            for power, expected in ((1, first_moment), (2, second_moment)):
                estimate = mean_over(trained[:, stage, level] ** power)
                assert abs(estimate.value - expected) < 4 * estimate.stderr
            deviation = (trained[:, stage, level] - first_moment) ** 2
            estimate = mean_over(deviation)
            assert abs(estimate.value - (second_moment - first_moment**2)) < 4 * estimate.stderr


def test_minibatch_run_repeats_with_its_key_and_differs_without():
    network = jax.tree.map(lambda leaf: jnp.stack([leaf] * 3), linear_denoiser(2, 0.1, "float64"))
    sizes, steps = map(jnp.asarray, SGD_CLOCK[:2])
    clean = jnp.asarray(with_second_moment([1.0, 0.2], 20))
    first, again, other = (
        train_minibatch(
            network, clean, jnp.asarray(LEVELS), sizes, steps, batch_size=4, key=jax.random.key(seed)
        ).weight
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max(axis=(-1, -2)).min() > 1e-4


# --- Trained networks against closed forms ---

VARIANCE = np.array([3.0, 0.5, 0.1, 0.02])
BASIS = np.linalg.qr(np.random.default_rng(3).normal(size=(4, 4)))[0]
SPECTRUM = Spectrum(jnp.zeros(4), jnp.asarray(VARIANCE), jnp.asarray(BASIS))
TIMES = np.geomspace(1e-3, 10.0, 25)
NOISE_LEVELS = log_snr_schedule(EDM(), 23)
SEEDS, SAMPLES, BATCH = 12, 2**18, 2048  # the noise of small batches moves the mean of ln λ̃: by 2.5 % at 1024
LAYERS = {"one_layer": (OneLayer, gradient_descent), "two_layer": (SymmetricTwoLayer, tied_gradient_descent)}


def clock_of(layers, levels, *, steps=24, safety=0.9):
    """Steps below the stability limit; for SGD the gradient noise adds the trace of the inputs over the batch."""
    squares = np.asarray(levels) ** 2
    largest = VARIANCE[0] + squares
    if layers == "two_layer":
        return common_clock(TIMES, 12 * np.maximum(0.1 * largest, VARIANCE[0]), smallest_steps=steps, safety=safety)
    noisiest = 2 * (largest + (VARIANCE.sum() + 4 * squares) / BATCH)
    return common_clock(TIMES, noisiest, smallest_steps=steps, safety=safety)


def with_finite_steps(layers, clock, levels, stretch=1.0):
    """Generated variance of gradient descent with the clock's own steps, sampled by Heun through the levels."""
    parametrisation, descent = LAYERS[layers]
    denoiser = parametrisation(SPECTRUM, EDM(), 0.1, 1.0)
    regression = regression_at(denoiser, levels)
    start = jnp.broadcast_to(denoiser.initial_gain, regression.optimal_gain.shape)
    gains = descent(regression, start, stretch * jnp.asarray(clock.step_sizes)[..., None], jnp.asarray(clock.steps))
    return generated_variance_on_schedule(denoiser, TIMES, levels, jnp.swapaxes(gains, 0, 1))


@functools.cache
def training_sets():
    return gaussian_training_sets(SPECTRUM, NOISE_LEVELS, seeds=SEEDS, samples=SAMPLES, key=KEY)


def full_batch(layers):
    clock, moments = clock_of(layers, NOISE_LEVELS), training_sets()
    network = linear_denoiser(4, 0.1) if layers == "one_layer" else tied_two_layer_denoiser(KEY, 4, 0.1)
    trained = train_full_batch(network, moments, jnp.asarray(clock.step_sizes, jnp.float32), jnp.asarray(clock.steps))
    return jnp.swapaxes(total_maps_of(trained), 1, 2), clock


def stochastic(layers):
    clock = clock_of(layers, NOISE_LEVELS, safety=0.25)
    clean = jnp.asarray(with_second_moment(VARIANCE, 2**14) @ BASIS.T, jnp.float32)
    options = {"seeds": SEEDS, "batch_size": BATCH, "key": KEY}
    return train_seeds_minibatch(linear_denoiser(4, 0.1), clean, NOISE_LEVELS, clock, **options).weight, clock


@pytest.mark.slow
@pytest.mark.parametrize(
    ("train", "layers"),
    [
        (full_batch, "one_layer"),
        (full_batch, "two_layer"),
        pytest.param(stochastic, "one_layer", marks=pytest.mark.slow),  # draws 60 million normal numbers
    ],
)
def test_trained_networks_generate_what_the_closed_form_says(train, layers):
    """12 seeds, 24 noise levels, 25 training times, 4 modes: no systematic deviation of ln λ̃ above 2 %.

    The same comparison refuses a learning rate that is 5 % off.
    """
    total_maps, clock = train(layers)
    assert (total_maps.dtype, NOISE_LEVELS.dtype) == ("float32", "float64")  # training stays in single precision
    variances = generated_mode_variances(total_maps, flow_of(DenoiserTarget(), EDM(), NOISE_LEVELS), SPECTRUM.basis)
    assert variances.shape == (SEEDS, TIMES.size, 4)
    finite_steps = jax.jit(lambda stretch: with_finite_steps(layers, clock, NOISE_LEVELS, stretch))

    def deviation(stretch):
        return agreement(np.log(variances / np.asarray(finite_steps(stretch)))).interval

    assert deviation(1.0)[1] < 0.02
    assert deviation(1.05)[0] > 0.02
    assert deviation(0.95)[0] > 0.02


@pytest.mark.parametrize("layers", LAYERS)
def test_finite_steps_tend_to_the_closed_form(layers):
    """Refining gradient steps, stability limits and noise levels together, ln λ̃ converges at first order or better."""
    exact = generated_variance(LAYERS[layers][0](SPECTRUM, EDM(), 0.1, 1.0), TIMES)
    errors = []
    for refinement in (4, 8):
        levels = log_snr_schedule(EDM(), 24 * refinement)
        clock = clock_of(layers, levels, steps=24 * refinement, safety=0.9 / refinement)
        errors.append(np.abs(np.log(with_finite_steps(layers, clock, levels) / exact)).max())
    assert errors[0] / errors[1] > 1.8
    assert errors[1] < 0.02
