"""Trains networks on all noise levels as chains of stages, and measures what they generate at records on the way.

A stage takes the state that the one before has left, trains on, and measures at its records; so a run that was killed
goes on from its last stage bit for bit. Records of one model sample from the same noise. Every model has data, initial
weights, batches and sampler noise of its own: the scatter over models is what another seed would change.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from figures.common.stages import Arrays, RunStage, Stage
from figures.studies.trained_networks.architectures import Architecture
from sims.measurements.alignment import alignment, alignment_of_samples
from sims.measurements.denoisers import Denoiser
from sims.measurements.mode_moments import mode_moments
from sims.measurements.network_gains import ModeGains, heun_prediction
from sims.measurements.patch_statistics import patch_modes, patch_moments, patch_variances
from sims.sampling.networks import heun_sample
from sims.sampling.schedules import edm_schedule_to_zero
from sims.training.edm import EDMTraining, check_loss
from sims.training.noise_densities import AbstractNoiseDensity, LogNormalNoise, LogUniformNoise
from sims.training.records import log_spaced_records
from sims.training.sharding import spread
from sims.training.state import advance, from_arrays, to_arrays

SIGMA_MIN, SIGMA_MAX = 0.002, 80.0
OF_MODES: tuple[str, ...] = ("generated", "alignment", "alignment_unbiased")  # what `measure_modes` always gives
_STATE, _MEASURED, _KEPT = "state ", "measured ", "kept "


@dataclass(frozen=True)
class NetworkRun:
    """How a network is trained and looked at; defaults are the authors' where they have one."""

    architecture: Architecture
    steps: int
    records: int  # log-spaced, step 0 among them
    samples: int  # at every record
    batch_size: int
    optimiser: Literal["adam", "sgd"] = "adam"
    learning_rate: float = 1e-4  # of SGD: on the loss summed over coordinates
    heun_steps: int = 20
    # How many samples are made at a time; None: all. What a convolution keeps of a few images fits a processor's cache.
    sampled_together: int | None = None
    density: Literal["log-normal", "log-uniform"] = "log-normal"  # of the noise levels that are trained on
    log_mean: float = -1.2  # of the log-normal one, P_mean
    log_std: float = 1.2  # P_std
    tilt: float = 0.0  # a: the density is multiplied by σ^-2a
    segments: int = 1  # stages of one run
    kept: int = 0  # at how many of the records the network itself is kept

    @property
    def at(self) -> Int[np.ndarray, " records"]:
        """The steps of the records."""
        return log_spaced_records(self.steps, self.records)

    @property
    def kept_at(self) -> Int[np.ndarray, " kept"]:
        """The steps of those at which the network is kept: spread over all records, with the first and the last."""
        records = self.at
        places = np.linspace(0, len(records) - 1, self.kept).round().astype(int)
        return np.unique(records[places])

    @property
    def levels(self) -> Float[Array, " levels"]:
        """The noise levels of the sampler."""
        return edm_schedule_to_zero(SIGMA_MIN, SIGMA_MAX, self.heun_steps).astype(jnp.float32)


@dataclass(frozen=True, eq=False)
class TrainedRun:
    """One model: what is trained on which data, under a name that is unique within the figure."""

    name: str
    network: NetworkRun
    data: Float[np.ndarray, "n d"]  # float32
    key: PRNGKeyArray


class Trained(NamedTuple):
    """What one run has given."""

    measured: Arrays  # (records, ...)
    kept: Arrays  # of the network, (kept, ...)


class DataModes(NamedTuple):
    """Mean, variances by decreasing size and eigenvectors (columns) of the data's sample covariance."""

    mean: Float[np.ndarray, " d"]
    variance: Float[np.ndarray, " modes"]
    basis: Float[np.ndarray, "d modes"]


Measurement = Callable[[Denoiser], Arrays]
# Made once for every stage of a run; a function of a module or a partial of one, since stages are pickled.
Prepare = Callable[[TrainedRun], Measurement]


def data_modes(data: Float[np.ndarray, "n d"]) -> DataModes:
    """The modes of a data set; variances that round-off puts below zero are zero."""
    data = np.asarray(data, dtype=float)
    mean = data.mean(axis=0)
    variance, basis = np.linalg.eigh(np.cov(data - mean, rowvar=False).reshape(data.shape[1], -1))
    return DataModes(mean, np.maximum(variance[::-1], 0.0), basis[:, ::-1])


def train(
    runs: Sequence[TrainedRun], prepare: Prepare, *, stage: RunStage, share: float, together: bool = False
) -> list[Trained]:
    """What `prepare(run)(denoiser)` gives at the records of every run, stacked, and the networks that are kept.

    The next segments of all runs are handed over at the same time. With `together`, runs of one kind (of equal
    `network`) go one after the other through one stage: small networks take longer to compile than to train, and are
    then compiled once. `share` is the fraction of the figure's time that all of it takes.
    """
    groups: dict[NetworkRun | int, list[int]] = {}
    for index, run in enumerate(runs):
        groups.setdefault(run.network if together else index, []).append(index)
    plans = [_segments(runs[members[0]].network) for members in groups.values()]
    part = share / sum(map(len, plans))
    found: list[list[Trained]] = [[] for _ in runs]
    states: list[Arrays] = [{} for _ in runs]
    for number in range(max(map(len, plans))):
        active = [
            (group, plan[number]) for group, plan in zip(groups.values(), plans, strict=True) if number < len(plan)
        ]
        stages = []
        for group, segment in active:
            own = [runs[index] for index in group], [states[index] for index in group]
            first, last = runs[group[0]].name, runs[group[-1]].name
            name = f"{first if first == last else f'{first} … {last}'}, to step {segment.end}"
            stages.append(Stage(name, partial(_train_group, *own, prepare, segment), part))
        for (group, _), arrays in zip(active, stage.all(stages), strict=True):
            for index in group:
                own = _named(arrays, _prefix_of(runs[index]))
                states[index] = _named(own, _STATE)
                found[index].append(Trained(_named(own, _MEASURED), _named(own, _KEPT)))
    return [Trained(*map(_joined, zip(*parts, strict=True))) for parts in found]


def measure_modes(
    run: TrainedRun,
    *,
    pictures: int = 0,
    shape: tuple[int, int, int] | None = None,
    patches: Sequence[tuple[int, int]] = (),
) -> Measurement:
    """What samples have of the data's modes: variance (modes,), alignment χ, and χ without its bias.

    **Arguments:** `pictures`, how many of the samples are kept, (pictures, d); `shape` of images, for `patches`: sizes
    and strides of patches whose variance along the data's own patch modes is `patch_variance_of` these.
    """
    modes, noise = data_modes(run.data), sampler_noise(run)
    bases = {}
    for size, stride in patches:
        assert shape is not None
        bases[size, stride] = patch_modes(patch_moments(run.data.reshape(-1, *shape), size, stride)).basis

    def measured(denoiser: Denoiser) -> Arrays:
        samples = sampled(denoiser, noise, run.network)
        moments = mode_moments([samples], modes.mean, modes.basis, groups=1, leading=modes.variance.size)
        of_modes = (
            moments.variance(),
            alignment(moments.covariance()),
            alignment_of_samples(moments.covariance(), moments.count()),
        )
        arrays = dict(zip(OF_MODES, of_modes, strict=True))
        for (size, stride), basis in bases.items():
            assert shape is not None
            own = patch_moments(samples.reshape(-1, *shape), size, stride)
            arrays[patch_variance_of(size, stride)] = patch_variances(own, basis)
        return arrays | ({"pictures": samples[:pictures]} if pictures else {})

    return measured


def patch_variance_of(size: int, stride: int) -> str:
    """The name of an array, (modes,)."""
    return f"patch_variance_{size}_{stride}"


def sampler_noise(run: TrainedRun) -> Float[Array, "samples d"]:
    """The noise that all records of a run sample from."""
    shape = run.network.samples, run.data.shape[1]
    return jax.random.normal(_keys(run).noise, shape, jnp.float32)


def sampled(
    denoiser: Denoiser, noise: Float[Array, "samples d"], network: NetworkRun
) -> Float[np.ndarray, "samples d"]:
    """What the sampler of a run makes of the noise, so many samples at a time as the run has it."""
    together, levels = network.sampled_together or len(noise), network.levels
    parts = [noise[first : first + together] for first in range(0, len(noise), together)]
    return np.concatenate([np.asarray(heun_sample(denoiser, part, levels)) for part in parts])


def stacked(runs: Sequence[TrainedRun], results: Sequence[Trained]) -> Arrays:
    """Models of one kind together, with what the data say: every array but `steps` has a first axis (models,).

    `steps` (records,); `variance` (models, modes) of the data; `generated` (models, records, modes); `solver`
    (models, modes), what the exact denoiser of a Gaussian with these variances makes with the same Heun steps.
    """
    variance = np.stack([data_modes(run.data).variance for run in runs])
    network = runs[0].network
    arrays = each_model([result.measured for result in results])
    solver = np.stack([exact_heun_variance(each, np.asarray(network.levels, dtype=float)) for each in variance])
    return {"steps": network.at, "variance": variance, "solver": solver} | arrays


def each_model(results: Sequence[Arrays]) -> Arrays:
    """The arrays of several models under a first axis (models,)."""
    return {name: np.stack([result[name] for result in results]) for name in results[0]}


def prefixed(name: str, arrays: Arrays) -> Arrays:
    """The arrays under names that begin with the kind of model they are of."""
    return {f"{name}_{key}": array for key, array in arrays.items()}


def exact_heun_variance(
    variance: Float[np.ndarray, " modes"], levels: Float[np.ndarray, " levels"]
) -> Float[np.ndarray, " modes"]:
    """What Heun's steps make of the exact gains λ/(λ + σ²): λ but for the solver's error."""
    sigma = np.asarray(levels, dtype=float)[:-1, None]
    gains = variance / (variance + sigma**2)
    return heun_prediction(ModeGains(gains, np.zeros_like(gains), np.ones_like(gains), 2), levels).value


# --- Stages ---


class _Keys(NamedTuple):
    network: PRNGKeyArray
    batches: PRNGKeyArray
    noise: PRNGKeyArray


class _Segment(NamedTuple):
    records: tuple[int, ...]
    end: int
    last: bool


def _keys(run: TrainedRun) -> _Keys:
    return _Keys(*jax.random.split(run.key, 3))


def _segments(network: NetworkRun) -> list[_Segment]:
    """Parts of equal work. A record costs as much as the steps whose evaluations of the network it takes.

    A step evaluates a batch and goes back, three evaluations of it in all; Heun's method takes 2 N - 1 of the samples.
    """
    steps, records = np.arange(network.steps + 1), network.at
    cost = network.samples * (2 * network.heun_steps - 1) / (3 * network.batch_size)
    work = steps + cost * np.searchsorted(records, steps, side="right")
    wanted = work[-1] * np.arange(1, network.segments + 1) / network.segments
    ends = np.unique(np.minimum(np.searchsorted(work, wanted), network.steps))
    parts = np.searchsorted(records, ends, side="right")
    cut = np.split(records, parts[:-1])
    return [
        _Segment(tuple(int(step) for step in part), int(end), int(end) == network.steps)
        for part, end in zip(cut, ends, strict=True)
    ]


def _train_group(runs: Sequence[TrainedRun], states: Sequence[Arrays], prepare: Prepare, segment: _Segment) -> Arrays:
    """One run after the other."""
    arrays: Arrays = {}
    for run, before in zip(runs, states, strict=True):
        arrays |= {_prefix_of(run) + name: array for name, array in _train_on(run, prepare, segment, before).items()}
    return arrays


def _prefix_of(run: TrainedRun) -> str:
    """By name, not by place: other runs between the same first and last have a checkpoint of the same name."""
    return f"{run.name}: "


def _train_on(run: TrainedRun, prepare: Prepare, segment: _Segment, before: Arrays) -> Arrays:
    """Train to the end of a segment; measurements at its records, and the state unless it is the last.

    Where there are several devices, each batch is spread over them; what is measured is computed on all of them alike.
    """
    network, keys = run.network, _keys(run)
    optimiser = _optimiser(network.optimiser, network.learning_rate)
    training = EDMTraining(jnp.asarray(run.data, jnp.float32), optimiser, network.batch_size, _density(network))
    state = training.init(network.architecture.build(run.data.shape[1], keys.network), key=keys.batches)
    if len(jax.devices()) > 1:  # on one, nothing but the compiled program would be another
        training, state = spread(training, state)
    if before:
        state = from_arrays(before, like=state)
    last_good = f"that of the stage to step {int(state.step)}" if before else "none, since the run began in this stage"
    measure, found, kept = prepare(run), [], []
    kept_at = network.kept_at
    for record in segment.records:
        state = advance(training, state, record - int(state.step))
        check_loss(state, last_good)
        found.append(measure(state.parameters))
        if record in kept_at:
            kept.append(to_arrays(state.parameters))
    state = advance(training, state, segment.end - int(state.step))
    check_loss(state, last_good)
    left = {} if segment.last else {_STATE + name: array for name, array in to_arrays(state).items()}
    return left | _records(_MEASURED, found) | _records(_KEPT, kept)


def _records(prefix: str, found: Sequence[Arrays]) -> Arrays:
    """The arrays of several records, stacked; nothing of none."""
    return {prefix + name: np.stack([each[name] for each in found]) for name in (found[0] if found else {})}


def _named(arrays: Arrays, prefix: str) -> Arrays:
    """The arrays whose names begin so, under the rest of their names."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _density(network: NetworkRun) -> AbstractNoiseDensity:
    """With its numbers as arrays: tilted ones then share what is compiled."""

    def number(value: float) -> Array:
        return jnp.asarray(value, jnp.float32)

    if network.density == "log-uniform":
        return LogUniformNoise(number(SIGMA_MIN), number(SIGMA_MAX), number(network.tilt))
    return LogNormalNoise(number(network.log_mean), number(network.log_std)).tilted(number(network.tilt))


def _joined(parts: Sequence[Arrays]) -> Arrays:
    """Records of all segments; some have none."""
    seen = [part for part in parts if part]
    return {name: np.concatenate([part[name] for part in seen]) for name in (seen[0] if seen else {})}


# The same object every time, or each stage would compile its steps anew.
@cache
def _optimiser(name: str, learning_rate: float) -> optax.GradientTransformation:
    return optax.adam(learning_rate) if name == "adam" else optax.sgd(learning_rate)
