"""Training on an explicit state: a run that stops, is saved and goes on has the bits of a run that did not stop."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from sims.data.built_in import triple
from sims.networks.linear import linear_denoiser, one_per_level, tied_two_layer_denoiser
from sims.networks.nonlinear import mlp_denoiser
from sims.training.descent import (
    FullBatch,
    Minibatches,
    continue_full_batch,
    continue_minibatch,
    init_full_batch,
    train_full_batch,
    train_minibatch,
)
from sims.training.network_ensembles import TripleBatches, continue_networks, init_networks, train_networks
from sims.training.pairs import noisy_moments
from sims.training.score_ensembles import draw_training_sets
from sims.training.score_targets import TargetNoiseDose
from sims.training.state import advance, from_arrays, some_members, to_arrays
from sims.training.training_triples import draw_triples
from tests.oracles import networks as network_oracles
from theory import VariancePreserving

KEY = jax.random.key(0)
LEVELS = jnp.asarray([0.1, 1.0, 3.0])
VP = VariancePreserving(end_time=1e-2)
ADAM, HEAVY_BALL = optax.adam(1e-2), optax.sgd(1.0, momentum=0.9)
STEP_SIZES, STEPS = jnp.asarray([[1e-2, 2e-2, 3e-3], [3e-2, 1e-2, 5e-3], [1e-2, 1e-2, 1e-2]]), jnp.asarray([3, 4, 2])


def samples(dtype="float64"):
    return jax.random.normal(jax.random.key(1), (50, 4), dtype) * jnp.asarray([[2.0, 1.0, 0.5, 0.1]], dtype)


def moments(seeds=2):
    clean, noise = samples(), jax.random.normal(jax.random.key(2), (seeds, 50, 4))
    return jax.vmap(noisy_moments, (None, 0, None))(clean, noise, LEVELS)


def saved_and_restored(state, like, path):
    np.savez(path, **to_arrays(state))
    with np.load(path) as arrays:
        return from_arrays(arrays, like)


def same_bits(state, other):
    first, second = to_arrays(state), to_arrays(other)
    assert first.keys() == second.keys()
    for name, array in first.items():
        assert array.dtype == second[name].dtype
        np.testing.assert_array_equal(array, second[name])


def full_batch():
    single = jax.tree.map(lambda leaf: leaf[0, 0], moments())
    return FullBatch(single, jnp.asarray(1e-2), HEAVY_BALL), linear_denoiser(4, 0.1, "float64", initial_bias=0.2)


def minibatches():
    network = one_per_level(tied_two_layer_denoiser(KEY, 4, 0.1, "float32"), 3)
    return Minibatches(samples("float32"), LEVELS, jnp.full(3, 1e-2, "float32"), 8, ADAM), network


def score_batches(batch_size=5):
    triples = draw_triples(jnp.asarray(triple(), "float32"), VP, 16, key=KEY)
    return TripleBatches(triples, triples.clean, VP, ADAM, batch_size), mlp_denoiser(
        VP, 1, width=8, hidden_layers=2, key=KEY
    )


@pytest.mark.slow_cases("score_batches")
@pytest.mark.parametrize("case", [full_batch, minibatches, score_batches])
def test_a_run_goes_on_from_its_saved_state_with_the_same_bits(case, tmp_path):
    training, network = case()
    unbroken = advance(training, training.init(network, KEY), 6)
    assert int(unbroken.step) == 6
    stopped = advance(training, training.init(network, KEY), 3)
    like = training.init(network, jax.random.key(99))
    restored = saved_and_restored(stopped, like, tmp_path / "state.npz")
    same_bits(restored, stopped)
    same_bits(advance(training, restored, 3), unbroken)
    start = to_arrays(training.init(network, KEY))
    assert np.abs(to_arrays(unbroken)[_first_trained(unbroken)] - start[_first_trained(unbroken)]).max() > 0


def _first_trained(state):
    return next(name for name in to_arrays(state) if name.startswith(".parameters"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "optimiser", [pytest.param(HEAVY_BALL, id="heavy ball", marks=pytest.mark.slow), pytest.param(ADAM, id="adam")]
)
def test_compiled_stages_go_on_from_a_saved_state(optimiser, tmp_path):
    """Networks of all seeds and levels, and stochastic ones of all levels."""
    network, pairs = tied_two_layer_denoiser(KEY, 4, 0.1, "float64"), moments()
    unbroken = train_full_batch(network, pairs, STEP_SIZES, STEPS, optimiser=optimiser)
    start = init_full_batch(network, pairs, optimiser=optimiser)
    state, first = continue_full_batch(start, pairs, STEP_SIZES[:2], STEPS[:2], optimiser=optimiser)
    state = saved_and_restored(state, start, tmp_path / "full.npz")
    state, second = continue_full_batch(state, pairs, STEP_SIZES[2:], STEPS[2:], optimiser=optimiser)
    np.testing.assert_array_equal(np.concatenate([first.factor, second.factor], axis=2), unbroken.factor)
    assert int(state.step) == 9

    start, options = one_per_level(network, 3), {"batch_size": 8, "optimiser": optimiser}
    unbroken = train_minibatch(start, samples(), LEVELS, STEP_SIZES, STEPS, key=KEY, **options)
    like = Minibatches(samples(), LEVELS, STEP_SIZES[0], **options).init(start, KEY)
    state, first = continue_minibatch(like, samples(), LEVELS, STEP_SIZES[:2], STEPS[:2], **options)
    state = saved_and_restored(state, like, tmp_path / "batches.npz")
    state, second = continue_minibatch(state, samples(), LEVELS, STEP_SIZES[2:], STEPS[2:], **options)
    np.testing.assert_array_equal(np.concatenate([first.factor, second.factor]), unbroken.factor)


@pytest.mark.slow
def test_network_ensembles_go_on_from_a_saved_state(tmp_path):
    """A schedule knows how many steps lie behind it; objectives share minibatches before and after the stop."""
    points, objectives = jnp.asarray(triple()), (TargetNoiseDose(1.0), TargetNoiseDose(0.0))
    sets = draw_training_sets(points, VP, objectives, models=3, samples=12, key=KEY)
    optimiser = optax.adam(optax.cosine_decay_schedule(1e-2, 12))
    options = {"optimiser": optimiser, "batch_size": 6}

    def make(key):
        return mlp_denoiser(VP, 1, width=8, hidden_layers=1, key=key)

    unbroken = train_networks(make, sets, points, VP, steps=12, records=4, key=KEY, **options)
    start = init_networks(make, sets, optimiser=optimiser, key=KEY)
    state, first = continue_networks(start, sets, VP, steps=6, records=2, **options)
    state = saved_and_restored(state, start, tmp_path / "state.npz")
    state, second = continue_networks(state, sets, VP, steps=6, records=2, **options)
    np.testing.assert_array_equal(np.concatenate([first, second], axis=2), unbroken.loss)
    for ours, expected in zip(state.parameters.weights, unbroken.networks.weights, strict=True):
        assert ours.shape[:2] == (2, 3)
        np.testing.assert_array_equal(ours, expected)
    assert np.unique(np.asarray(state.parameters.weights[0]), axis=0).shape[0] == 2
    # Two of the three models go on by themselves as they do among all.
    some = slice(1, 3)
    own = sets._replace(triples=jax.tree.map(lambda leaf: leaf[some], sets.triples), targets=sets.targets[:, some])
    alone, _ = continue_networks(some_members(start, some, axis=1), own, VP, steps=6, records=2, **options)
    alone, _ = continue_networks(alone, own, VP, steps=6, records=2, **options)
    for ours, among in zip(alone.parameters.weights, state.parameters.weights, strict=True):
        np.testing.assert_allclose(ours, among[:, some], rtol=1e-6, atol=1e-7)


def heavy_ball(case, target, noisy, weight, step_sizes, steps, momentum):
    """v ← μv + g, θ ← θ - ηv in NumPy, the velocity kept from stage to stage."""
    parameters, stages = case.parameters, []
    velocity = [np.zeros_like(array) for array in parameters]
    for size, count in zip(step_sizes, steps, strict=True):
        for _ in range(count):
            slopes = network_oracles.gradient(case, parameters, target, noisy, weight)
            velocity = [momentum * v + slope for v, slope in zip(velocity, slopes, strict=True)]
            parameters = [array - size * v for array, v in zip(parameters, velocity, strict=True)]
        stages.append(parameters)
    return [np.stack(arrays) for arrays in zip(*stages, strict=True)]


@pytest.mark.parametrize("name", ["linear_biased", "two_layer", "preconditioned", "ring"])
def test_heavy_ball_equals_a_loop(name):
    case, rng = network_oracles.CASES[name], np.random.default_rng(0)
    clean, noise = rng.normal(size=(2, 50, 6)) * [1.5, 1.0, 0.3, 0.5, 1.0, 0.2] + 0.3
    pairs = jax.tree.map(lambda leaf: leaf[None], noisy_moments(jnp.asarray(clean), jnp.asarray(noise), LEVELS))
    trained = train_full_batch(case.network, pairs, STEP_SIZES, STEPS, optimiser=HEAVY_BALL)
    for level, sigma in enumerate(np.asarray(LEVELS)):
        noisy, sizes = clean + sigma * noise, np.asarray(STEP_SIZES[:, level])
        expected = heavy_ball(case, clean, noisy, 1.0, sizes, np.asarray(STEPS), 0.9)
        for leaf, other in zip(jax.tree.leaves(trained), expected, strict=True):
            np.testing.assert_allclose(leaf[0, level], other, rtol=1e-10, atol=1e-12)


def test_single_steps_are_those_of_the_compiled_stages():
    pairs, network = moments(), linear_denoiser(4, 0.1, "float64")
    trained = train_full_batch(network, pairs, STEP_SIZES[:1], STEPS[:1])
    for seed, level in np.ndindex(2, 3):
        training = FullBatch(jax.tree.map(lambda leaf, at=(seed, level): leaf[at], pairs), STEP_SIZES[0, level])
        state = training.init(network)
        for _ in range(int(STEPS[0])):
            state = training.step(state)
        np.testing.assert_allclose(state.parameters.weight, trained.weight[seed, level, 0], rtol=1e-14, atol=1e-16)


def test_saved_states_of_another_training_are_refused():
    training, network = score_batches()
    state = training.init(network, KEY)
    arrays = to_arrays(state)
    name = next(name for name in arrays if name.startswith(".parameters"))
    with pytest.raises(ValueError, match="a saved state must have the arrays .* got"):
        from_arrays({each: array for each, array in arrays.items() if each != name}, state)
    with pytest.raises(ValueError, match="must have the shape .* got"):
        from_arrays(arrays | {name: arrays[name][:1]}, state)
    with pytest.raises(ValueError, match="and the type float32; got .* float64"):
        from_arrays(arrays | {name: arrays[name].astype(float)}, state)


@pytest.mark.parametrize("case", [minibatches, score_batches])
def test_random_batches_need_a_key(case):
    training, network = case()
    with pytest.raises(ValueError, match="the key of random batches must be given; got None"):
        training.init(network)


def test_full_batches_need_none():
    training, network = score_batches(batch_size=None)
    state = advance(training, training.init(network), 3)
    assert state.key is None
    assert float(training.loss(state.parameters)) < float(eqx.filter_jit(training.loss)(network))
