"""Gradient noise of a denoiser, a variational autoencoder and a pair of adversaries, side by side.

All have as many parameters, see the same data in batches of one size, and are trained by Adam. At each record are
measured: how far samples are from held-out data (`energy_distance`), and of the loss's gradient over one batch
tr Cov(g) and |E g|², as it is and as Adam scales it. The same for several learning rates, without gradients. Of the
denoiser also by noise level and by noise schedule. What "spike", "diverged" and "matched" mean is defined in
`statistics`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from figures.common.stages import Arrays, RunStage, Stage
from figures.folklore.variance.data import DIMENSIONS, Points, modes_covered, training_points
from figures.folklore.variance.families import (
    FAMILIES,
    TABLE,
    Family,
    Sizes,
    family,
    training_log_levels,
)
from figures.folklore.variance.toys import targets, toys
from sims.measurements.energy_distance import energy_distance
from sims.measurements.network_gradients import mean_gradient, norms_of_sums
from sims.networks.nonlinear import MLPDenoiser
from sims.training.gradient_sums import at_learning_rate, sums_over_batches
from sims.training.members import Members
from sims.training.state import TrainingState, advance
from theory.definitions.processes import VariancePreserving
from theory.definitions.schedules import AbstractSchedule, CosineSchedule, LinearSchedule, SigmoidSchedule

RATE_FAMILIES = ("diffusion", "VAE", "GAN")
SCHEDULES = {
    "linear": LinearSchedule(0.05, 10.0),  # Song et al. 2021's β/2
    "cosine": CosineSchedule(),
    "sigmoid": SigmoidSchedule(),
}


@dataclass(frozen=True)
class Config:
    """Sizes of the run. `records` are geometric from `first_record` to the last of `steps`."""

    data: tuple[str, ...] = ("ring",)
    networks: Sizes = Sizes(width=64, hidden_layers=2, latent=2, batch_size=128, sampling_steps=12, learning_rate=1e-3)
    points: int = 8192  # of the ring; digits have as many as there are
    test_points: int = 512
    seeds: int = 6
    steps: tuple[int, ...] = (1000,)  # on each data set
    first_record: int = 20
    records: int = 6
    batches: int = 28  # fresh ones, at every record
    level_batches: int = 10  # at every level
    levels: int = 6
    rates: tuple[float, ...] = (3e-4, 3e-3, 3e-2, 1e-1)
    rate_steps: int = 160
    rate_records: int = 5
    replicates: int = 16  # of what needs no network
    draws: int = 4096  # in each replicate


PRESETS = {
    "quick": Config(),
    "paper": Config(
        data=("ring", "digits"),
        networks=Sizes(width=128, hidden_layers=3, latent=8, batch_size=128, sampling_steps=32, learning_rate=1e-3),
        points=16384,
        test_points=768,
        seeds=10,
        steps=(2000, 20000),
        records=12,
        batches=64,
        level_batches=16,
        levels=8,
        rates=(1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
        rate_steps=600,
        rate_records=10,
        replicates=64,
        draws=16384,
    ),
    "tiny": Config(
        networks=Sizes(width=8, hidden_layers=1, latent=2, batch_size=8, sampling_steps=3, learning_rate=1e-3),
        points=64,
        test_points=32,
        seeds=3,
        steps=(8,),
        first_record=2,
        records=3,
        batches=4,
        level_batches=2,
        levels=3,
        rates=(1e-3, 1e-2),
        rate_steps=4,
        rate_records=2,
        replicates=4,
        draws=64,
    ),
}


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Per data set d and family f, with f counted as in FAMILIES and d as in the configuration:

    `distance_d_f` (records, seeds); `norms_d_f` (records, players, 2, seeds, 2): as it is and as Adam scales it, mean
    of |g|² over batches and |mean g|²; `covered_d_f` (records, seeds), share of the ring's modes, 1 for other data;
    `rate_distance_d_f` (rates, records, seeds), not finite where training broke down; `parameters_d_f`.
    Of the denoiser: `level_norms_d` (records, levels, seeds, 2), `level_mean_d` (records, seeds), |mean g|² over
    levels, `schedule_norms_d` (schedules, seeds, 2) at the end, `residual_d` (levels, seeds), weighted loss per
    coordinate.
    `reference_d` (2,): distances of a Gaussian and of the mean alone. What needs no network is in `toys` and
    `targets`.
    """
    toy_key, target_key, *set_keys = jax.random.split(key, 2 + len(config.data))
    stages = [
        Stage("toys", partial(toys, config.replicates, config.draws, toy_key), 0.02),
        Stage("targets", partial(targets, config.replicates, config.draws, level_grid(config), target_key), 0.02),
    ]
    places = []
    for place, (data, set_key) in enumerate(zip(config.data, set_keys, strict=True)):
        for index, name in enumerate(FAMILIES):
            work = partial(_trained, config, place, name, set_key, jax.random.fold_in(set_key, index))
            stages.append(Stage(f"{data}: {name}", work, 0.96 / (len(config.data) * len(FAMILIES))))
            places.append((place, index))
    plain = stage.all(stages)
    arrays = {
        **plain[0],
        **plain[1],
        "levels": level_grid(config),
        "rates": np.asarray(config.rates),
        "batches": np.asarray([config.batches, config.level_batches]),
        "batch_size": np.asarray(config.networks.batch_size),
        "learning_rate": np.asarray(config.networks.learning_rate),
        "dimension": np.asarray([DIMENSIONS[name] for name in config.data]),
    }
    for place, steps in enumerate(config.steps):
        arrays[f"records_{place}"] = record_steps(config.first_record, steps, config.records)
    for (place, index), found in zip(places, plain[2:], strict=True):
        shared = {name: value for name, value in found.items() if name in _OF_DATA}
        arrays |= {f"{name}_{place}": value for name, value in shared.items()}
        arrays |= {f"{name}_{place}_{index}": value for name, value in found.items() if name not in _OF_DATA}
    return arrays


_OF_DATA = ("level_norms", "level_mean", "schedule_norms", "residual", "reference")


def level_grid(config: Config) -> Float[np.ndarray, " levels"]:
    """Noise levels at the middles of parts of equal probability of the training density."""
    return np.exp(training_log_levels(config.levels))


def record_steps(first: int, steps: int, count: int) -> np.ndarray:
    """Different whole numbers, as geometric as they can be."""
    return np.unique(np.geomspace(first, steps, count).round().astype(int))


def _trained(config: Config, place: int, name: str, set_key: PRNGKeyArray, key: PRNGKeyArray) -> Arrays:
    """All that is measured of one family on one data set, whose points every family shares."""
    make_key, run_key, measure_key, rate_key, end_key = jax.random.split(key, 5)
    data = config.data[place]
    points = training_points(data, config.points, config.test_points, set_key)
    kind = family(name, config.networks, points.train, key)
    training = Members(kind.training)
    networks = eqx.filter_jit(eqx.filter_vmap(kind.make))(jax.random.split(make_key, config.seeds))
    start = eqx.filter_jit(training.init)(networks, jax.random.split(run_key, config.seeds))
    quality, rows = _quality_of(config, data, kind, points), []
    state = at_learning_rate(start, config.networks.learning_rate)
    records = record_steps(config.first_record, config.steps[place], config.records)
    for record, record_key in zip(records, jax.random.split(measure_key, len(records)), strict=True):
        state = advance(training, state, int(record - state.step[0]))
        keys = jax.random.split(record_key, config.seeds)
        row = quality(state.parameters, keys) | {"norms": _norms(config, kind, training, state, keys)}
        rows.append(row | _at_levels(config, training, state, keys) if name == "diffusion" else row)
    arrays = {each: np.stack([np.asarray(row[each]) for row in rows]) for each in rows[0]}
    arrays["parameters"] = np.asarray(kind.parameters)
    if name in RATE_FAMILIES:
        arrays["rate_distance"] = _over_rates(config, training, start, quality, rate_key)
    if name == "diffusion":
        arrays |= _at_the_end(config, training, state, points, end_key)
    return arrays


def _quality_of(config: Config, data: str, kind: Family, points: Points) -> Callable[[Any, Array], dict[str, Array]]:
    """Of networks and keys (seeds,): energy distance to held-out points, and modes covered."""

    def of_member(network: Any, key: PRNGKeyArray) -> dict[str, Array]:
        samples = kind.sample(network, key, config.test_points)
        covered = modes_covered(samples) if data == "ring" else jnp.ones(())
        return {"distance": energy_distance(samples, points.test), "covered": covered}

    return eqx.filter_jit(eqx.filter_vmap(of_member))


def _norms(config: Config, kind: Family, training: Members, state: TrainingState, keys: Array) -> np.ndarray:
    """(players, 2, seeds, 2)."""
    sums = sums_over_batches(training, state, config.batches, keys)
    return np.stack([norms_of_sums(part, config.batches).swapaxes(0, 1) for part in kind.players(sums)])


def _at_levels(config: Config, training: Members, state: TrainingState, keys: Array) -> Arrays:
    """`level_norms` (levels, seeds, 2) and `level_mean` (seeds,)."""
    number, found = config.level_batches, []
    for place, level in enumerate(level_grid(config)):
        same = _with_levels(training, np.full(TABLE, np.log(level)))
        found.append(sums_over_batches(same, state, number, _folded(keys, 1 + place)))
    mean = np.mean([mean_gradient(sums, number) for sums in found], axis=0)
    norms = [norms_of_sums(sums, number)[:, 0] for sums in found]
    return {"level_norms": np.stack(norms), "level_mean": np.sum(mean**2, axis=-1)}


def _over_rates(
    config: Config, training: Members, start: TrainingState, quality: Callable, key: PRNGKeyArray
) -> Float[np.ndarray, "rates records seeds"]:
    """Distances over a shorter training from the same weights, at every learning rate."""
    first = max(1, config.rate_steps // config.rate_records)
    found = []
    for rate, rate_key in zip(config.rates, jax.random.split(key, len(config.rates)), strict=True):
        state, keys, row = at_learning_rate(start, rate), jax.random.split(rate_key, config.seeds), []
        for record in np.linspace(first, config.rate_steps, config.rate_records).round().astype(int):
            state = advance(training, state, int(record - state.step[0]))
            row.append(np.asarray(quality(state.parameters, keys)["distance"]))
        found.append(np.stack(row))
    return np.stack(found)


def _at_the_end(config: Config, training: Members, state: TrainingState, points: Points, key: PRNGKeyArray) -> Arrays:
    """Of trained denoisers: noise by schedule, residual loss by level; of the data, distances to compare with."""
    residual_key, gaussian_key, *schedule_keys = jax.random.split(key, 2 + len(SCHEDULES))
    norms = []
    for schedule, schedule_key in zip(SCHEDULES.values(), schedule_keys, strict=True):
        drawn = _with_levels(training, schedule_log_levels(schedule, TABLE))
        sums = sums_over_batches(drawn, state, config.batches, jax.random.split(schedule_key, config.seeds))
        norms.append(norms_of_sums(sums, config.batches)[:, 0])
    alone = jnp.broadcast_to(jnp.mean(points.train, axis=0)[None], points.test.shape)
    reference = [float(energy_distance(each, points.test)) for each in (_gaussian_like(points, gaussian_key), alone)]
    residual = _residuals(state.parameters, points.test, level_grid(config), residual_key)
    return {"schedule_norms": np.stack(norms), "residual": residual, "reference": np.asarray(reference)}


def _residuals(networks: MLPDenoiser, test: Array, levels: np.ndarray, key: PRNGKeyArray) -> Float[np.ndarray, "..."]:
    """|D - x_0|²/(d c_out²) (levels, seeds): what is left of the target of the network within its scales."""

    def of_member(network: MLPDenoiser, level: Array, noise: Array) -> Array:
        scale = network.preconditioning.scales(jnp.ones_like(level), level).output
        return jnp.mean((network(test + level * noise, level) - test) ** 2) / scale**2

    each = jnp.asarray(levels, test.dtype)
    noise = jax.random.normal(key, (len(levels), *test.shape), test.dtype)
    over_levels = eqx.filter_vmap(of_member, in_axes=(None, 0, 0), out_axes=0)
    over_members = eqx.filter_vmap(over_levels, in_axes=(eqx.if_array(0), None, None), out_axes=1)
    return np.asarray(eqx.filter_jit(over_members)(networks, each, noise))


def schedule_log_levels(schedule: AbstractSchedule, parts: int) -> Float[np.ndarray, " parts"]:
    """ln(σ/α) at times in the middles of equal parts of [.001, .999], as training draws them."""
    times = 1e-3 + 0.998 * (np.arange(parts) + 0.5) / parts
    return -np.asarray(VariancePreserving(schedule=schedule).log_snr(jnp.asarray(times))) / 2


def _with_levels(training: Members, log_levels: np.ndarray) -> Members:
    """The same training on other noise levels, by the same compiled program."""
    table = jnp.asarray(log_levels, jnp.float32)
    return eqx.tree_at(lambda at: at.training.density.table, training, table)


def _folded(keys: Array, number: int) -> Array:
    return jax.vmap(lambda key: jax.random.fold_in(key, number))(keys)


def _gaussian_like(points: Points, key: PRNGKeyArray) -> Float[Array, "n dim"]:
    """2048 points of the data's mean and covariance."""
    spread = np.linalg.cholesky(np.cov(np.asarray(points.train, dtype=float).T))
    noise = jax.random.normal(key, (2048, points.train.shape[1]), points.train.dtype)
    return jnp.mean(points.train, axis=0)[None] + noise @ jnp.asarray(spread.T, points.train.dtype)
