"""Fokker-Planck on cells that the flow carries, against exact Gaussian laws, and its first order in the noise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from theory import (
    EDM,
    LinearSchedule,
    NaiveVKernel,
    PointMasses,
    VariancePreserving,
    first_order_fokker_planck,
    fokker_planck,
    gaussian_cells,
    gaussian_cells_ending_at,
    sample_effective_sde,
)
from theory.path_integral.cells import CellMasses
from theory.v_kernel.white_kernels import AbstractWhiteKernel

PROCESS = VariancePreserving(LinearSchedule(0.1, 5.0), end_time=0.12)
PAIR = PointMasses([[-1.0], [1.0]])
TIMES = jnp.linspace(1.0, 0.12, 801)
CELLS = gaussian_cells(jnp.linspace(-6, 6, 601), 1.0)


class Constant(AbstractWhiteKernel):
    """B(x, t) = `strength`."""

    strength: float

    def diffusion(self, x, time):
        return jnp.full((*x.shape, 1), self.strength)


def pull(x, t):
    """dx/dt = x: towards zero as t falls."""
    return x


def ornstein_uhlenbeck(cells, steps, strength=0.5, end=0.2):
    """N(0, 1) at t = 1; its variance at t = `end` is e^{-2s} + b(1 - e^{-2s})/2 with s = 1 - end."""
    initial = gaussian_cells(jnp.linspace(-7, 7, cells + 1), 1.0)
    result = fokker_planck(Constant(strength), pull, initial, jnp.linspace(1.0, end, steps + 1))
    elapsed = 1 - end
    return result, np.exp(-2 * elapsed) + strength * (1 - np.exp(-2 * elapsed)) / 2


def cumulative_error(result, variance):
    x = np.linspace(-1.5, 1.5, 13)
    return np.abs(result.mass_below(x) - scipy.stats.norm.cdf(x / np.sqrt(variance))).max()


def test_ornstein_uhlenbeck_is_of_second_order_in_the_cells():
    errors = [cumulative_error(*ornstein_uhlenbeck(cells, 8_000)) for cells in (28, 56)]
    np.testing.assert_allclose(errors[0] / errors[1], 4, rtol=0.25)
    assert errors[1] < 5e-3


def test_ornstein_uhlenbeck_is_of_first_order_in_the_steps():
    errors = [cumulative_error(*ornstein_uhlenbeck(1_400, steps)) for steps in (50, 100, 200)]
    np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), 2, rtol=0.05)
    assert errors[-1] < 1e-3


@pytest.mark.parametrize("steps", [2, 800])
@pytest.mark.parametrize("kappa", [0.0, 0.05, 50.0])
def test_mass_is_conserved_and_not_negative(kappa, steps):
    """Also for two huge steps and noise far beyond any use."""
    kernel = NaiveVKernel(PAIR, PROCESS, kappa)
    result = fokker_planck(kernel, kernel.mean_drift, CELLS, jnp.linspace(1.0, 0.12, steps + 1))
    assert abs(float(result.mass.sum()) - 1) < 1e-10
    assert result.mass.min() >= 0
    np.testing.assert_allclose(result.mass, result.mass[::-1], atol=1e-11)  # symmetric data


@pytest.mark.slow
def test_without_noise_it_is_the_density_of_the_ode_to_the_error_of_its_solver():
    """p(x | T) carried by the exact score is p(x | ε): cells keep their masses and nothing is smeared."""
    start = VariancePreserving(LinearSchedule(0.1, 5.0), end_time=0.12, start_time=0.9)
    alpha, sigma = start.signal_scale(0.9), start.noise_scale(0.9)
    kernel = NaiveVKernel(PAIR, start, 0.0)

    def below(x, alpha, sigma):
        return (scipy.stats.norm.cdf((x - alpha) / sigma) + scipy.stats.norm.cdf((x + alpha) / sigma)) / 2

    edges = np.linspace(-6, 6, 1201)
    initial = gaussian_cells(jnp.asarray(edges), 1.0)
    initial = type(initial)(initial.edges, jnp.asarray(np.diff(below(edges, alpha, sigma))))
    result = fokker_planck(kernel, kernel.mean_drift, initial, jnp.linspace(0.9, 0.12, 1601))
    x = np.asarray(result.edges)[::20]
    expected = below(x, start.signal_scale(0.12), start.noise_scale(0.12))
    np.testing.assert_allclose(result.mass_below(x), expected, atol=2e-6)


@pytest.mark.slow
def test_agrees_with_the_effective_sde():
    """Mass of eight bins, in standard errors of the sampled paths; both sides with fine steps."""
    kernel, count = NaiveVKernel(PAIR, PROCESS, 0.05), 3_000
    uniform = (np.arange(count) + 0.5) / count
    initial = jnp.asarray(scipy.stats.norm.ppf(uniform))[:, None]
    result = fokker_planck(kernel, kernel.mean_drift, CELLS, TIMES)
    samples = np.asarray(sample_effective_sde(kernel, kernel.mean_drift, initial, TIMES, key=jax.random.key(0)))
    bins = np.array([-3.0, -1.3, -1.0, -0.7, -0.4, 0.4, 0.7, 1.0, 1.3, 3.0])
    expected = np.diff(result.mass_below(bins))
    measured = np.histogram(samples[:, 0], bins)[0] / count
    error = np.sqrt(expected * (1 - expected) / count)
    assert np.all(np.abs(measured - expected) < 4 * error)
    assert np.sum(((measured - expected) / error) ** 2) < scipy.stats.chi2(len(expected)).ppf(0.999)


@pytest.mark.slow
def test_first_order_is_the_derivative_in_kappa():
    """(q(κ) - q_0)/κ → q_1/κ: the difference falls like κ, and is small for small κ."""
    times = jnp.linspace(1.0, 0.12, 3_201)
    without, correction = first_order_fokker_planck(
        NaiveVKernel(PAIR, PROCESS, 1.0), NaiveVKernel(PAIR, PROCESS, 1.0).mean_drift, CELLS, times
    )
    assert abs(float(correction.mass.sum())) < 1e-12
    x = np.linspace(-1.4, 1.4, 15)
    slope, remainders = correction.mass_below(x), []
    for kappa in (4e-4, 2e-4):
        kernel = NaiveVKernel(PAIR, PROCESS, kappa)
        full = fokker_planck(kernel, kernel.mean_drift, CELLS, times)
        remainders.append(np.abs((full.mass_below(x) - without.mass_below(x)) / kappa - slope).max())
    assert remainders[0] < 0.01 * np.abs(slope).max()
    assert 1.3 < remainders[0] / remainders[1] < 2.5
    gap = float(correction.mass_between(-0.4, 0.4))
    assert gap < 0  # gaps empty


def test_gaps_empty_for_every_process():
    """Between two points the noise pushes out: less mass in the middle than the probability-flow ODE leaves there."""
    for process, times in ((PROCESS, TIMES), (EDM(0.35, 5.0), jnp.geomspace(5.0, 0.35, 801))):
        initial = gaussian_cells(jnp.linspace(-6, 6, 601) * np.sqrt(process.prior_variance), process.prior_variance)
        masses = []
        for kappa in (0.0, 0.05, 0.2):
            kernel = NaiveVKernel(PAIR, process, kappa)
            result = fokker_planck(kernel, kernel.mean_drift, initial, times)
            masses.append(float(result.mass_between(-0.4, 0.4)))
        assert masses[0] > 1.1 * masses[1] > 1.2 * masses[2]


def test_cells_hold_the_gaussian_and_its_tails():
    edges = jnp.asarray([-1.0, 0.0, 0.5, 2.0])
    cells = gaussian_cells(edges, 4.0)
    expected = np.diff(scipy.stats.norm.cdf([-np.inf, 0.0, 0.5, np.inf], scale=2.0))
    np.testing.assert_allclose(cells.mass, expected, rtol=1e-13)
    np.testing.assert_allclose(cells.density * np.diff(edges), expected, rtol=1e-13)
    np.testing.assert_allclose(cells.centres, [-0.5, 0.25, 1.25])
    np.testing.assert_allclose(cells.mass_between(-0.5, 0.25), expected[0] / 2 + expected[1] / 2, rtol=1e-13)


def test_cells_that_end_at_given_edges():
    """The flow brings them there, and they hold the prior's mass; a gap keeps as many cells as its width asks for."""
    kernel, wanted = NaiveVKernel(PAIR, PROCESS, 0.0), jnp.linspace(-2.5, 2.5, 101)
    cells = gaussian_cells_ending_at(wanted, 1.0, kernel.mean_drift, TIMES)
    expected = np.diff(scipy.stats.norm.cdf(np.asarray(cells.edges)[1:-1]))
    np.testing.assert_allclose(cells.mass[1:-1], expected, rtol=1e-9)
    result = fokker_planck(kernel, kernel.mean_drift, cells, TIMES)
    np.testing.assert_allclose(result.edges, wanted, atol=1e-4)
    widths = np.diff(cells.edges)
    assert widths[50] < 0.3 * widths[30]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gaussian_cells(jnp.asarray([0.0, 1.0]), 1.0), "three or more"),
        (lambda: gaussian_cells(jnp.asarray([0.0, 2.0, 1.0]), 1.0), "increase"),
        (lambda: gaussian_cells(CELLS.edges, 0.0), "variance must be positive; got 0.0"),
        (lambda: gaussian_cells(CELLS.edges, np.asarray(-1.0)), "variance must be positive"),
        (lambda: gaussian_cells_ending_at(CELLS.edges, jnp.asarray(jnp.nan), pull, TIMES), "variance must be positive"),
        (lambda: gaussian_cells_ending_at(CELLS.edges[::-1], 1.0, pull, TIMES), "increase"),
        (lambda: CellMasses(jnp.asarray([0.0, 1.0, 1.0]), jnp.ones(2) / 2), "increase"),
        (lambda: CellMasses(np.asarray([0.0, np.nan, 1.0]), np.ones(2) / 2), "increase"),
        (lambda: CellMasses(jnp.arange(3.0), jnp.ones(3) / 3), r"edges \(cells \+ 1,\)"),
        (lambda: CellMasses(jnp.arange(3.0), jnp.asarray(1.0)), r"edges \(cells \+ 1,\)"),
        (lambda: fokker_planck(Constant(1.0), pull, CELLS, jnp.asarray([1.0, 1.0])), "monotone"),
        (lambda: first_order_fokker_planck(Constant(1.0), pull, CELLS, jnp.asarray([1.0])), "two or more"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
