"""The equations that sample the path integral, white and with a memory, against exact moments and each other."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from theory import (
    LinearSchedule,
    NaiveVKernel,
    PointMasses,
    VariancePreserving,
    sample_effective_sde,
    sample_gaussian_field_ode,
    solve_effective_sde,
)
from theory.v_kernel.white_kernels import AbstractWhiteKernel

TRIANGLE = PointMasses([[1.0, 0.0], [-0.5, 0.9], [-0.5, -0.8]])
PROCESS = VariancePreserving(LinearSchedule(0.1, 4.0), end_time=0.2)
KERNEL = NaiveVKernel(TRIANGLE, PROCESS, 0.1)


class Constant(AbstractWhiteKernel):
    """B(x, t) = `strength` I."""

    strength: float

    def diffusion(self, x, time):
        return jnp.broadcast_to(self.strength * jnp.eye(x.shape[-1]), (*x.shape, x.shape[-1]))


class Geometric(AbstractWhiteKernel):
    """B = x², in one dimension."""

    def diffusion(self, x, time):
        return (x**2)[..., None]


SOLVERS = {"scan": sample_effective_sde, "diffrax": solve_effective_sde}


@pytest.mark.slow_cases("diffrax")
@pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS)
def test_effective_sde_of_a_linear_drift(solver):
    """dx = -(v)dt with v = x from t = 1 to 0 and B = b: Euler's chain has variance known exactly."""
    times, strength, count = np.linspace(1.0, 0.0, 21), 0.4, 3_000
    x = solver(Constant(strength), lambda x, t: x, jnp.full((count, 1), 0.7), jnp.asarray(times), key=jax.random.key(3))
    shrink, variance, mean = 1 - 0.05, 0.0, 0.7
    for _ in range(20):
        mean, variance = shrink * mean, shrink**2 * variance + strength * 0.05
    x = np.asarray(x)[:, 0]
    assert abs(x.mean() - mean) < 4 * np.sqrt(variance / count)
    assert abs(x.var() - variance) < 4 * variance * np.sqrt(2 / count)


@pytest.mark.slow
@pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS)
def test_multiplicative_noise_is_taken_in_itos_sense(solver):
    """v = 0, B = x²: E x is conserved; Stratonovich's reading would multiply it by e^(1/8) here."""
    times = jnp.linspace(0.5, 0.25, 26)
    x = solver(Geometric(), lambda x, t: jnp.zeros_like(x), jnp.ones((3_000, 1)), times, key=jax.random.key(5))
    x = np.asarray(x)[:, 0]
    assert abs(x.mean() - 1) < 4 * x.std() / np.sqrt(3_000)
    assert abs(np.mean(x**2) - 1.01**25) < 4 * np.std(x**2) / np.sqrt(3_000)


@pytest.mark.slow
def test_diffrax_converges_along_each_brownian_path():
    """Four times the steps halve the change on refining again, for multiplicative noise: order ½ of Euler's method."""

    def solve(steps):
        times = jnp.linspace(0.5, 0.25, steps + 1)
        initial = jnp.ones((200, 1))
        return solve_effective_sde(Geometric(), lambda x, t: jnp.zeros_like(x), initial, times, key=jax.random.key(1))

    coarse, middle, fine = (np.asarray(solve(steps)) for steps in (4, 16, 64))
    ratio = np.sqrt(np.mean((coarse - middle) ** 2) / np.mean((middle - fine) ** 2))
    assert 1.6 < ratio < 2.5


@pytest.mark.slow  # each is held against exact laws above
def test_both_solvers_give_the_same_law_in_two_dimensions():
    times, initial = jnp.linspace(1.0, 0.2, 31), jax.random.normal(jax.random.key(0), (1_000, 2))
    one, two = (
        np.asarray(solver(KERNEL, KERNEL.mean_drift, initial, times, key=jax.random.key(7)))
        for solver in SOLVERS.values()
    )
    for statistic in (lambda x: x, lambda x: x**2, lambda x: x[:, :1] * x[:, 1:]):
        a, b = statistic(one), statistic(two)
        error = np.sqrt((a.var(axis=0) + b.var(axis=0)) / len(a))
        assert np.all(np.abs(a.mean(axis=0) - b.mean(axis=0)) < 4 * error)


def test_a_field_that_remembers_shifts_the_mean():
    """dx/dt = (1 + x/2)z, one z ~ N(0, κ) per path: E x = 2(e^{κt²/8} - 1), not zero (A.1; App. J.4 says zero)."""
    kappa, end, count = 1.0, 2.0, 4_000
    z = jnp.asarray(scipy.stats.norm.ppf((np.arange(count) + 0.5) / count)) * np.sqrt(kappa)
    x = sample_gaussian_field_ode(
        z, lambda draw, x, t: (1 + x / 2) * draw, jnp.zeros((1, 1)), jnp.linspace(0.0, end, 401)
    )[:, 0, 0]
    np.testing.assert_allclose(x, 2 * np.expm1(np.asarray(z) * end / 2), rtol=2e-4, atol=1e-8)
    np.testing.assert_allclose(np.mean(x), 2 * np.expm1(kappa * end**2 / 8), rtol=5e-3)


def test_each_draw_of_weights_carries_all_initial_positions():
    weights = {"slope": jnp.asarray([-1.0, 0.5]), "push": jnp.asarray([[1.0, 0.0], [0.0, 2.0]])}
    initial = jnp.asarray([[1.0, 2.0], [0.0, -1.0], [3.0, 0.0]])

    def drift(draw, x, t):
        return draw["slope"] * x + draw["push"][None, :]

    x = sample_gaussian_field_ode(weights, drift, initial, jnp.linspace(1.0, 0.0, 801))
    assert x.shape == (2, 3, 2)
    for slope, push, got in zip([-1.0, 0.5], np.asarray(weights["push"]), x, strict=True):
        expected = np.exp(-slope) * (np.asarray(initial) + push / slope) - push / slope
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("solver", SOLVERS.values(), ids=SOLVERS)
def test_times_that_are_not_monotone_are_refused(solver):
    times = jnp.asarray([1.0, 0.5, 0.5])
    with pytest.raises(ValueError, match="monotone"):
        solver(KERNEL, KERNEL.mean_drift, jnp.zeros((3, 2)), times, key=jax.random.key(0))
    with pytest.raises(ValueError, match="monotone"):
        sample_gaussian_field_ode(jnp.zeros(2), lambda c, x, t: c * x, jnp.zeros((3, 2)), times)
