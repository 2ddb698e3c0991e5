"""Networks and their ensembles: scales, kernels, ridge and descent against NumPy, and what training reaches."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from sims.data.built_in import rotated_square, triple
from sims.networks.nonlinear import mlp_denoiser, network_scales, ntk_features, random_feature_network, wide_network
from sims.sampling.networks import sample_networks
from sims.sampling.schedules import uniform_schedule
from sims.training.feature_ensembles import fit_ridge
from sims.training.network_ensembles import train_networks
from sims.training.score_ensembles import (
    TrainingSets,
    descend_features,
    draw_training_sets,
    fit_features,
    fit_readouts,
    loss_weight,
)
from sims.training.score_targets import IsotropicTargetNoise, TargetNoiseDose
from sims.training.training_triples import TrainingTriples
from theory import EDM, GaussianFeatures, VariancePreserving
from theory.definitions.preconditionings import EDMPreconditioning

KEY = jax.random.key(0)
VP = VariancePreserving(end_time=1e-2)
FEATURES = GaussianFeatures(1, 4, 3, positions=(-1.5, 1.5), times=(1e-2, 1.0))
DOSES = (TargetNoiseDose(1.0), TargetNoiseDose(0.0), TargetNoiseDose(4.0), IsotropicTargetNoise())


@pytest.fixture(scope="module", autouse=True)
def quick_compilation():
    """Arrays are small here and compiling is most of the time there is."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


def sets_of(points=None, *, models=3, samples=24, objectives=DOSES, process=VP):
    points = triple() if points is None else points
    return draw_training_sets(jnp.asarray(points), process, objectives, models=models, samples=samples, key=KEY)


@functools.cache
def line_sets():
    return sets_of()


@functools.cache
def square_sets():
    return sets_of(rotated_square(0.2))


def member(sets, index):
    return TrainingTriples(*(np.asarray(leaf[index]) for leaf in sets.triples))


# --- Networks ---


@pytest.mark.parametrize("scale", [1.0, 0.3])
@pytest.mark.parametrize("process", [VP, EDM(0.01, 50.0)], ids=["vp", "edm"])
def test_scales_are_karras_for_the_variance_exploding_coordinates(process, scale):
    """c_skip, c_out, c_in of (x/α, σ/α), the effective weight σ_d²/(ς² + σ_d²), and the network that F = 0 leaves."""
    time = jnp.linspace(process.end_time, 0.9 * process.start_time, 7)
    x = jax.random.normal(KEY, (7, 2))
    alpha, sigma = (np.asarray(scale(time)) for scale in (process.signal_scale, process.noise_scale))
    preconditioning = EDMPreconditioning(scale)
    inputs, skip, output = network_scales(process, x, time, preconditioning)
    ratio = sigma / alpha
    spread = ratio**2 + scale**2
    np.testing.assert_allclose(inputs[:, :2], x / alpha[:, None] / np.sqrt(spread)[:, None], rtol=1e-12)
    np.testing.assert_allclose(skip[:, 0], scale**2 / spread / alpha, rtol=1e-12)
    np.testing.assert_allclose(output[:, 0], ratio * scale / np.sqrt(spread), rtol=1e-12)
    np.testing.assert_allclose(loss_weight(process, time) * output[:, 0] ** 2, scale**2 / spread, rtol=1e-10)
    network = random_feature_network(process, 2, width=3, scale=1.0, key=KEY, preconditioning=preconditioning)
    np.testing.assert_allclose(network(x, time), skip * x, rtol=1e-12)
    assert np.abs(np.asarray(inputs[:, 2:])).max() < 3


@pytest.mark.parametrize("kind", ["mlp", "wide", "random"])
def test_networks_take_one_time_or_one_each(kind):
    options = {"mlp": {"hidden_layers": 2}, "wide": {}, "random": {"scale": 1.0}}[kind]
    make = {"mlp": mlp_denoiser, "wide": wide_network, "random": random_feature_network}[kind]
    network = make(VP, 2, width=8, key=KEY, dtype=jnp.float64, **options)
    x = jax.random.normal(KEY, (5, 2))
    together = network(x, jnp.asarray(0.3))
    assert together.shape == (5, 2)
    np.testing.assert_array_equal(together, network(x, jnp.full(5, 0.3)))
    with pytest.raises(ValueError, match="width must be a whole number of 1 or more; got 0"):
        make(VP, 2, width=0, key=KEY, **options)


def test_ntk_features_are_the_slopes_of_the_network():
    """D(θ + hv) - D(θ - hv) over 2h against φ·v; the kernel of a wide network hardly depends on the draw."""
    network = wide_network(VP, 2, width=16, key=KEY, dtype=jnp.float64)
    x, time = jax.random.normal(jax.random.key(1), (6, 2)), jnp.linspace(0.05, 0.9, 6)
    direction = wide_network(VP, 2, width=16, key=jax.random.key(2), dtype=jnp.float64)
    step = 1e-5

    def moved(sign):
        fields = ("inner", "bias", "outer")
        return eqx.tree_at(
            lambda wide: [getattr(wide, name) for name in fields],
            network,
            [getattr(network, name) + sign * step * getattr(direction, name) for name in fields],
        )

    slope = (moved(1)(x, time) - moved(-1)(x, time)) / (2 * step)
    flat = np.concatenate([np.ravel(part) for part in (direction.inner, direction.bias, direction.outer)])
    features_of = eqx.filter_jit(ntk_features)  # op by op, compiling takes longer than all the rest
    features = features_of(network, x, time)
    assert features.shape == (6, 2, flat.size)
    np.testing.assert_allclose(features @ flat, slope, rtol=0, atol=1e-9)

    def kernel(key):
        phi = np.asarray(features_of(wide_network(VP, 2, width=2048, key=key, dtype=jnp.float64), x, time)[:, 0])
        return phi @ phi.T

    first, second = kernel(jax.random.key(3)), kernel(jax.random.key(4))
    assert np.linalg.norm(first - second) < 0.1 * np.linalg.norm(first)


# --- Training sets ---


def test_members_are_independent_and_shared_by_all_objectives():
    sets = square_sets()
    assert sets.targets.shape == (4, 3, 24, 2)
    np.testing.assert_allclose(sets.targets[0], sets.triples.clean, rtol=0, atol=1e-12)
    # Dose 4 lies twice as far from the exact posterior mean as dose 1, sample by sample.
    np.testing.assert_allclose(sets.targets[2] - sets.targets[1], 2 * (sets.targets[0] - sets.targets[1]), atol=1e-12)
    assert np.abs(np.asarray(sets.triples.noisy[0] - sets.triples.noisy[1])).max() > 0.1
    with pytest.raises(ValueError, match="objectives must be one or more"):
        sets_of(objectives=())


# --- Linear models ---


@pytest.mark.slow
def test_ridge_for_several_objectives_is_one_fit_each():
    sets = line_sets()
    fitted = fit_features(FEATURES, sets, VP, ridge=0.1)
    assert fitted.weight.shape == (4, 3, 1, 12)
    for index in range(3):
        triples = TrainingTriples(*map(jnp.asarray, member(sets, index)))
        for objective in range(4):
            alone = fit_ridge(FEATURES, triples, VP, ridge=0.1, targets=sets.targets[objective, index]).weight
            np.testing.assert_allclose(fitted.weight[objective, index], alone, rtol=1e-9, atol=1e-10)
    clean = fit_ridge(FEATURES, TrainingTriples(*map(jnp.asarray, member(sets, 0))), VP, ridge=0.1).weight
    np.testing.assert_allclose(fitted.weight[0, 0], clean, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("ridge", [-0.1, np.nan, np.asarray(-1.0), jnp.asarray(jnp.nan)])
def test_a_ridge_that_is_negative_or_nan_is_refused(ridge):
    sets, network = sets_of(samples=4, models=1), random_feature_network(VP, 1, width=2, scale=1.0, key=KEY)
    for fit, model in ((fit_features, FEATURES), (fit_readouts, network)):
        with pytest.raises(ValueError, match="ridge must be zero or more"):
            fit(model, sets, VP, ridge=ridge)


def test_readouts_are_least_squares_of_what_the_skip_leaves():
    """Augmented least squares in NumPy, in two dimensions."""
    network = random_feature_network(VP, 2, width=20, scale=1.0, key=KEY)
    sets = square_sets()
    readout = np.asarray(fit_readouts(network, sets, VP, ridge=1e-2).readout)
    assert readout.shape == (4, 3, 2, 20)
    for index in (0, 2):
        clean, noisy, time = member(sets, index)
        del clean
        alpha, sigma = np.asarray(VP.signal_scale(time)), np.asarray(VP.noise_scale(time))
        u = np.log(sigma / alpha)[:, None] / 4
        inputs = np.hstack([noisy, u, np.sin(2 * u), np.cos(2 * u)])
        hidden = np.tanh(inputs @ np.asarray(network.inner) + np.asarray(network.bias)) / np.sqrt(20)
        root = (alpha / sigma / np.sqrt(24))[:, None]
        design = np.vstack([root * sigma[:, None] * hidden, 0.1 * np.eye(20)])
        wanted = root * (np.asarray(sets.targets[3, index]) - alpha[:, None] * noisy)
        expected = np.linalg.lstsq(design, np.vstack([wanted, np.zeros((20, 2))]), rcond=None)[0].T
        np.testing.assert_allclose(readout[3, index], expected, rtol=1e-7, atol=1e-8)


def test_descent_is_discrete_gradient_flow():
    """(I - (I - ηG)^n) G^-1 h in the eigenbasis; at small steps, the flow; divergence is an error."""
    sets, times = line_sets(), jnp.asarray([0.02, 0.1, 0.5])
    weight = np.asarray(descend_features(FEATURES, sets, VP, times=times, steps=4000).weight)
    assert weight.shape == (4, 3, 3, 1, 12)
    for index in (0, 2):
        _, noisy, time = member(sets, index)
        root = np.sqrt(np.asarray(loss_weight(VP, jnp.asarray(time))) / 24)[:, None]
        design = root * np.asarray(FEATURES(jnp.asarray(noisy), jnp.asarray(time)))
        values, vectors = np.linalg.eigh(design.T @ design)
        cross = vectors.T @ design.T @ (root * np.asarray(sets.targets[2, index]))
        for stage, tau in enumerate(np.asarray(times)):
            decay = np.ones_like(values)
            for end, start in zip(np.asarray(times)[: stage + 1], [0.0, *np.asarray(times)[:stage]], strict=True):
                decay *= (1 - (end - start) / 4000 * values) ** 4000
            expected = vectors @ (((1 - decay) / values)[:, None] * cross)
            np.testing.assert_allclose(weight[2, index, stage], expected.T, rtol=1e-7, atol=1e-8)
            flow = vectors @ ((-np.expm1(-values * tau) / values)[:, None] * cross)
            np.testing.assert_allclose(weight[2, index, stage], flow.T, rtol=0, atol=0.02 * np.abs(flow).max())
    with pytest.raises(ValueError, match="diverged"):
        descend_features(FEATURES, sets, VP, times=jnp.asarray([500.0]), steps=40)
    traced = functools.partial(descend_features, FEATURES, sets, VP, steps=40)
    assert np.isnan(jax.jit(traced)(times=jnp.asarray([500.0])).weight).all()
    assert "callback" not in str(jax.make_jaxpr(lambda times: traced(times=times).weight)(times))
    for wrong in ([0.5, 0.1], [-0.1, 0.1], [np.nan], [0.1, np.inf], [[0.1]], []):
        with pytest.raises(ValueError, match="times must be a sequence that increases from zero or more"):
            traced(times=jnp.asarray(wrong))
    with pytest.raises(ValueError, match="steps must be a whole number of 1 or more; got 0"):
        descend_features(FEATURES, sets, VP, times=times, steps=0)


# --- Networks, trained ---


def mlp(key):
    return mlp_denoiser(VP, 1, width=16, hidden_layers=2, key=key)


@pytest.mark.slow
def test_full_batch_training_is_adam_written_out():
    """Twenty steps of one member against a plain loop with NumPy-held state and automatic gradients."""
    sets = line_sets()
    optimiser = optax.adam(1e-2)
    trained = train_networks(
        mlp, sets, jnp.asarray(triple()), VP, optimiser=optimiser, steps=20, batch_size=None, records=2, key=KEY
    )
    assert trained.loss.shape == (4, 3, 2)
    network = eqx.filter_jit(mlp)(jax.random.split(jax.random.split(KEY)[0], 3)[1])
    triples = [jnp.asarray(leaf, jnp.float32) for leaf in member(sets, 1)]
    target = jnp.asarray(sets.targets[2, 1], jnp.float32)

    def loss(network):
        squared = jnp.sum((network(triples[1], triples[2]) - target) ** 2, axis=-1)
        return jnp.mean((VP.signal_scale(triples[2]) / VP.noise_scale(triples[2])) ** 2 * squared) / 2

    slope = eqx.filter_jit(eqx.filter_value_and_grad(loss))
    first = jax.tree.map(np.zeros_like, eqx.filter(network, eqx.is_inexact_array))
    second = first
    for count in range(1, 21):
        _, gradient = slope(network)
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * np.asarray(g), first, gradient)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * np.asarray(g) ** 2, second, gradient)
        update = jax.tree.map(
            lambda m, v, count=count: jnp.asarray(
                -1e-2 * (m / (1 - 0.9**count)) / (np.sqrt(v / (1 - 0.999**count)) + 1e-8), jnp.float32
            ),
            first,
            second,
        )
        network = eqx.apply_updates(network, update)
    for ours, expected in zip(trained.networks.weights, network.weights, strict=True):
        np.testing.assert_allclose(np.asarray(ours)[2, 1], expected, rtol=0, atol=2e-3)
    np.testing.assert_allclose(np.asarray(trained.loss)[2, 1, -1], slope(network)[0], rtol=2e-2)


@pytest.mark.slow
def test_converged_training_fits_the_exact_score_and_then_the_noise_of_its_targets():
    """Full batches: J_0 goes to nothing, DSM below the loss of the exact posterior mean on the same triples.

    Minibatches of 32 are not enough in as many steps: one of four members then keeps a fifth of its J_0 loss.
    """
    key, points = jax.random.key(11), jnp.asarray(triple())
    sets = draw_training_sets(points, VP, DOSES, models=2, samples=128, key=key)
    optimiser = optax.adam(optax.cosine_decay_schedule(1e-2, 1500))
    options = {"optimiser": optimiser, "steps": 1500, "batch_size": None, "key": key}
    trained = train_networks(mlp, sets, points, VP, records=3, **options)
    loss, reference = np.asarray(trained.loss), np.asarray(trained.reference)
    np.testing.assert_allclose(reference[1], 0, atol=1e-9)
    np.testing.assert_allclose(reference[2], 4 * reference[0], rtol=1e-4)
    alpha, sigma = (scale(sets.triples.time)[..., None] for scale in (VP.signal_scale, VP.noise_scale))
    missing = alpha / sigma * (sets.targets[1] - alpha * sets.triples.noisy)
    assert (loss[1, :, -1] < 0.02 * np.mean(np.asarray(missing) ** 2, axis=(1, 2)) / 2).all()  # of F = 0
    assert (loss[[0, 2, 3], :, -1] < reference[[0, 2, 3]]).all()
    with pytest.raises(ValueError, match="divide"):
        train_networks(mlp, sets, points, VP, records=7, **options)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"steps": 0}, "steps must be a whole number of 1 or more; got 0"),
        ({"steps": -2}, "steps must be a whole number of 1 or more; got -2"),
        ({"batch_size": 0}, "batch_size must be a whole number of 1 or more; got 0"),
        ({"records": 0}, "records must be a whole number of 1 or more; got 0"),
        ({"records": 3}, "divide"),
    ],
)
def test_bad_training_is_refused(changed, message):
    options = {"optimiser": optax.sgd(0.1), "steps": 4, "batch_size": 2, "records": 1, "key": KEY}
    with pytest.raises(ValueError, match=message):
        train_networks(mlp, sets_of(samples=4, models=1), jnp.asarray(triple()), VP, **options | changed)


@pytest.mark.slow
def test_a_wide_network_trains_as_its_kernel_says():
    """Gradient descent on 2048 hidden units against the linear model of its NTK features, to O(1/√width)."""
    every, points = line_sets(), jnp.asarray(triple())
    sets = TrainingSets(TrainingTriples(*(np.asarray(leaf)[:1] for leaf in every.triples)), every.targets[:1, :1])

    def make(key):
        return wide_network(VP, 1, width=2048, key=key)

    steps, step_size = 100, 0.2
    trained = train_networks(
        make, sets, points, VP, optimiser=optax.sgd(step_size), steps=steps, batch_size=None, records=1, key=KEY
    )
    initial = make(jax.random.split(jax.random.split(KEY)[0], 1)[0])
    _, noisy, time = (jnp.asarray(leaf, jnp.float32) for leaf in member(sets, 0))
    phi = np.asarray(eqx.filter_jit(ntk_features)(initial, noisy, time)[:, 0], dtype=float)
    start = np.asarray(initial(noisy, time), dtype=float)
    weight = np.asarray(loss_weight(VP, time), dtype=float)[:, None] / 24
    missing, kernel = np.asarray(sets.targets[0, 0]) - start, phi @ phi.T
    for _ in range(steps):
        missing = missing - step_size * kernel @ (weight * missing)
    expected = np.asarray(sets.targets[0, 0]) - missing
    network = jax.tree.map(lambda leaf: leaf[0, 0] if eqx.is_array(leaf) else leaf, trained.networks)
    final = np.asarray(network(noisy, time))
    change = np.sqrt(np.mean(weight * (expected - start) ** 2))
    assert np.sqrt(np.mean(weight * (final - expected) ** 2)) < 0.05 * change


# --- Samples ---


@pytest.mark.slow
def test_network_samples_equal_those_of_feature_models_with_the_same_drift():
    """The solver around networks against a loop written out in NumPy."""
    make = eqx.filter_vmap(lambda key: mlp_denoiser(VP, 2, width=8, hidden_layers=1, key=key, dtype=jnp.float64))
    networks = eqx.filter_jit(make)(jax.random.split(KEY, 6))
    stacked = jax.tree.map(
        lambda leaf: jnp.asarray(np.reshape(leaf, (2, 3, *leaf.shape[1:]))) if eqx.is_array(leaf) else leaf, networks
    )
    initial, times = jax.random.normal(KEY, (10, 2)), uniform_schedule(VP, 25)
    samples = sample_networks(stacked, VP, initial, times)
    assert samples.shape == (2, 3, 10, 2)
    with pytest.raises(ValueError, match="strictly monotone"):
        sample_networks(stacked, VP, initial, jnp.zeros(3))
    network = jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf)[4]) if eqx.is_array(leaf) else leaf, networks)
    denoised = eqx.filter_jit(network)

    def drift(x, t):
        alpha, sigma = float(VP.signal_scale(jnp.asarray(t))), float(VP.noise_scale(jnp.asarray(t)))
        score = (alpha * np.asarray(denoised(jnp.asarray(x), jnp.asarray(t))) - x) / sigma**2
        return -(0.1 + 19.9 * t) * (x + score)

    x = np.asarray(initial)
    for t, following in zip(np.asarray(times[:-1]), np.asarray(times[1:]), strict=True):
        first = drift(x, t)
        x = x + (following - t) / 2 * (first + drift(x + (following - t) * first, following))
    np.testing.assert_allclose(np.asarray(samples)[1, 1], x, rtol=0, atol=1e-9)
