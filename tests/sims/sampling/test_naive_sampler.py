"""The naive sampler against its exact one-step moments, the probability-flow ODE and hand-made posteriors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.sampling.naive import naive_sampler
from sims.sampling.solvers import euler
from theory import EDM, LinearSchedule, PointMasses, VariancePreserving

PROCESSES = {"edm": EDM(0.1, 5.0), "vp": VariancePreserving(LinearSchedule(0.1, 5.0), end_time=0.1)}
SQUARE = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 0.6]])


@pytest.mark.parametrize("process", PROCESSES.values(), ids=PROCESSES)
def test_one_step_has_the_mean_of_the_ode_and_the_covariance_of_prop_4_1(process):
    """E Δx = Δt v, Cov Δx = κ|Δt| D C D exactly, at any step; measured on many paths from one position."""
    start, times, kappa, count = np.array([0.2, 0.3]), jnp.asarray([0.6, 0.55]), 0.3, 60_000
    initial = jnp.broadcast_to(jnp.asarray(start), (count, 2))
    x = np.asarray(naive_sampler(jnp.asarray(SQUARE), process, kappa, initial, times, key=jax.random.key(0)))
    alpha, sigma = float(process.signal_scale(0.6)), float(process.noise_scale(0.6))
    weight = np.exp(-np.sum((start - alpha * SQUARE) ** 2, axis=1) / (2 * sigma**2))
    weight /= weight.sum()
    mean = weight @ SQUARE
    centred = SQUARE - mean
    rate = float(process.diffusion_coefficient(0.6))
    covariance = kappa * 0.05 * (rate * alpha / sigma**2) ** 2 * (centred.T * weight) @ centred
    velocity = process.probability_flow(jnp.asarray(start), jnp.asarray((alpha * mean - start) / sigma**2), 0.6)
    expected = start - 0.05 * np.asarray(velocity)
    assert np.all(np.abs(x.mean(axis=0) - expected) < 4 * np.sqrt(np.diag(covariance) / count))
    spread = np.sqrt((np.outer(np.diag(covariance), np.diag(covariance)) + covariance**2) / count)
    assert np.all(np.abs(np.cov(x.T) - covariance) < 5 * spread)
    # One of three examples was drawn: three places, visited in the posterior's proportions.
    places, visits = np.unique(x.round(9), axis=0, return_counts=True)
    assert len(places) == 3
    np.testing.assert_allclose(np.sort(visits / count), np.sort(weight), atol=4 * 0.5 / np.sqrt(count))


@pytest.mark.parametrize("process", PROCESSES.values(), ids=PROCESSES)
def test_without_noise_it_is_eulers_method_on_the_exact_score(process):
    data, times = PointMasses(SQUARE), jnp.linspace(process.start_time, process.end_time, 31)
    initial = jax.random.normal(jax.random.key(1), (50, 2)) * np.sqrt(process.prior_variance)
    x = naive_sampler(data.points, process, 0.0, initial, times, key=jax.random.key(2))
    expected = euler(lambda _, t, y: process.probability_flow(y, data.score(y, t, process), t), initial, times)
    np.testing.assert_allclose(x, expected, rtol=1e-9, atol=1e-9)


def test_kappa_of_one_step_is_the_score_of_the_drawn_example():
    """κ = Δt: ŝ = s̃, so that the step goes along the line to one example."""
    process = PROCESSES["edm"]
    x = naive_sampler(
        jnp.asarray([[-1.0], [1.0]]),
        process,
        0.25,
        jnp.zeros((200, 1)),
        jnp.asarray([0.5, 0.25]),
        key=jax.random.key(0),
    )
    # dx/dt = -t (x_0 - x)/t²: from 0 at t = .5 by .25 towards ±1 is ±.5.
    np.testing.assert_allclose(np.abs(x), 0.5, rtol=1e-12)
    assert {-1, 1} == set(np.sign(np.asarray(x)).ravel())


def test_a_lone_point_is_reproduced():
    process = PROCESSES["edm"]
    point, initial = jnp.asarray([[0.3, -2.0]]), 5 * jax.random.normal(jax.random.key(0), (20, 2))
    times = jnp.geomspace(5.0, 0.1, 4_001)
    x = naive_sampler(point, process, 0.5, initial, times, key=jax.random.key(1))
    np.testing.assert_allclose(x - point, (initial - point) * 0.02, rtol=5e-3)


def test_a_key_gives_one_result():
    process, times, initial = PROCESSES["vp"], jnp.linspace(1.0, 0.1, 11), jnp.ones((30, 2))
    runs = [
        np.asarray(naive_sampler(jnp.asarray(SQUARE), process, 0.1, initial, times, key=jax.random.key(seed)))
        for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert np.any(runs[0] != runs[2])


@pytest.mark.parametrize(
    ("kappa", "times", "message"),
    [(-0.1, [1.0, 0.5], "kappa must be zero or more"), (0.1, [0.5, 1.0], "decreasing"), (0.1, [1.0], "two or more")],
)
def test_what_is_refused(kappa, times, message):
    with pytest.raises(ValueError, match=message):
        naive_sampler(
            jnp.asarray(SQUARE), PROCESSES["vp"], kappa, jnp.ones((3, 2)), jnp.asarray(times), key=jax.random.key(0)
        )
