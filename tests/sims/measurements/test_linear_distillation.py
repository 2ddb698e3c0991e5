"""Affine fits against NumPy's least squares, and errors of denoisers whose parts are known."""

import jax.numpy as jnp
import numpy as np
import pytest

from sims.measurements.linear_distillation import distilled, linearity_score, nats_over_levels

RANDOM = np.random.default_rng(0)
VARIANCE, LEVEL = np.array([2.0, 0.3]), 0.5
CLEAN, NOISE = RANDOM.normal(size=(500, 2)) * np.sqrt(VARIANCE), RANDOM.normal(size=(500, 2))
NOISY = CLEAN + LEVEL * NOISE


def measured(denoiser):
    return distilled(
        lambda x, level: denoiser(x), jnp.asarray(CLEAN), jnp.asarray(NOISE), jnp.asarray(LEVEL), jnp.asarray(VARIANCE)
    )


def test_an_affine_denoiser_is_its_own_distillation():
    weight, offset = np.array([[0.9, 0.2], [-0.1, 0.4]]), np.array([0.3, -0.2])
    found = measured(lambda x: x @ weight.T + offset[None])
    np.testing.assert_allclose(found.gain, np.diag(weight), rtol=1e-10)
    np.testing.assert_allclose(found.beyond, 0.0, atol=1e-12)
    wrong = NOISY @ (weight - np.diag(VARIANCE / (VARIANCE + LEVEL**2))).T + offset
    np.testing.assert_allclose(found.missed, np.mean(wrong**2, axis=0), rtol=1e-10)


def test_a_nonlinear_one_against_least_squares():
    found = measured(lambda x: jnp.tanh(2 * x) + 0.1 * x[:, ::-1] ** 2)
    outputs = np.tanh(2 * NOISY) + 0.1 * NOISY[:, ::-1] ** 2
    design = np.concatenate([NOISY, np.ones((500, 1))], axis=1)
    weight = np.linalg.lstsq(design, outputs, rcond=None)[0]
    fitted, filtered = design @ weight, NOISY * VARIANCE / (VARIANCE + LEVEL**2)
    np.testing.assert_allclose(found.gain, np.diag(weight), rtol=1e-10)
    np.testing.assert_allclose(found.missed, np.mean((fitted - filtered) ** 2, axis=0), rtol=1e-9)
    # E|x_0 - D|² of the whole: the parts, and the chance covariance of x_0 - D_G with an affine map.
    by_chance = 2 * np.mean((CLEAN - filtered) * (fitted - filtered), axis=0)
    whole = np.mean((CLEAN - filtered) ** 2, axis=0) + found.missed - found.beyond - by_chance
    np.testing.assert_allclose(np.mean((CLEAN - outputs) ** 2, axis=0), whole, rtol=1e-10)


def test_linearity_score():
    first, second = jnp.asarray(CLEAN), jnp.asarray(NOISE)
    assert float(linearity_score(lambda x, level: -3 * x, first, second, jnp.asarray(LEVEL))) == pytest.approx(
        1.0, rel=1e-12
    )
    of_sum, sum_of = np.tanh((CLEAN + NOISE) / np.sqrt(2)), np.tanh(CLEAN) + np.tanh(NOISE)
    cosine = np.sum(of_sum * sum_of, axis=1) / np.linalg.norm(of_sum, axis=1) / np.linalg.norm(sum_of, axis=1)
    found = linearity_score(lambda x, level: jnp.tanh(x), first, second, jnp.asarray(LEVEL))
    assert float(found) == pytest.approx(np.abs(cosine).mean(), rel=1e-12)


def test_nats():
    levels = np.geomspace(0.1, 10.0, 21)
    np.testing.assert_allclose(nats_over_levels(np.stack([levels**2, levels**4]), levels)[0], np.log(100), rtol=1e-12)
    np.testing.assert_allclose(nats_over_levels(levels**4, levels), (100 - 0.01) / 2, rtol=1e-3)
    np.testing.assert_allclose(nats_over_levels(-(levels[::-1] ** 2), levels[::-1]), -np.log(100), rtol=1e-12)
    for wrong in (levels[:-1], levels - 0.1, np.linspace(0.1, 10.0, 21)):
        with pytest.raises(ValueError, match="an odd number, 3 or more, of positive ones"):
            nats_over_levels(wrong**2, wrong)
    for wrong in (levels[:1], levels[None]):
        with pytest.raises(ValueError, match="an odd number, 3 or more, of positive ones"):
            nats_over_levels(wrong**2, wrong)


def test_what_is_refused():
    level, variance = jnp.asarray(LEVEL), jnp.asarray(VARIANCE)
    for count, noise in ((2, NOISE[:2]), (500, NOISE[:1])):
        with pytest.raises(ValueError, match="must be of one shape"):
            distilled(lambda x, level: x, jnp.asarray(CLEAN[:count]), jnp.asarray(noise), level, variance)
    with pytest.raises(ValueError, match="variance must be of shape"):
        distilled(lambda x, level: x, jnp.asarray(CLEAN), jnp.asarray(NOISE), level, variance[:1])


def test_a_denoiser_that_says_nothing_is_at_right_angles():
    assert float(linearity_score(lambda x, level: 0 * x, jnp.asarray(CLEAN), jnp.asarray(NOISE), jnp.ones(()))) == 0
