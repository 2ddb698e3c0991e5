"""The misprint experiments: against known answers away from the figure's points, and the figure's wording."""

import jax
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from figures.both.misprints import claims, experiment
from sims.experiments import misprints as experiments
from sims.measurements.estimates import mean_over
from theory.derivations.table import NAMES, get

KEY = jax.random.key(1)


def assert_measures(values, expected, *, bias=0.0):
    """Within four standard errors, and a stated relative bias of the discretisation; and not trivially so."""
    estimate = mean_over(values)
    assert 0 < estimate.stderr < 0.05 * abs(expected)
    assert abs(estimate.value - expected) < 4 * estimate.stderr + bias * abs(expected)


@pytest.mark.slow
def test_every_misprint_has_its_row():
    assert set(experiment.ROWS) == {name for name in NAMES if get(name).misprint is not None}
    for words in experiment.ROWS.values():
        assert all(0 < len(word) < 40 for word in words)
    assert len({wrong for _, wrong, _ in experiment.ROWS.values()}) == len(experiment.ROWS)


def test_every_row_names_the_paper_of_its_derivation():
    for name, (source, *_) in experiment.ROWS.items():
        assert source.startswith("W&P" if get(name).source.startswith("Wang") else "Vastola")


def test_a_step_against_the_gradient_of_the_pairs():
    """∂L/∂W_11 at W = b = 0 is -2 E y_1 x_1 = -2 (λ_1 + μ_1²)."""
    values = experiments.pull_on_the_weights(np.array([2.0, 1.0]), samples=4096, repetitions=8, key=KEY)
    assert_measures(values, 10.0)


def test_sampling_contracts():
    """The prior's standard deviation √(1 + σ_T²) is carried to √(1 + σ_0²)."""
    values = experiments.contraction_of_sampling(3.0, 0.5, levels=60, samples=4096, repetitions=8, key=KEY)
    assert_measures(values, np.sqrt(1.25 / 10), bias=1e-3)


def test_full_width_convolution_trains_as_one_position_with_n_times_the_rate():
    """Gradient descent written out: all N positions pull on the one weight that matters on white noise."""
    points, time, steps, weight = 5, 0.03, 50, 0.0
    for _ in range(steps):
        weight -= time / steps * 2 * points * (2 * weight - 1)
    values = experiments.trained_full_width_gain(points, time, steps=steps, samples=8192, repetitions=8, key=KEY)
    assert_measures(values, weight)


@pytest.mark.slow
def test_noising_variance_solves_the_moment_equation():
    solution = solve_ivp(lambda t, v: 2 - 2 * (1 + 2 * t) * v, (0, 0.5), [0.0], rtol=1e-10, atol=1e-12)
    values = experiments.noising_variance((1.0, 2.0), 0.5, steps=500, paths=8192, repetitions=8, key=KEY)
    assert_measures(values, solution.y[0, -1], bias=2e-3)


def test_coloured_noise_pushes_the_mean():
    """The paths integrated with SciPy over Gauss-Hermite nodes of z."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    paths = solve_ivp(lambda t, x: (1 + x / 2) * np.sqrt(0.5) * nodes, (0, 1), np.zeros(20), rtol=1e-10, atol=1e-12)
    expected = (weights * paths.y[:, -1]).sum() / weights.sum()
    values = experiments.mean_under_coloured_noise(0.5, 1.0, steps=100, paths=65536, repetitions=8, key=KEY)
    assert_measures(values, expected)


def test_least_squares_with_few_draws():
    """E 1/χ² with ten degrees of freedom is 1/8."""
    values = experiments.weight_variance_of_least_squares(10, models=8192, repetitions=8, key=KEY)
    assert_measures(values, 1 / 8)


@pytest.mark.parametrize("shares", [(0.1, 0.3, 0.6), (0.5, 0.5)])
def test_a_complete_basis_averages_the_draws_of_its_cell(shares):
    values = experiments.variance_in_first_cell(shares, 50, models=2048, repetitions=8, key=KEY)
    assert_measures(values, 1 / (50 * shares[0]))


@pytest.mark.slow
def test_weight_variance_during_training_of_explicit_gradient_descent():
    """The same ensemble in NumPy, pair by pair, from other random numbers."""
    pairs, steps, time = 64, 50, 0.3
    generator = np.random.default_rng(5)
    clean = np.sqrt(2.0) * generator.normal(size=(16, 1024, pairs))
    noisy = clean + 0.7 * generator.normal(size=clean.shape)
    weight = np.zeros(clean.shape[:2])
    for _ in range(steps):
        weight -= time / steps * 2 * ((weight[..., None] * noisy - clean) * noisy).mean(axis=-1)
    expected = mean_over(pairs * weight.var(axis=1, ddof=1))
    sizes = {"pairs": pairs, "steps": steps, "models": 1024, "repetitions": 16}
    values = mean_over(experiments.weight_variance_during_training(2.0, 0.7, time, **sizes, key=KEY))
    assert values.stderr < 0.02 * values.value
    assert abs(values.value - expected.value) < 4 * np.hypot(values.stderr, expected.stderr)


@pytest.mark.slow
def test_naive_sampler_adds_the_variance_of_its_score():
    """v' = 2tv/(1 + t²) - κ/(1 + t²) from the prior down, by SciPy."""
    strength = 0.5
    solution = solve_ivp(lambda t, v: (2 * t * v - strength) / (1 + t**2), (3.0, 0.1), [10.0], rtol=1e-10, atol=1e-12)
    values = experiments.density_of_the_naive_sampler(strength, 3.0, 0.1, steps=400, paths=4096, repetitions=8, key=KEY)
    assert_measures(values, 1 / np.sqrt(2 * np.pi * solution.y[0, -1]), bias=5e-3)


def test_claims_tell_the_printed_value_from_the_measured_one():
    """Every printed value lies outside its claim's tolerance, so that an experiment that followed it would differ."""
    found = [get(name).misprint for name in experiment.ROWS]
    printed, corrected = np.array([misprint.values()[:2] for misprint in found if misprint is not None]).T
    arrays, copies = {"printed": printed, "corrected": corrected}, np.ones((1, 4))
    followed = claims.claims(arrays | {"measured": printed[:, None] * copies})
    assert [claim.verdict for claim in followed] == ["differs"] * len(experiment.ROWS)
    right = claims.claims(arrays | {"measured": corrected[:, None] * copies})
    assert [claim.verdict for claim in right] == ["holds"] * len(experiment.ROWS)
