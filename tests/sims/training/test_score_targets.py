"""What the objectives ask for: their mean and covariance at a fixed noisy position, against the posterior itself."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.data.built_in import rotated_square, triple
from sims.training.score_targets import IsotropicTargetNoise, TargetNoiseDose, posterior_mean
from sims.training.training_triples import TrainingTriples, draw_triples
from theory import EDM, PointMasses, VariancePreserving

KEY = jax.random.key(0)
VP = VariancePreserving(end_time=1e-2)
CASES = [(VP, triple()), (VP, rotated_square(0.3)), (EDM(0.05, 2.0), rotated_square(0.3))]
each_case = pytest.mark.parametrize(("process", "points"), CASES, ids=["vp-1d", "vp-2d", "edm-2d"])


def posterior_triples(process, points, x, time, count, seed=0):
    """Triples (x_0, x, t) with x and t held fixed and x_0 drawn from the posterior by NumPy."""
    weight = np.asarray(PointMasses(points).posterior(jnp.asarray(x), time, process))
    clean = points[np.random.default_rng(seed).choice(len(points), count, p=weight / weight.sum())]
    noisy = np.broadcast_to(x, clean.shape)
    return TrainingTriples(jnp.asarray(clean), jnp.asarray(noisy), jnp.full(count, time))


@each_case
def test_exact_score_is_the_theorys(process, points):
    """Both are softmax averages, written twice: independent code on the two sides of the comparison."""
    triples = draw_triples(jnp.asarray(points), process, 200, key=KEY)
    exact = PointMasses(points).denoised(triples.noisy, triples.time, process)
    np.testing.assert_allclose(posterior_mean(triples, jnp.asarray(points), process), exact, rtol=0, atol=1e-12)
    targets = TargetNoiseDose(0.0).targets(triples, jnp.asarray(points), process, key=KEY)
    np.testing.assert_allclose(targets, exact, rtol=0, atol=1e-12)


@each_case
def test_dose_one_is_denoising_score_matching(process, points):
    triples = draw_triples(jnp.asarray(points), process, 200, key=KEY)
    targets = TargetNoiseDose(1.0).targets(triples, jnp.asarray(points), process, key=KEY)
    np.testing.assert_allclose(targets, triples.clean, rtol=0, atol=1e-12)


@each_case
@pytest.mark.parametrize("dose", [0.25, 4.0])
def test_dose_multiplies_the_covariance_and_keeps_the_mean(process, points, dose):
    """Moments over x_0 at one (x, t) between the points, in standard errors of 40 000 draws."""
    count, time = 40_000, 0.3
    x = 0.4 * points[0] * float(process.signal_scale(jnp.asarray(time)))
    triples = posterior_triples(process, points, x, time, count)
    targets = np.asarray(TargetNoiseDose(dose).targets(triples, jnp.asarray(points), process, key=KEY))
    data = PointMasses(points)
    covariance = np.asarray(data.posterior_covariance(jnp.asarray(x), time, process))
    error = targets.mean(axis=0) - np.asarray(data.denoised(jnp.asarray(x), time, process))
    assert np.abs(error / (np.sqrt(dose * np.diag(covariance) / count) + 1e-12)).max() < 4.5
    clean = np.cov(np.asarray(triples.clean).T).reshape(covariance.shape)
    np.testing.assert_allclose(np.cov(targets.T).reshape(covariance.shape), dose * clean, rtol=1e-9, atol=1e-12)


@each_case
def test_shape_control_has_the_trace_and_no_direction(process, points):
    count, time = 40_000, 0.3
    x = 0.4 * points[0] * float(process.signal_scale(jnp.asarray(time)))
    triples = posterior_triples(process, points, x, time, count)
    targets = np.asarray(IsotropicTargetNoise().targets(triples, jnp.asarray(points), process, key=KEY))
    data, dimension = PointMasses(points), points.shape[1]
    mean = np.asarray(data.denoised(jnp.asarray(x), time, process))
    size = np.trace(np.asarray(data.posterior_covariance(jnp.asarray(x), time, process))) / dimension
    assert size > 1e-3  # the position is one where the target is uncertain
    noise = (targets - mean) / np.sqrt(size)
    second = noise.T @ noise / count
    assert np.abs((second - np.eye(dimension)) * np.sqrt(count / 2)).max() < 4.5
    # Normal noise, whatever the posterior: independent of the posterior's own draw.
    assert abs(np.mean(noise**4) - 3) < 4.5 * np.sqrt(96 / noise.size)
    other = np.asarray(IsotropicTargetNoise().targets(triples, jnp.asarray(points), process, key=jax.random.key(1)))
    assert np.abs(other - targets).max() > 0.1


def test_single_precision_stays_finite_and_accurate():
    """Networks train in float32, where |x - αx_0|²/2σ² is large at the cut-off and α tiny at the start."""
    points = jnp.asarray(triple())
    triples = draw_triples(points, VP, 500, key=KEY)
    exact = posterior_mean(triples, points, VP)
    single = posterior_mean(jax.tree.map(lambda leaf: leaf.astype(jnp.float32), triples), points.astype("f4"), VP)
    assert single.dtype == jnp.float32
    np.testing.assert_allclose(single, exact, rtol=0, atol=2e-4)


def test_negative_doses_are_refused():
    with pytest.raises(ValueError, match="negative"):
        TargetNoiseDose(-1.0)
