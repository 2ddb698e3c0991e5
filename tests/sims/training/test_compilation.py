"""Programs with compiler options of their own: the same numbers, alone and inside every transformation."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from sims.networks.mlp_unet import mlp_unet
from sims.networks.preconditioned import PreconditionedNetwork
from sims.sampling.networks import heun_sample
from sims.training.compilation import _stands_alone, jit_with_fused_loops
from sims.training.edm import EDMTraining

NETWORK = PreconditionedNetwork(network=mlp_unet(2, layers=2, width=4, embedding=4, key=jax.random.key(0)))
NOISE, LEVELS = jnp.ones((3, 2), jnp.float32), jnp.asarray([10.0, 1.0, 0.0], jnp.float32)


def test_options_reach_the_compiler_where_the_program_stands_alone(monkeypatch):
    seen = []
    original = eqx.filter_jit

    def recording(function, **options):
        seen.append(options)
        return original(function, **options)

    monkeypatch.setattr("sims.training.compilation.eqx.filter_jit", recording)
    double = jit_with_fused_loops(lambda x: 2 * x)
    assert [set(options) for options in seen] == [{"donate"}]
    assert float(double(jnp.asarray(1.5))) == 3.0
    assert seen[1]["compiler_options"] == {"xla_cpu_use_fusion_emitters": True}


def test_samples_are_the_same_inside_transformations():
    expected = np.asarray(heun_sample(NETWORK, NOISE, LEVELS))
    inside = {
        "jit": eqx.filter_jit(lambda network: heun_sample(network, NOISE, LEVELS))(NETWORK),
        "jit of constants": jax.jit(lambda: heun_sample(NETWORK, NOISE, LEVELS))(),
        "a function": heun_sample(lambda x, level: NETWORK(x, level), NOISE, LEVELS),
        "vmap": jax.vmap(lambda noise: heun_sample(NETWORK, noise, LEVELS))(NOISE[None])[0],
    }
    for name, samples in inside.items():
        np.testing.assert_allclose(samples, expected, rtol=1e-5, atol=1e-6, err_msg=name)


def test_derivatives_through_what_a_denoiser_has_taken_along():
    def end(scale):
        return heun_sample(lambda x, level: scale * NETWORK(x, level), NOISE, LEVELS).sum()

    slope = jax.grad(end)(jnp.asarray(1.0, jnp.float32))
    step = 1e-2
    numeric = (end(jnp.asarray(1 + step)) - end(jnp.asarray(1 - step))) / (2 * step)
    np.testing.assert_allclose(slope, numeric, rtol=1e-2)


def test_networks_and_their_training_stand_alone():
    """No leaf of theirs is opaque, or the options would never reach the compiler."""
    training = EDMTraining(np.ones((4, 2), np.float32), optax.adam(1e-3), 2)
    state = training.init(NETWORK, jax.random.key(1))
    assert training.fused
    assert _stands_alone((training, state, NOISE, LEVELS))
    assert not _stands_alone((lambda x, level: x, NOISE))
    assert not jax.jit(lambda x: jnp.asarray(_stands_alone(x)))(NOISE)
