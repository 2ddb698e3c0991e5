"""What MLPs in training know of the covariance of their data, and what more, in nats of the likelihood's bound.

Small MLP denoisers with EDM's preconditioning and weights, all noise levels as often, from F = 0 on by stochastic
gradient descent: on eight clusters at the corners of a box, whose ideal denoiser is known, and on patches of
photographs without their brightness. At every record the best affine map is fitted to them, level by level.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from figures.common.stages import Arrays, RunStage, Stage
from sims.data.built_in import natural_image_patches
from sims.measurements.denoisers import Denoiser
from sims.measurements.linear_distillation import distilled, linearity_score
from sims.networks.nonlinear import MLPDenoiser, mlp_denoiser
from sims.training.edm import EDMEnsemble, EDMTraining, check_loss
from sims.training.noise_densities import LogUniformNoise
from sims.training.records import log_spaced_records
from sims.training.state import advance
from theory.definitions.objectives import Objective
from theory.definitions.preconditionings import EDMPreconditioning
from theory.definitions.processes import EDM
from theory.definitions.spectra import Spectrum
from theory.definitions.weights import EDMWeight
from theory.exact_scores.gaussian_mixtures import GaussianMixture
from theory.sampling_questions.hidden_gaussian import nonlinear_nats
from theory.sampling_questions.likelihood import excess_nats
from theory.spectral_law.parametrisations.one_layer import OneLayer

HALF_SIDES, CLUSTER_VARIANCE = (1.5, 0.6, 0.25), 0.02  # of the box, and of the clusters at its corners
PATCH_SIZE, PATCH_MODES = 4, 8  # principal components of patches, without the first, which is their brightness
LAW_TIMES = np.geomspace(1e-3, 1e3, 241)  # ητ of the linear network

# (n, modes) draws of the data, of mean zero with uncorrelated coordinates.
Draw = Callable[[PRNGKeyArray, int], Array]


@dataclass(frozen=True)
class Config:
    """Sizes of the run. Noise levels are in units of the data, of which photographs have unit variance."""

    networks: int = 5
    width: int = 48
    hidden_layers: int = 2
    batch_size: int = 192
    learning_rate: float = 0.05
    box_samples: int = 65536
    patches: int = 16384
    steps_on_box: int = 2000
    steps_on_photographs: int = 1200
    records: int = 12
    levels: tuple[float, float, int] = (0.05, 10.0, 15)  # an odd number, for Simpson's rule
    draws: int = 2048  # noisy data that an affine map is fitted to
    exact_draws: int = 8192  # the same of the ideal denoiser
    pairs: int = 1024  # of noisy data, for the linearity score
    remembered: int = 64  # patches that a memorising denoiser knows


PRESETS = {
    "quick": Config(),
    "paper": Config(
        networks=24,
        width=64,
        batch_size=384,
        steps_on_box=20000,
        steps_on_photographs=20000,
        records=24,
        levels=(0.05, 10.0, 21),
        draws=8192,
        exact_draws=65536,
        box_samples=262144,
        patches=65536,
    ),
    "tiny": Config(
        networks=2,
        width=8,
        hidden_layers=1,
        batch_size=32,
        box_samples=1024,
        patches=512,
        steps_on_box=40,
        steps_on_photographs=40,
        records=5,
        levels=(0.1, 5.0, 5),
        draws=256,
        exact_draws=256,
        pairs=32,
        remembered=8,
    ),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Of networks on both data sets, names ending in "box" and "photographs", every one with draws of its own.

    `gain` and, as squared errors that the affine part misses and that the rest is beyond the Wiener filter, `missed`
    and `beyond`, (networks, records, levels, modes); `linearity` (networks, records, levels); `steps` (records,),
    `variance` (modes,), `levels`. The same without records of denoisers that are exact, "ideal" for the box and
    "remembered" for a few patches, whose variances are `variance_remembered` (draws, modes). In theory `nats_box`
    (modes,) beyond second moments between the first and the last level, and of one linear layer with this
    preconditioning the `law_nats` (times, modes) that it misses at `law_times`.
    """
    box_key, photograph_key, ideal_key, remembered_key = jax.random.split(key, 4)
    stages = [
        Stage("networks on a box", partial(_on_box, config, box_key), 0.35),
        Stage("networks on photographs", partial(_on_photographs, config, photograph_key), 0.5),
        Stage("ideal denoisers", partial(_ideal, config, ideal_key), 0.05),
        Stage("memorising denoisers", partial(_remembered, config, remembered_key), 0.05),
        Stage("theory", partial(_theory, config), 0.05),
    ]
    names = "box", "photographs", "ideal", "remembered"
    *runs, theory = stage.all(stages)
    arrays = {f"{kind}_{name}": value for name, run in zip(names, runs, strict=True) for kind, value in run.items()}
    return arrays | theory | {"levels": np.geomspace(*config.levels)}


def _variance_of_box() -> Float[np.ndarray, " modes"]:
    return np.square(HALF_SIDES) + CLUSTER_VARIANCE


def _box(key: PRNGKeyArray, count: int) -> Array:
    corner_key, place_key = jax.random.split(key)
    shape, sides = (count, len(HALF_SIDES)), jnp.asarray(HALF_SIDES, jnp.float32)
    corners = sides[None] * jax.random.rademacher(corner_key, shape, jnp.float32)
    return corners + CLUSTER_VARIANCE**0.5 * jax.random.normal(place_key, shape, jnp.float32)


def _on_box(config: Config, key: PRNGKeyArray) -> Arrays:
    data_key, run_key = jax.random.split(key)
    data = _box(data_key, config.box_samples)
    return _trained(config, data, _box, _variance_of_box(), config.steps_on_box, run_key)


def _on_photographs(config: Config, key: PRNGKeyArray) -> Arrays:
    data_key, run_key = jax.random.split(key)
    patches = natural_image_patches(data_key, count=config.patches, size=PATCH_SIZE)
    modes = np.asarray(Spectrum.from_samples(patches).to_modes(jnp.asarray(patches)))[:, 1 : PATCH_MODES + 1]
    modes = modes - modes.mean(axis=0)
    modes = modes / modes.std()
    data = jnp.asarray(modes, jnp.float32)
    draw = partial(_chosen, data)
    return _trained(config, data, draw, np.mean(modes**2, axis=0), config.steps_on_photographs, run_key)


def _chosen(data: Array, key: PRNGKeyArray, count: int) -> Array:
    return data[jax.random.randint(key, (count,), 0, len(data))]


def _trained(
    config: Config, data: Array, draw: Draw, variance: Float[np.ndarray, " modes"], steps: int, key: PRNGKeyArray
) -> Arrays:
    """Networks with weights, batches and test points of their own."""
    weight_key, batch_key, test_key = jax.random.split(key, 3)

    def make(own: PRNGKeyArray) -> MLPDenoiser:
        width, layers = config.width, config.hidden_layers
        return mlp_denoiser(EDM(), data.shape[1], width=width, hidden_layers=layers, key=own)

    networks = eqx.filter_vmap(make)(jax.random.split(weight_key, config.networks))
    # From F = 0 on: the first denoiser is c_skip x, whatever the random weights.
    networks = eqx.tree_at(lambda each: each.weights[-1], networks, replace_fn=jnp.zeros_like)
    low, high, _ = config.levels
    training = EDMTraining(
        data,
        optax.sgd(config.learning_rate),
        config.batch_size,
        density=LogUniformNoise(low, high),
        weight=EDMWeight(1.0),
    )
    ensemble = EDMEnsemble(training)
    state = ensemble.init(networks, jax.random.split(batch_key, config.networks))
    tests = [_test(config.draws, config.pairs, draw, own) for own in jax.random.split(test_key, config.networks)]
    test = jax.tree.map(lambda *leaves: jnp.stack(leaves), *tests)
    records, found = log_spaced_records(steps, config.records), []
    for record in records:
        state = advance(ensemble, state, int(record - state.step))
        check_loss(state, f"that of step {record}")
        found.append(_measured_of_networks(state.parameters, test, jnp.asarray(variance, jnp.float32), config.levels))
    stacked = jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves], axis=1), *found)
    return stacked | {"steps": records, "variance": np.asarray(variance)}


def _test(draws: int, pairs: int, draw: Draw, key: PRNGKeyArray) -> tuple[Array, Array, Array]:
    """Data, noise for them, and as many more data and noises as there are pairs, twice."""
    data_key, noise_key, pair_key, pair_noise_key = jax.random.split(key, 4)
    clean, others = draw(data_key, draws), draw(pair_key, 2 * pairs)
    noise = jax.random.normal(noise_key, clean.shape, clean.dtype)
    return clean, noise, jnp.stack([others, jax.random.normal(pair_noise_key, others.shape, others.dtype)])


@eqx.filter_jit
def _measured_of_networks(
    networks: MLPDenoiser, test: tuple[Array, Array, Array], variance: Array, levels: tuple[float, float, int]
) -> dict[str, Array]:
    each = eqx.filter_vmap(_measured, in_axes=(eqx.if_array(0), 0, None, None))
    return each(networks, test, variance, levels)


def _measured(
    denoiser: Denoiser, test: tuple[Array, Array, Array], variance: Array, levels: tuple[float, float, int]
) -> dict[str, Array]:
    """Of one denoiser, at all levels."""
    clean, noise, pairs = test

    def at(level: Array) -> dict[str, Array]:
        found = distilled(denoiser, clean, noise, level, variance)
        first, second = jnp.split(pairs[0] + level * pairs[1], 2)
        return {**found._asdict(), "linearity": linearity_score(denoiser, first, second, level)}

    return jax.lax.map(at, jnp.asarray(np.geomspace(*levels), clean.dtype))


def _ideal(config: Config, key: PRNGKeyArray) -> Arrays:
    """The exact denoiser of the box, on draws of its own for every network."""
    corners = np.stack(np.meshgrid(*[(-1.0, 1.0)] * len(HALF_SIDES), indexing="ij"), axis=-1).reshape(-1, 3)
    mixture = GaussianMixture(corners * np.asarray(HALF_SIDES), CLUSTER_VARIANCE)
    found = [
        _measured_exactly(
            mixture, _test(config.exact_draws, config.pairs, _box, own), jnp.asarray(_variance_of_box()), config.levels
        )
        for own in jax.random.split(key, config.networks)
    ]
    return {kind: np.stack([np.asarray(each[kind]) for each in found]) for kind in found[0]}


@eqx.filter_jit
def _measured_exactly(
    data: GaussianMixture, test: tuple[Array, Array, Array], variance: Array, levels: tuple[float, float, int]
) -> dict[str, Array]:
    test = jax.tree.map(lambda leaf: leaf.astype(float), test)
    return _measured(lambda x, level: data.denoised(x, level, EDM()), test, variance, levels)


def _remembered(config: Config, key: PRNGKeyArray) -> Arrays:
    """The exact denoiser of a few patches, drawn anew for every network, in their own principal components."""
    found = []
    for own in jax.random.split(key, config.networks):
        patch_key, test_key = jax.random.split(own)
        patches = natural_image_patches(patch_key, count=config.remembered, size=PATCH_SIZE)
        modes = np.asarray(Spectrum.from_samples(patches).to_modes(jnp.asarray(patches)))[:, 1 : PATCH_MODES + 1]
        points = jnp.asarray(modes / modes.std())
        variance = jnp.mean(points**2, axis=0)
        test = _test(config.draws, config.pairs, partial(_chosen, points), test_key)
        measured = _measured_exactly(GaussianMixture(points, 0.0), test, variance, config.levels)
        found.append({**measured, "variance": variance})
    return {kind: np.stack([np.asarray(each[kind]) for each in found]) for kind in found[0]}


def _theory(config: Config) -> Arrays:
    low, high, _ = config.levels
    pairs = [GaussianMixture(np.array([[-side], [side]]), CLUSTER_VARIANCE) for side in HALF_SIDES]
    nats = [float(nonlinear_nats(pair, low) - nonlinear_nats(pair, high)) for pair in pairs]
    objective = Objective(weight=EDMWeight(1.0), preconditioning=EDMPreconditioning(1.0))
    spectrum = Spectrum.from_variances(_variance_of_box())
    linear = OneLayer(spectrum, EDM(low, high), 0.0, 1.0, objective=objective)
    return {
        "nats_box": np.asarray(nats),
        "law_times": LAW_TIMES,
        "law_nats": np.asarray(excess_nats(linear, LAW_TIMES)),
    }
