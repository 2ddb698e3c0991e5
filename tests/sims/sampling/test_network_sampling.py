"""Samples of preconditioned networks: Karras's algorithm written out, the exact flow of Gaussian data, ensembles."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sims.networks.mlp_unet import mlp_unet
from sims.networks.preconditioned import PreconditionedNetwork
from sims.sampling.networks import converged_sample, heun_sample, heun_sample_members
from sims.sampling.schedules import edm_schedule, edm_schedule_to_zero
from tests.oracles import score_networks as oracle
from theory import EDM

KEY = jax.random.key(0)
VARIANCE = np.array([1.0, 0.01])
NOISE = np.random.default_rng(0).normal(size=(5, 2))


def exact(x, level):
    """The posterior mean of Gaussian data."""
    variance = jnp.asarray(VARIANCE, x.dtype)[None]
    return variance / (variance + level**2) * x


def network(key):
    return PreconditionedNetwork(mlp_unet(2, layers=2, width=5, embedding=4, key=key, dtype=jnp.float64))


def test_schedule_ends_at_zero():
    levels = edm_schedule_to_zero(0.01, 50.0, 5)
    np.testing.assert_array_equal(levels[:-1], edm_schedule(0.01, 50.0, 5))
    assert levels[-1] == 0
    assert levels.shape == (6,)


def test_heun_is_karras_algorithm_in_numpy():
    """Alg. 1 with a network in NumPy: Heun's correction in every step but the last, which goes to zero."""
    trained, levels = network(KEY), np.asarray(edm_schedule_to_zero(0.01, 50.0, 6))

    def denoised(x, level):
        spread = level**2 + 0.25
        inner = oracle.mlp_unet(trained.network, x / np.sqrt(spread), np.full(5, np.log(level) / 4))
        return 0.25 / spread * x + 0.5 * level / np.sqrt(spread) * inner

    x = levels[0] * NOISE
    for here, there in zip(levels[:-1], levels[1:], strict=True):
        slope = (x - denoised(x, here)) / here
        predicted = x + (there - here) * slope
        if there > 0:
            slope = (slope + (predicted - denoised(predicted, there)) / there) / 2
        x = x + (there - here) * slope
    np.testing.assert_allclose(heun_sample(trained, NOISE, levels), x, rtol=1e-9)


def test_heun_makes_too_much_of_small_variances():
    """15 % at λ = .01 with 20 steps and 3 % with 40, from the exact denoiser; an error of second order."""
    runs = [heun_sample(exact, NOISE, edm_schedule_to_zero(0.002, 80.0, steps)) for steps in (20, 40, 640, 1280)]
    surplus = np.stack([np.mean((np.asarray(x) / NOISE) ** 2, axis=0) / VARIANCE - 1 for x in runs])
    np.testing.assert_allclose(surplus[:2, 1], [0.147, 0.031], atol=5e-4)
    # Of many steps: the flow from σ_T to σ_min and the denoiser's factor λ/(λ + σ_min²), see below.
    limit = 80.0**2 * VARIANCE / (VARIANCE + 80.0**2) / (VARIANCE + 0.002**2) - 1
    errors = surplus[2:] - limit
    np.testing.assert_allclose(errors[0] / errors[1], 4, rtol=0.1)


def test_converged_samples_are_the_exact_flow():
    """From σ_T to σ_min by √((λ + σ_min²)/(λ + σ_T²)), and on to zero by the denoiser's λ/(λ + σ_min²)."""
    spread = VARIANCE + 0.002**2
    expected = 80.0 * NOISE * np.sqrt(spread / (VARIANCE + 80.0**2)) * VARIANCE / spread
    found = np.asarray(converged_sample(exact, jnp.asarray(NOISE), EDM(), tolerance=1e-9))
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    many = heun_sample(exact, NOISE, edm_schedule_to_zero(0.002, 80.0, 1280))
    np.testing.assert_allclose(found, many, rtol=1e-4)


def test_single_precision_stays_single():
    noise, levels = jnp.asarray(NOISE, "float32"), edm_schedule_to_zero(0.002, 80.0, 20)
    for x in (heun_sample(exact, noise, levels), converged_sample(exact, noise, EDM(), tolerance=1e-4)):
        assert x.dtype == "float32"


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_noise_that_is_narrower_than_the_network_decides(dtype):
    network = PreconditionedNetwork(mlp_unet(3, layers=2, width=4, embedding=4, key=jax.random.key(0)))
    wide = jax.tree.map(lambda leaf: leaf.astype(float) if eqx.is_inexact_array(leaf) else leaf, network)
    noise, levels = jnp.ones((2, 3), dtype), edm_schedule_to_zero(0.1, 5.0, 4)
    found = heun_sample(wide, noise, levels)
    assert found.dtype == dtype
    assert np.all(np.isfinite(found))


@pytest.mark.slow
def test_members_are_sampled_as_single_networks_from_the_same_noise():
    keys, levels = jax.random.split(KEY, 3), edm_schedule_to_zero(0.01, 50.0, 4)
    together = heun_sample_members(eqx.filter_vmap(network)(keys), jnp.asarray(NOISE), levels)
    assert together.shape == (3, 5, 2)
    for member in (0, 2):
        single = heun_sample(network(keys[member]), jnp.asarray(NOISE), levels)
        np.testing.assert_allclose(together[member], single, rtol=1e-9)


@pytest.mark.parametrize(
    "levels", [[1.0, 0.0], [3.0, 1.0, 0.5], [0.0, 1.0, 2.0], [3.0, 1.0, 1.0, 0.0]], ids=["few", "end", "up", "flat"]
)
def test_levels_that_do_not_fall_to_zero_are_refused(levels):
    for sample in (heun_sample, heun_sample_members):
        with pytest.raises(ValueError, match="strictly"):
            sample(network(KEY), NOISE, jnp.asarray(levels))
