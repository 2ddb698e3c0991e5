"""Training on EDM's loss: the loss against NumPy, single runs and ensembles, resumption, and losses that diverge."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from sims.networks.mlp_unet import mlp_unet
from sims.networks.preconditioned import PreconditionedNetwork
from sims.training.edm import EDMEnsemble, EDMTraining, TrainingDivergedError, check_loss
from sims.training.noise_densities import AbstractNoiseDensity, LogUniformNoise
from sims.training.state import Divergence, advance, from_arrays, to_arrays
from tests.oracles import score_networks as oracle
from theory import VariancePreserving
from theory.definitions.weights import EDMWeight, PowerWeight, ProductWeight

KEY = jax.random.key(0)
DATA = jax.random.normal(jax.random.key(3), (40, 6)) * jnp.asarray([[2.0, 1.0, 0.5, 0.3, 0.2, 0.1]])
DENSITY = LogUniformNoise(0.01, 20.0, 0.25)
ADAM, DESCENT = optax.adam(1e-2), optax.sgd(1e-3)


def make(key, dtype=jnp.float64):
    return PreconditionedNetwork(mlp_unet(6, layers=2, width=5, embedding=4, key=key, dtype=dtype))


def training(optimiser=ADAM, **options):
    return EDMTraining(DATA, optimiser, 8, **options)


def same_bits(state, other):
    first, second = to_arrays(state), to_arrays(other)
    assert first.keys() == second.keys()
    for name, array in first.items():
        assert array.dtype == second[name].dtype
        np.testing.assert_array_equal(array, second[name], err_msg=name)


@functools.cache
def members():
    """Four networks, three of which have been trained for seven steps as an ensemble; and their keys."""
    networks = eqx.filter_vmap(make)(jax.random.split(KEY, 3))
    keys = jax.random.split(jax.random.key(1), 3)
    ensemble = EDMEnsemble(training())
    return networks, keys, advance(ensemble, ensemble.init(networks, keys), 7)


def test_loss_is_the_weighted_square_in_numpy():
    """One sample after the other, with EDM's weight and with a weight that is tilted."""
    network, batch = make(KEY), training(density=DENSITY).draw(KEY)
    clean, noise, levels, _ = (np.asarray(part) for part in batch)
    loss = eqx.filter_jit(lambda weight: training(weight=weight).loss(network, batch))
    for weight, power in ((EDMWeight(), 0.0), (ProductWeight(EDMWeight(), PowerWeight(0.3)), 0.3)):
        terms = []
        for x, epsilon, level in zip(clean, noise, levels, strict=True):
            noisy, spread = x + level * epsilon, level**2 + 0.25
            inner = oracle.mlp_unet(network.network, noisy[None] / np.sqrt(spread), np.log([level]) / 4)[0]
            denoised = 0.25 / spread * noisy + 0.5 * level / np.sqrt(spread) * inner
            terms.append(spread / (0.5 * level) ** 2 * level ** (-2 * power) * np.sum((denoised - x) ** 2))
        np.testing.assert_allclose(loss(weight), np.mean(terms), rtol=1e-10)


def test_batches_are_data_noise_and_levels_of_their_laws():
    """10⁵ samples: each datum as often as the others, normal noise, levels from the density; another key, others."""
    draw = eqx.filter_jit(EDMTraining(DATA, ADAM, 100_000, DENSITY).draw)
    clean, noise, levels, _ = (np.asarray(part) for part in draw(KEY))
    found, counts = np.unique(clean, axis=0, return_counts=True)
    np.testing.assert_array_equal(found, np.unique(np.asarray(DATA), axis=0))
    assert np.sum((counts - 2500) ** 2 / 2500) < 39 + 5 * np.sqrt(2 * 39)
    np.testing.assert_allclose(noise.mean(axis=0), 0, atol=5e-5**0.5)
    np.testing.assert_allclose(noise.T @ noise / 1e5, np.eye(6), atol=5 * 2e-5**0.5)
    assert 0.01 <= levels.min() < 0.0101
    assert 10 < levels.max() <= 20
    assert abs(np.corrcoef(np.log(levels), noise[:, 0])[0, 1]) < 5e-5**0.5
    assert not np.array_equal(draw(jax.random.key(1)).noise, noise)


def test_a_step_of_descent_is_along_the_slope_of_its_batch():
    """θ - η ∂L/∂θ, the slope by finite differences in single parameters."""
    rule = training(DESCENT)
    start = rule.init(make(KEY), KEY)
    batch = rule.draw(jax.random.split(KEY)[1])
    loss = eqx.filter_jit(rule.loss)
    step = eqx.filter_jit(rule.step)(start)
    for where in (lambda at: at.network.output.weight, lambda at: at.network.blocks[0].scale.bias):
        before, after = where(start.parameters), where(step.parameters)
        position = (2,) * before.ndim
        ahead, behind = (
            loss(eqx.tree_at(where, start.parameters, before.at[position].add(h)), batch) for h in (1e-6, -1e-6)
        )
        np.testing.assert_allclose((after - before)[position], -1e-3 * (ahead - behind) / 2e-6, rtol=1e-5)
    assert int(step.step) == 1


@pytest.mark.slow
def test_adam_learns_what_is_to_be_learned():
    """From the untrained loss far down towards that of the best linear denoiser of Gaussian data."""
    wide = EDMTraining(DATA.astype(jnp.float32), optax.adam(3e-3), 64)
    state = wide.init(PreconditionedNetwork(mlp_unet(6, layers=2, width=32, embedding=8, key=KEY)), KEY)
    batch = EDMTraining(wide.data, ADAM, 4000).draw(jax.random.key(9))
    loss = eqx.filter_jit(wide.loss)
    before = float(loss(state.parameters, batch))
    state = advance(wide, state, 1000)
    variance = np.var(np.asarray(DATA), axis=0)
    level = np.asarray(batch.levels)[:, None] ** 2
    linear = float(np.mean(np.sum((level + 0.25) / (0.25 * level) * variance * level / (variance + level), axis=1)))
    after = float(loss(state.parameters, batch))
    assert after < linear + 0.2 * (before - linear)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", pytest.param("float64", marks=pytest.mark.slow)])
def test_a_run_goes_on_from_saved_arrays_with_the_same_bits(dtype):
    rule = EDMTraining(DATA.astype(dtype), ADAM, 8)
    start = functools.partial(rule.init, make(KEY, dtype))
    unbroken = advance(rule, start(KEY), 6)
    stopped = advance(rule, start(KEY), 2)
    arrays = to_arrays(stopped)
    assert {array.dtype.name for array in arrays.values()} == {dtype, "float32", "int32", "uint32"}
    restored = from_arrays(arrays, start(jax.random.key(9)))
    same_bits(restored, stopped)
    same_bits(advance(rule, restored, 4), unbroken)


@pytest.mark.slow
def test_members_of_an_ensemble_are_single_runs():
    networks, keys, together = members()
    for member in (0, 2):
        network = jax.tree.map(lambda leaf, member=member: leaf[member] if eqx.is_array(leaf) else leaf, networks)
        single = advance(training(), training().init(network, keys[member]), 7)
        pairs = zip(
            *(jax.tree.leaves(eqx.filter(state.parameters, eqx.is_array)) for state in (together, single)), strict=True
        )
        for mine, alone in pairs:
            np.testing.assert_allclose(mine[member], alone, rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(jax.random.key_data(together.key)[member], jax.random.key_data(single.key))
    assert int(together.step) == 7


def test_ensembles_go_on_from_saved_arrays_with_the_same_bits():
    networks, keys, unbroken = members()
    ensemble = EDMEnsemble(training())
    stopped = to_arrays(advance(ensemble, ensemble.init(networks, keys), 3))
    same_bits(advance(ensemble, from_arrays(stopped, ensemble.init(networks, keys[::-1])), 4), unbroken)


def test_the_loop_uses_up_its_state_and_leaves_network_and_key_alone():
    network, key = make(KEY), jax.random.key(5)
    rule = training()
    start = rule.init(network, key)
    advance(rule, start, 1)
    assert start.parameters.network.output.weight.is_deleted()
    again = advance(rule, rule.init(network, key), 1)
    assert not network.network.output.weight.is_deleted()
    assert not again.parameters.network.output.weight.is_deleted()


@pytest.mark.slow
def test_any_number_of_steps_is_one_program():
    traced = []

    class Counted(AbstractNoiseDensity):
        def log_levels(self, key, shape, dtype):
            traced.append(shape)
            return jnp.zeros(shape, dtype)

        def tilted(self, exponent):
            return self

    rule = training(density=Counted())
    state = rule.init(make(KEY), KEY)
    for steps in (1, 2, 0, 5):
        state = advance(rule, state, steps)
    assert int(state.step) == 8
    assert len(traced) == 1


def test_a_loss_that_diverges_is_named_with_its_step_and_levels():
    """Steps so long that the loss is soon infinite: the report is that of the first such step, one by one."""
    rule = training(optax.sgd(1e30), density=DENSITY)
    state, losses, ranges = rule.init(make(KEY), KEY), [], []
    step, loss = eqx.filter_jit(rule.step), eqx.filter_jit(rule.loss)
    for _ in range(6):
        batch = rule.draw(jax.random.split(state.key)[1])
        losses.append(float(loss(state.parameters, batch)))
        ranges.append((float(batch.levels.min()), float(batch.levels.max())))
        state = step(state)
    first = int(np.flatnonzero(~np.isfinite(losses))[0])
    assert 0 < first < 5
    assert int(state.divergence.step) == first + 1
    np.testing.assert_allclose((state.divergence.smallest, state.divergence.largest), ranges[first], rtol=1e-6)
    low, high = (f"{level:.3g}" for level in ranges[first])
    sentence = (
        f"the loss was not finite at step {first + 1}, on noise levels from {low} to {high}; "
        "the last good checkpoint is that of step 0"
    )
    with pytest.raises(TrainingDivergedError, match=f"^{sentence.replace('.', chr(92) + '.')}$"):
        check_loss(state, "that of step 0")


def test_a_loss_that_is_finite_passes_and_the_first_of_several_members_is_named():
    _, _, state = members()
    check_loss(state, "none")
    found = Divergence(jnp.asarray([0, 9, 4]), jnp.asarray([0, 0.1, 0.2]), jnp.asarray([0, 3.0, 4.0]))
    diverged = eqx.tree_at(lambda at: at.divergence, state, found)
    with pytest.raises(TrainingDivergedError, match=r"of member 2, one of 2 that diverged, .* step 4, .* 0.2 to 4; "):
        check_loss(diverged, "results/record-3.npz")


@pytest.mark.parametrize("rule", [training(), EDMEnsemble(training())], ids=["single", "ensemble"])
def test_what_cannot_be_trained_is_refused(rule):
    with pytest.raises(ValueError, match="the key of random batches must be given; got None"):
        rule.init(make(KEY))
    with pytest.raises(ValueError, match="must be one of jax.random.key; got an array of uint32"):
        rule.init(make(KEY), jax.random.PRNGKey(0))
    preserving = eqx.tree_at(lambda at: at.process, make(KEY), VariancePreserving())
    with pytest.raises(ValueError, match="must be EDM; got VariancePreserving"):
        rule.init(preserving, KEY)
    with pytest.raises(ValueError, match="batch_size must be a whole number of 1 or more; got 0"):
        EDMTraining(DATA, ADAM, 0)
    with pytest.raises(ValueError, match=r"training data must be rows of numbers, \(m, dim\); got shape \(3,\)"):
        EDMTraining(jnp.zeros(3), ADAM, 8)
    with pytest.raises(ValueError, match="training data must be finite; got NaN or infinite values among them"):
        EDMTraining(DATA.at[1, 0].set(jnp.nan), ADAM, 8)
    with pytest.raises(ValueError, match="steps must be a whole number of 0 or more; got -1"):
        advance(training(), training().init(make(KEY), KEY), -1)
