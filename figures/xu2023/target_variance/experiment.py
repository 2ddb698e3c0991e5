"""The variance of a score target on a data set of your own, and what averages over references leave of it.

Points x_0, noise and references are drawn; every exact score sums over all points. Beside the curves stand what their
areas add up to, ln(N/n) nats of N points and n references, and the noise levels at which a Gaussian of the same
covariance would have references begin to work. Without a file the 8×8 handwritten digits of scikit-learn are used.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, PRNGKeyArray
from scipy.special import xlogy
from scipy.stats import hypergeom

from figures.common.randomness import numpy_generator
from figures.common.stages import Arrays, RunStage, Stage
from sims.data.built_in import digits
from sims.data.principal_components import principal_components
from sims.data.user_files import Told, UserData, digest_of, load_user_data, tell_nobody
from sims.measurements.scatter_among_many import target_scatter_among_many
from theory.definitions.spectra import Spectrum
from theory.target_noise.information import noise_level_of_information

FEWEST_POINTS = 3  # that differ

_LARGEST_COORDINATES = 1 << 27  # numbers that the points may fill
_ROUND_BYTES = 1 << 29  # of points that wait with their stages at a time: each takes them along
_PROBES = 64
_UNSEEN = 1e-4  # points that x_0 is taken for at the smallest noise level
_NATS_AT_MOST_NOISE = 0.005
_CLOSEST = 1e-6  # smallest noise level, of the size of the points: below, single precision tells nothing apart
_FAR = 3.0  # largest noise level, of the farthest point's distance at least
_OUTLIER, _DRAWN_OFTEN = 0.2, 8  # share of the variance of one sample, and how often it has to be drawn then
# What a core does in a second: operations in products of matrices, and odds; and what a draw costs in any case.
_PRODUCTS, _ODDS, _SECONDS_PER_DRAW = 8e10, 2e8, 1e-3


@dataclass(frozen=True)
class Config:
    """Sizes of the run, and the user's data, if any: the file or folder, and how it is to be read."""

    most_references: int = 4096
    numbers: int = 7  # of references, at most
    levels_per_e_fold: float = 6.0
    most_levels: int = 80
    replicates: int = 32
    replicates_per_stage: int = 4
    operations: float = 1e13  # of the products of matrices: as many draws as that allows
    fewest_draws: int = 4  # of a replicate, of pairs of opposite noise
    most_draws: int = 128
    data: str | None = None
    data_key: str | None = None
    data_layout: str | None = None


PRESETS = {
    "quick": Config(),
    "paper": Config(numbers=13, levels_per_e_fold=12.0, most_levels=160, operations=1e14, most_draws=1024),
    "tiny": Config(
        most_references=8,
        numbers=2,
        levels_per_e_fold=0.8,
        replicates=4,
        replicates_per_stage=2,
        operations=1e6,
        fewest_draws=2,
        most_draws=2,
    ),
}


class Points(NamedTuple):
    """The data in the coordinates of their principal components, in which distances are what they were.

    In units in which a coordinate of the data has, in the root mean square, a standard deviation of one.
    """

    coordinates: Float[np.ndarray, "n k"]  # those of equal samples are equal
    variance: Float[np.ndarray, " k"]
    copies: Int[np.ndarray, " distinct"]  # how often each sample that differs from the others is there
    group: Int[np.ndarray, " n"]  # which of those a sample is
    dimension: int
    unit: float
    share: float  # of the variance that the components have


def check(config: Config, told: Told = tell_nobody) -> str:
    """SHA-256 of the user's data, which `config` names. Bad data is refused as far as one can tell without reading all.

    Raises ValueError.
    """
    data = _opened(config, told)
    if data.count < FEWEST_POINTS:
        raise ValueError(_too_few(config, data.count))
    assert config.data is not None
    return digest_of(config.data, key=config.data_key, layout=config.data_layout, told=told)


def prepare(config: Config, told: Told = tell_nobody) -> float:
    """Read the user's data, so that what is wrong with its numbers is said before anything is drawn.

    Returns the seconds that the rest is expected to take, on two cores. Raises ValueError.
    """
    points = _users_points(config, told)
    return _seconds(config, points, _levels(config, points)) / 2


def compute(config: Config, *, key: PRNGKeyArray, stage: RunStage) -> Arrays:
    """Variances of the target, σ²V in units of 1/σ², at noise levels in the data's own units.

    `levels`, `references` n; `measured` (replicates, n, levels) and `posterior` (replicates, levels) as
    `target_scatter` has them; `law` (n,), what their areas are in theory. Of a Gaussian of the data's covariance the
    levels at which x_t has, for n > 1, the information `half_law` ½ ln n and `half` ln n, and `collapse`, the whole of
    the data's. Also `point_count`, `distinct_count`, `dimension`, `mode_count`, `variance_share` of those modes, and
    `draws`, of all replicates.
    """
    points = _points_of_digits() if config.data is None else _users_points(config, tell_nobody)
    levels, references = _levels(config, points), _references(config, len(points.coordinates))
    draws = _draws(config, points, levels)
    keys, size = jax.random.split(key, config.replicates), config.replicates_per_stage
    parts = [keys[first : first + size] for first in range(0, config.replicates, size)]
    stages = [
        Stage(
            f"draws, part {number} of {len(parts)}",
            partial(_replicates, points.coordinates, levels, references, draws, part),
            len(part) / config.replicates,
        )
        for number, part in enumerate(parts, start=1)
    ]
    together = max(2, _ROUND_BYTES // points.coordinates.nbytes)
    found = [one for first in range(0, len(stages), together) for one in stage.all(stages[first : first + together])]
    law = np.array([reference_nats(points.copies, number) for number in references])
    spectrum, information = Spectrum.from_variances(points.variance), np.log(references[1:])
    return {
        "levels": points.unit * levels,
        "references": np.array(references),
        "measured": np.concatenate([one["measured"] for one in found]),
        "posterior": np.concatenate([one["posterior"] for one in found]),
        "law": law,
        "half_law": points.unit * np.asarray(noise_level_of_information(spectrum, information / 2)),
        "half": points.unit * np.asarray(noise_level_of_information(spectrum, information)),
        "collapse": np.asarray(points.unit * noise_level_of_information(spectrum, law[0])),
        "point_count": np.asarray(len(points.coordinates)),
        "distinct_count": np.asarray(len(points.copies)),
        "dimension": np.asarray(points.dimension),
        "mode_count": np.asarray(points.variance.size),
        "variance_share": np.asarray(points.share),
        "draws": np.asarray(draws * config.replicates),
    }


def reference_nats(copies: Int[np.ndarray, " distinct"], references: int) -> float:
    """∫σ V_STF(n) dσ = H - E H(S) of points that are there so many times, drawn without replacement, α = 1.

    H is the entropy of their shares, H(S) that of the shares in a set S of n references: a point that is there c times
    is K times in it, K hypergeometric, and H(S) = ln n - Σ K ln(K)/n. ln(N/n) where no point is there twice.
    """
    points = int(copies.sum())
    entropy = np.log(points) - np.sum(xlogy(copies, copies)) / points
    repeated = 0.0
    for count, number in zip(*np.unique(copies, return_counts=True), strict=True):
        times = np.arange(1, min(count, references) + 1)
        repeated += number * np.sum(hypergeom.pmf(times, points, count, references) * xlogy(times, times))
    return float(entropy - np.log(references) + repeated / references)


# --- The draws ---


def _replicates(
    points: Float[np.ndarray, "n k"],
    levels: Float[np.ndarray, " levels"],
    references: tuple[int, ...],
    draws: int,
    keys: PRNGKeyArray,
) -> Arrays:
    found = [
        target_scatter_among_many(points, levels, references, draws=draws, generator=numpy_generator(each))
        for each in keys
    ]
    return {name: np.stack([getattr(each, part) for each in found]) for name, part in _STORED.items()}


_STORED = {"measured": "scatter", "posterior": "posterior"}


def _references(config: Config, points: int) -> tuple[int, ...]:
    """Powers of two, or of four, eight, …, where there would be too many of them; fewer than points."""
    most = min(config.most_references, points - 1)
    for base in (2**power for power in range(1, 64)):
        found = [base**power for power in range(64) if base**power <= most]
        if len(found) <= config.numbers:
            return tuple(found if len(found) > 1 else (1, most))
    raise AssertionError("there is always a base")


def _levels(config: Config, points: Points) -> Float[np.ndarray, " levels"]:
    """From where x_0 is taken for none of its neighbours to where a Gaussian has next to no information.

    Two points at a distance δ are taken for each other at a rate that falls as e^{-δ²/8σ²}. A point that is far from
    all others is still known where the Gaussian is not. Raises ValueError where neighbours are too close to be told
    apart.
    """
    spectrum = Spectrum.from_variances(points.variance)
    farthest = float(np.sqrt(np.max(np.sum(points.coordinates.astype(float) ** 2, axis=1))))
    last = max(float(noise_level_of_information(spectrum, _NATS_AT_MOST_NOISE)), _FAR * farthest)
    nearest = _nearest(points)
    first = nearest / (2 * np.sqrt(2 * np.log(len(points.coordinates) / _UNSEEN)))
    size = float(np.sqrt(points.variance.sum()))
    if first < _CLOSEST * size:
        raise ValueError(
            f"different samples lie at {nearest / size:.1g} of the size of the data from each other, nearer than "
            "single precision tells apart; remove outliers, or round the samples so that near ones are equal"
        )
    number = int(np.ceil(config.levels_per_e_fold * np.log(last / first))) + 1
    return np.geomspace(first, last, int(np.clip(number, 3, config.most_levels)))


def _nearest(points: Points) -> float:
    """The smallest distance from some of the points to one that differs."""
    _, firsts = np.unique(points.group, return_index=True)
    probes = firsts[np.unique(np.linspace(0, len(firsts) - 1, _PROBES).astype(int))]
    rows = points.coordinates[probes].astype(float)
    squared, smallest = np.sum(rows**2, axis=1), np.inf
    for first in range(0, len(points.coordinates), 4096):
        block = points.coordinates[first : first + 4096].astype(float)
        distance = squared[:, None] + np.sum(block**2, axis=1) - 2 * rows @ block.T
        differ = points.group[probes][:, None] != points.group[first : first + len(block)]
        smallest = min(smallest, float(distance[differ].min(initial=np.inf)))
    return float(np.sqrt(max(smallest, 0.0)))


def _draws(config: Config, points: Points, levels: np.ndarray) -> int:
    """Of every replicate."""
    affordable = config.operations / (config.replicates * _operations(config, points, levels))
    return int(np.clip(affordable, config.fewest_draws, config.most_draws))


def _operations(config: Config, points: Points, levels: np.ndarray) -> float:
    """Of one draw: exact means and targets of both signs at every level; distances, in twice the precision, once."""
    count, modes = points.coordinates.shape
    members = sum(_references(config, count))
    return 4.0 * modes * (levels.size * (count + members) + 2 * count)


def _seconds(config: Config, points: Points, levels: np.ndarray) -> float:
    """Of all draws, on one core."""
    odds = 2 * levels.size * len(points.coordinates)
    each = _operations(config, points, levels) / _PRODUCTS + odds / _ODDS + _SECONDS_PER_DRAW
    return _draws(config, points, levels) * config.replicates * each


# --- The data ---

# What was read last, by what it was read from: `prepare` and every seed's `compute` ask for the same.
_read: dict[tuple, Points] = {}


def _users_points(config: Config, told: Told) -> Points:
    assert config.data is not None
    known = config.data, config.data_key, config.data_layout, Path(config.data).stat().st_mtime_ns
    if known not in _read:
        _read.clear()
        _read[known] = _read_users_points(config, told)
    return _read[known]


def _opened(config: Config, told: Told) -> UserData:
    assert config.data is not None
    return load_user_data(config.data, key=config.data_key, layout=config.data_layout, told=told)


def _read_users_points(config: Config, told: Told) -> Points:
    data = _opened(config, told)
    modes = max(1, min(data.dimension, _LARGEST_COORDINATES // data.count))
    found = principal_components(data, modes, standard_deviation=1.0, told=told)
    group = _groups(data.blocks(f"looking for repetitions in {data.path.name}", told))
    share = min(1.0, float(found.variance.sum()) / found.total_variance)
    points = _points(found.coordinates, found.variance, group, data.dimension, found.unit, share)
    if len(points.copies) < FEWEST_POINTS:
        raise ValueError(_too_few(config, len(points.copies)))
    _check_outliers(config, points)
    return points


def _check_outliers(config: Config, points: Points) -> None:
    """Raises ValueError where one sample has so much of the variance that draws would miss what it adds."""
    shares = np.sum(np.square(points.coordinates, dtype=float), axis=1)
    shares /= shares.sum()
    largest, draws = int(np.argmax(shares)), _draws(config, points, _levels(config, points)) * config.replicates
    if shares[largest] > _OUTLIER and draws < _DRAWN_OFTEN * len(points.coordinates):
        raise ValueError(
            f"{config.data} has outliers, which would be drawn too rarely; sample {largest} (counting from 0) alone "
            f"has {shares[largest]:.0%} of the variance; expected data without them"
        )


def _too_few(config: Config, distinct: int) -> str:
    return (
        f"{config.data} has {distinct} samples that differ from each other; expected {FEWEST_POINTS} at least, among "
        "which references can be drawn"
    )


def _groups(blocks: Iterator[np.ndarray]) -> Int[np.ndarray, " n"]:
    """Of every sample the number of the first that is equal to it, counting those that differ."""
    numbers: dict[bytes, int] = {}
    found = []
    for block in blocks:
        block += 0.0  # a zero has no sign then
        found += [numbers.setdefault(blake2b(row.tobytes(), digest_size=16).digest(), len(numbers)) for row in block]
    return np.array(found)


def _points(
    coordinates: np.ndarray, variance: np.ndarray, group: np.ndarray, dimension: int, unit: float, share: float
) -> Points:
    _, firsts, copies = np.unique(group, return_index=True, return_counts=True)
    if len(copies) < len(group):
        coordinates = coordinates[firsts[group]]  # products of matrices may round equal rows differently
    return Points(coordinates, variance, copies, group, dimension, unit, share)


def _points_of_digits() -> Points:
    samples = digits()
    spectrum = Spectrum.from_samples(samples)
    variance = np.asarray(spectrum.variance)
    unit, kept = float(np.sqrt(variance.mean())), variance > 1e-12 * variance[0]
    coordinates = np.asarray(spectrum.to_modes(jnp.asarray(samples)))[:, kept] / unit
    group = _groups(iter([samples]))
    return _points(coordinates.astype(np.float32), variance[kept] / unit**2, group, samples.shape[1], unit, 1.0)
