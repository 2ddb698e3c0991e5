"""A training run of your own against its data: samples that any program wrote at several steps, mode by mode.

Nothing is known of the network but its samples, so all that is compared is what they say: the variance along the data's
modes over training, when each mode emerges and as which power of its variance, whether the samples' own modes are the
data's, and which samples are copies. Beside them stands the linear denoiser with EDM's preconditioning that starts from
the same variance, whose one free number is the unit of its time. Without files a small network is trained on digits.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from figures.both.your_model.demonstration import demonstration_data, demonstration_run, demonstration_snapshots
from figures.common.stages import Arrays, RunStage, Stage
from sims.data.principal_components import PrincipalComponents, principal_components
from sims.data.snapshot_names import snapshot_files
from sims.data.snapshots import Snapshot, digest_of_snapshots, open_snapshots
from sims.data.user_files import Told, UserData, digest_of, load_user_data, tell_nobody
from sims.measurements.alignment import alignment_of_samples
from sims.measurements.memorisation import memorised_among_many
from sims.measurements.mode_moments import ModeMoments, mode_moments
from theory.definitions.objectives import Objective
from theory.definitions.preconditionings import EDMPreconditioning
from theory.definitions.processes import EDM
from theory.definitions.spectra import Spectrum
from theory.definitions.weights import EDMWeight
from theory.spectral_law.generation import generated_variance
from theory.spectral_law.parametrisations.one_layer import OneLayer

STANDARD_DEVIATION = 0.5  # of a coordinate of the data, in the units of the closed form: the convention of EDM
LEADING = 256  # modes in which samples are compared as wholes: alignment, distances
SHOWN_SNAPSHOTS, SHOWN_SAMPLES = 7, 9

_LARGEST_COORDINATES = 1 << 27  # numbers that the data's coordinates may fill
_FARTHEST = 1e12  # of a sample whose run has diverged: its distance has a square in single precision
_CLOSED_FORM_SECONDS = 5.0  # most of it to compile
_SECONDS_PER_DISTANCE = 2e-8
_SMALLEST_START = 1e-6  # of what a network generates before training, in units of the data's variance


@dataclass(frozen=True)
class Config:
    """How much is looked at, the run that is shown without files, and the user's files, if any."""

    modes: int = 512  # leading ones of the data, at most
    groups: int = 8  # of samples, for jackknife errors
    judged: int = 512  # samples of a snapshot that are compared with all data
    fine_times: int = 192  # of the closed form
    demonstration_steps: tuple[int, ...] = (0, 1, 2, 4, 6, 9, 14, 22, 35, 55, 86, 135, 213, 336, 529, 835, 1316, 2074)
    demonstration_samples: int = 512
    demonstration_width: int = 256
    demonstration_triples: int = 1 << 16
    demonstration_batch: int = 256
    data: str | None = None
    data_key: str | None = None
    data_layout: str | None = None
    snapshots: str | None = None


_LONG = (*Config.demonstration_steps, 3269, 5153, 8122, 12800)
PRESETS = {
    "quick": Config(),
    "paper": Config(modes=4096, judged=2048, demonstration_steps=_LONG, demonstration_samples=2048),
    "tiny": Config(
        fine_times=48,
        demonstration_steps=(0, 2, 20, 60),
        demonstration_samples=64,
        demonstration_width=16,
        demonstration_triples=512,
        demonstration_batch=64,
    ),
}


@dataclass(frozen=True)
class MeasuredRun:
    """A run as its samples tell it, in units in which a coordinate of the data has `STANDARD_DEVIATION`."""

    about: Arrays  # what is stored as it is
    coordinates: Float[np.ndarray, "n leading"]  # of the data
    judged: Float[np.ndarray, "snapshots samples leading"]  # of the samples


def check(config: Config, told: Told = tell_nobody) -> str:
    """SHA-256 of the user's data and snapshots together; bad ones are refused as far as one can tell without reading.

    Raises ValueError.
    """
    assert config.data is not None
    assert config.snapshots is not None
    options = {"key": config.data_key, "layout": config.data_layout}
    data = load_user_data(config.data, **options, told=told)
    open_snapshots(config.snapshots, data, told=told)
    content = digest_of(config.data, **options, told=told), digest_of_snapshots(config.snapshots, told=told)
    return sha256("\0".join(content).encode()).hexdigest()


def prepare(config: Config, told: Told = tell_nobody) -> float:
    """Read and measure the user's samples, so that what is wrong with their numbers is said first. Raises ValueError.

    Returns the seconds that the rest is expected to take, on two cores.
    """
    run = _users_run(config, told)
    return max(_comparing_seconds(config, run), _CLOSED_FORM_SECONDS)


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Variances (snapshots, modes), alignment and memorised share (snapshots,), and the closed form's (times, modes).

    Names that end in `_without` have a first axis of groups of samples, each left out once. Variances are in the data's
    own units, squared.
    """
    if config.data is not None:
        run, left = _users_run(config, tell_nobody), 1.0
    else:
        train = partial(
            demonstration_run,
            config.demonstration_steps,
            config.demonstration_samples,
            config.demonstration_width,
            config.demonstration_triples,
            config.demonstration_batch,
            key,
        )
        samples = stage("training a small network", train, share=0.6)["samples"]
        snapshots = demonstration_snapshots(config.demonstration_steps, samples)
        run, left = _measured_run(config, demonstration_data(), snapshots, tell_nobody), 0.4
    start, comparing = run.about["variance_over_training"][0], _comparing_seconds(config, run)
    total = (comparing + _CLOSED_FORM_SECONDS) / left
    memorised, theory = stage.all(
        [
            Stage("memorised samples", partial(_memorised, config, run.coordinates, run.judged), comparing / total),
            Stage(
                "closed form",
                partial(_closed_form, config, run.about["variance"], start),
                _CLOSED_FORM_SECONDS / total,
            ),
        ]
    )
    unit = float(run.about["data_unit"]) ** 2
    squared = ("variance", "variance_over_training", "variance_without", "variance_closed_form", "variance_of_rest")
    arrays = {**run.about, **memorised, **theory}
    return arrays | {name: np.asarray(arrays[name] * unit) for name in squared}


# --- The samples ---

# What was measured last, by what it was read from: `prepare` and `compute` ask for the same.
_read: dict[tuple, MeasuredRun] = {}


def _users_run(config: Config, told: Told) -> MeasuredRun:
    assert config.data is not None
    assert config.snapshots is not None
    paths = [Path(config.data), *(each.path for each in snapshot_files(Path(config.snapshots)))]
    known = config, *((str(path), path.stat().st_mtime_ns) for path in paths)
    if known not in _read:
        _read.clear()
        _read[known] = _read_users_run(config, told)
    return _read[known]


def _read_users_run(config: Config, told: Told) -> MeasuredRun:
    assert config.data is not None
    assert config.snapshots is not None
    data = load_user_data(config.data, key=config.data_key, layout=config.data_layout, told=told)
    snapshots = open_snapshots(config.snapshots, data, told=told)
    # However many samples the data have, their coordinates fit into half a gigabyte.
    modes = min(config.modes, max(LEADING // 4, _LARGEST_COORDINATES // data.count))
    return _measured_run(replace(config, modes=modes), data, snapshots, told)


def _measured_run(config: Config, data: UserData, snapshots: Sequence[Snapshot], told: Told) -> MeasuredRun:
    """One pass over every snapshot, in blocks; what is kept of each does not grow with its number of samples."""
    places = np.linspace(0, data.count - 1, SHOWN_SAMPLES).astype(int) if data.image_shape else ()
    found = principal_components(data, config.modes, standard_deviation=STANDARD_DEVIATION, examples=places, told=told)
    fewest = min(snapshot.samples.count for snapshot in snapshots)
    measured = [_measured(config, snapshot, found, fewest, told) for snapshot in snapshots]
    rest = max(found.total_variance - float(found.variance.sum()), 0.0)
    about = {
        "users_own": np.asarray(config.data is not None),
        "clipped": np.asarray(any(snapshot.samples.pixels for snapshot in snapshots)),
        "steps": np.array([snapshot.step for snapshot in snapshots], dtype=float),
        "sample_counts": np.array([snapshot.samples.count for snapshot in snapshots]),
        "data_count": np.asarray(data.count),
        "dimension": np.asarray(data.dimension),
        "data_unit": np.asarray(found.unit),
        "variance": found.variance,
        "variance_of_rest": np.asarray(rest),
        "variance_over_training": np.stack([each.moments["variance"] for each in measured]),
        "variance_without": np.stack([each.moments["variance_without"] for each in measured], axis=1),
        "alignment": np.stack([each.moments["alignment"] for each in measured]),
        "alignment_without": np.stack([each.moments["alignment_without"] for each in measured], axis=1),
    }
    if data.image_shape is not None:
        shown = _shown_snapshots(len(snapshots))
        about |= {
            "shown_snapshots": shown,
            "images_generated": np.stack([measured[index].first for index in shown]).reshape(
                len(shown), -1, *data.image_shape
            ),
            "images_real": (found.examples * found.unit).reshape(-1, *data.image_shape),
        }
    judged = np.stack([each.judged for each in measured])
    return MeasuredRun(about, found.coordinates[:, :LEADING], judged)


@dataclass(frozen=True)
class _MeasuredSnapshot:
    """What is kept of the samples of one step."""

    moments: Arrays
    judged: Float[np.ndarray, "samples leading"]
    first: Float[np.ndarray, "shown d"]  # in the data's own units


def _measured(
    config: Config, snapshot: Snapshot, data: PrincipalComponents, fewest: int, told: Told
) -> _MeasuredSnapshot:
    """`fewest` samples are in every snapshot."""
    kept, wanted = [], min(config.judged, fewest)

    def scaled() -> Iterator[np.ndarray]:
        for block in snapshot.samples.blocks(f"reading step {snapshot.step}", told):
            missing = wanted - sum(map(len, kept))
            kept.append(block[:missing].copy())
            yield block / data.unit

    groups = min(config.groups, fewest)
    moments = mode_moments(scaled(), data.mean, data.basis, groups=groups, leading=LEADING)
    first = np.concatenate(kept)
    judged = (first / data.unit - data.mean) @ data.basis[:, :LEADING]
    judged = np.clip(judged, -_FARTHEST, _FARTHEST).astype(np.float32)
    return _MeasuredSnapshot(_statistics(moments), judged, first[: min(SHOWN_SAMPLES, fewest)])


def _statistics(moments: ModeMoments) -> Arrays:
    """Variances and alignment, and both without each of the groups; NaN where too few samples are left."""
    groups = range(max(len(moments.counts), 2))
    without = [(moments.count(group) if len(moments.counts) > 1 else 0, group) for group in groups]
    nothing = np.full(moments.sums.shape[-1], np.nan)
    return {
        "variance": moments.variance(),
        "variance_without": np.stack([moments.variance(g) if count > 1 else nothing for count, g in without]),
        "alignment": _alignment(moments, None) if moments.count() > 2 else np.asarray(np.nan),
        "alignment_without": np.stack([_alignment(moments, g) if count > 2 else nothing[0] for count, g in without]),
    }


def _alignment(moments: ModeMoments, without: int | None) -> np.ndarray:
    return alignment_of_samples(moments.covariance(without), moments.count(without))


def _shown_snapshots(number: int) -> np.ndarray:
    """Evenly among the snapshots, which are usually even in the logarithm of the step."""
    return np.unique(np.linspace(0, number - 1, min(SHOWN_SNAPSHOTS, number)).round().astype(int))


def _comparing_seconds(config: Config, run: MeasuredRun) -> float:
    """What `_memorised` takes on one core, by the number of distances."""
    snapshots, samples = run.judged.shape[:2]
    return 1.0 + _SECONDS_PER_DISTANCE * (snapshots * samples + config.judged) * len(run.coordinates)


def _memorised(config: Config, coordinates: np.ndarray, judged: np.ndarray) -> Arrays:
    """Which samples of each snapshot are near copies of one sample of the data, and how many of the data are."""
    chosen = np.unique(np.linspace(0, len(coordinates) - 1, min(config.judged, len(coordinates))).astype(int))
    enough = len(coordinates) > 2
    among_data = memorised_among_many(coordinates[chosen], coordinates, are_points=True) if enough else [False] * 2
    shares = [memorised_among_many(samples, coordinates) for samples in judged]
    return {"memorised": np.stack(shares).astype(float), "memorised_data": np.asarray(among_data, dtype=float)}


# --- The closed form ---


def _closed_form(config: Config, variance: np.ndarray, start: np.ndarray) -> Arrays:
    """Variances that a preconditioned linear denoiser generates, over times that hold all of its emergence.

    With EDM's preconditioning for data of variance σ_d², and a network that answers zero at first, every mode begins
    with σ_d² (as long as it lies between σ_min² and σ_max²): the geometric mean of what the user's network began with.
    """
    above = start[start > 0]
    initial = np.exp(np.log(above).mean()) if above.size else 0.0
    scale = float(np.sqrt(max(initial, _SMALLEST_START * variance.max())))
    objective = Objective(weight=EDMWeight(scale), preconditioning=EDMPreconditioning(scale))
    spectrum = Spectrum(jnp.zeros(variance.size), jnp.asarray(variance))
    denoiser = OneLayer(spectrum, EDM(), initial_gain=0.0, learning_rate=1.0, objective=objective)
    # A mode is learned at the rate 2(λ + σ²)/(σ² + σ_d²), by noise levels from σ_d² to λ.
    fastest, slowest = (min(1.0, scale**2 / variance.max()), max(1.0, scale**2 / variance.min()))
    times = np.append(0.0, np.geomspace(1e-3 * fastest, 1e2 * slowest, config.fine_times - 1))
    curves = np.asarray(generated_variance(denoiser, jnp.asarray(times)))
    return {"times_closed_form": times, "variance_closed_form": curves}
