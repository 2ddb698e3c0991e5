"""The claims of Table 1 on networks that start unaligned, on covariances whose answer is known."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from figures.studies.trained_modes.experiment import Sizes, clock_for, training_sets
from figures.studies.trained_modes.finite_steps import with_finite_steps
from figures.wang2025.table1.claims import _alignment_claims, _unaligned_claims
from figures.wang2025.table1.statistics import share_off_axes
from figures.wang2025.table1.unaligned import CORRELATION, run_unaligned
from sims.training.descent import Clock
from tests.oracles.known_ensembles import claims_by_name
from theory import EDM, Spectrum, SymmetricTwoLayer

PROCESS, MODES, SNAPSHOTS, SEEDS = EDM(sigma_min=0.05, sigma_max=10.0), 3, 5, 8
UNALIGNED = "two layers, tied, unaligned start"


def covariances(variance, correlation):
    """Of neighbouring modes alone: (snapshots, modes, modes) from (snapshots, modes) and (snapshots,)."""
    root = np.sqrt(variance)
    neighbours = np.eye(MODES, k=1) + np.eye(MODES, k=-1)
    return root[:, :, None] * root[:, None] * (np.eye(MODES) + correlation[:, None, None] * neighbours)


def data_of(variance_factor=1.0, correlation_shift=0.0, correlation_factor=1.0, aligned_correlation=1e-4):
    """Networks of which every one is off by the same, and by noise of its own that averages to zero."""
    random, variance = (
        np.random.default_rng(1),
        np.geomspace(3, 0.1, MODES)[None] * np.geomspace(0.1, 1, SNAPSHOTS)[:, None],
    )
    correlation = 0.08 * np.geomspace(1, 0.1, SNAPSHOTS)
    noise = 1e-3 * random.normal(size=SEEDS)
    noise -= noise.mean()
    trained = [
        covariances(
            variance_factor * variance * np.exp(one), correlation_factor * correlation + correlation_shift + one
        )
        for one in noise
    ]
    aligned = [covariances(variance, np.full(SNAPSHOTS, aligned_correlation) + one) for one in noise]
    return {
        "covariance_trained_two_starts": np.stack([aligned, trained]),
        "covariance_finite_steps_two_starts": np.stack(
            [covariances(variance, np.zeros(SNAPSHOTS)), covariances(variance, correlation)]
        ),
    }


def verdicts(data):
    claims = claims_by_name([*_unaligned_claims(data), *_alignment_claims(data)])
    return {name.removeprefix(f"{UNALIGNED}: "): claim.verdict for name, claim in claims.items()}


def test_what_is_off_the_axes_is_the_share_of_squares():
    assert np.isclose(share_off_axes(np.array([[2.0, 1.0], [1.0, 3.0]])), 2 / 15)
    assert share_off_axes(np.diag([1.0, 2.0])) == 0


def test_every_claim_can_hold_and_can_differ():
    assert set(verdicts(data_of()).values()) == {"holds"}
    for wrong, name in (
        (partial(data_of, variance_factor=1.05), "generated variance"),
        (partial(data_of, correlation_shift=0.02), "generated correlations"),
        (partial(data_of, aligned_correlation=0.1), "two layers, tied, aligned start: stays aligned"),
        (partial(data_of, correlation_factor=1.1), "ln share off the axes, half-way"),
        (partial(data_of, correlation_shift=0.5), "aligns in training"),
    ):
        assert verdicts(wrong())[name] == "differs", name


@pytest.mark.slow
def test_unaligned_networks_mix_modes_as_first_order_says_and_aligned_ones_do_not():
    variances = jnp.asarray([2.0, 0.6, 0.2])
    denoiser = SymmetricTwoLayer(Spectrum.from_variances(variances), PROCESS, 0.1, 1.0)
    levels = jnp.append(jnp.geomspace(10.0, 0.05, 12), 1.0)
    sizes = Sizes(0.02, 3.0, 5, seeds=2, training_samples=65536, smallest_steps=12)
    clock = clock_for(denoiser, levels, sizes, layers=2, rate=2)
    moments = training_sets(denoiser, levels, sizes, jax.random.key(0))
    arrays = run_unaligned(denoiser, moments, levels, clock, jax.random.key(1))
    trained, expected = arrays["covariance_trained"], arrays["covariance_finite_steps"]
    assert trained.shape == (2, 2, 5, 3, 3)
    scale = np.sqrt(np.einsum("tk,tm->tkm", *2 * [np.diagonal(expected[0], axis1=-2, axis2=-1)]))
    # Both starts learn from the same sets: what these leave in both is no mixing.
    mixed, predicted = (trained[1] - trained[0]) / scale, (expected[1] - expected[0]) / scale
    np.testing.assert_allclose(mixed, np.broadcast_to(predicted, mixed.shape), atol=0.02)
    assert not expected[0][:, ~np.eye(3, dtype=bool)].any()
    assert predicted[:, 0, 1].max() > 2 * CORRELATION
    of_samples = Clock(clock.step_sizes[:, :-1], clock.steps, clock.reached[:, :-1])
    aligned = with_finite_steps(denoiser, levels[:-1], of_samples, sizes.times).variance
    np.testing.assert_allclose(np.diagonal(expected[0], axis1=-2, axis2=-1), aligned, rtol=1e-10)
