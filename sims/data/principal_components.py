"""Principal components of samples that are read in blocks, for memory that does not grow with their number.

| samples | how | passes |
|---|---|---|
| fewer than dimensions, together up to half a gigabyte | eigenvectors of the n × n Gram matrix of centred samples | 1 |
| up to 4096 dimensions | eigenvectors of the covariance | 2 |
| more | the leading 512 by randomised subspace iteration (Halko, Martinsson & Tropp 2011, Alg. 4.4) | 3 |
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.linalg import eigh

from sims.data.user_files import Told, UserData, tell_nobody
from theory.definitions.checks import whole_arguments

LARGEST_COVARIANCE = 4096  # dimensions
LARGEST_GRAM_BYTES = 1 << 29  # of the samples themselves
LEADING = 512
SMALLEST = 1e-100  # of the largest value: below, squares of 64-bit numbers underflow
_OVERSAMPLING = 32
_LARGEST_SKETCH_BYTES = 1 << 30
_EPSILON = float(np.finfo(np.float64).eps)


class PrincipalComponents(NamedTuple):
    """The leading modes of samples: their covariance Σ = (1/n) Σ_i (x_i - μ)(x_i - μ)ᵀ has u_k and λ_k, decreasing.

    Modes whose variance is round-off are left out, so that 1 ≤ k ≤ min(n - 1, d). Everything is in units of `unit`, one
    number by which all samples are divided; λ_k and tr Σ by its square.
    """

    mean: Float[np.ndarray, " d"]
    variance: Float[np.ndarray, " k"]
    basis: Float[np.ndarray, "d k"]
    coordinates: Float[np.ndarray, "n k"]  # u_kᵀ(x_i - μ), in the single precision that networks are trained in
    total_variance: float  # tr Σ, also of the modes that are left out
    examples: Float[np.ndarray, "m d"]
    unit: float


@whole_arguments("number")
def principal_components(
    data: UserData,
    number: int,
    *,
    standard_deviation: float,
    examples: Sequence[int] | np.ndarray = (),
    told: Told = tell_nobody,
) -> PrincipalComponents:
    """At most `number` leading modes of a user's samples.

    **Arguments:** `standard_deviation`, what the root mean square deviation of a coordinate becomes; `examples`, places
    of samples that are returned as they are; `told`, which hears of every pass. Raises ValueError where the samples
    cannot be read, or do not vary, and unless `number` is 1, 2, ….
    """
    sums = _Sums(data, standard_deviation, np.asarray(examples, dtype=int))
    if data.count < data.dimension and 8 * data.count * data.dimension <= LARGEST_GRAM_BYTES:
        found = _by_gram_matrix(sums, number, told)
    elif data.dimension <= LARGEST_COVARIANCE:
        found = _by_covariance(sums, number, told)
    else:
        found = _by_subspace_iteration(sums, number, told)
    variance, basis, coordinates = found
    unit = sums.unit
    shown = sums.examples / unit
    return PrincipalComponents(
        sums.mean / unit, variance / unit**2, basis, coordinates, sums.variance / unit**2, shown, unit
    )


_Modes = tuple[np.ndarray, np.ndarray, np.ndarray]  # variance, basis, coordinates in units


def _by_gram_matrix(sums: "_Sums", number: int, told: Told) -> _Modes:
    samples = np.empty((sums.count, sums.dimension))
    for first, centred in _numbered(sums.centred_blocks("reading", told)):
        samples[first : first + len(centred)] = centred
    samples -= sums.shift
    variance, vectors = _leading(samples @ samples.T / sums.count, number)
    norms = np.sqrt(variance * sums.count)
    coordinates = np.asarray(vectors * (norms / sums.unit), dtype=np.float32)
    return variance, samples.T @ (vectors / norms), coordinates


def _by_covariance(sums: "_Sums", number: int, told: Told) -> _Modes:
    scatter = np.zeros((sums.dimension, sums.dimension))
    for centred in sums.centred_blocks("covariance", told):
        scatter += centred.T @ centred
    scatter /= sums.count
    scatter -= np.outer(sums.shift, sums.shift)
    told("eigenvectors of the covariance", 0.0)
    variance, basis = _leading(scatter, number)
    return variance, basis, _coordinates(sums, basis, "coordinates", told)


def _by_subspace_iteration(sums: "_Sums", number: int, told: Told) -> _Modes:
    """A random subspace that has been multiplied twice by Σ holds the leading modes nearly exactly."""
    affordable = _LARGEST_SKETCH_BYTES // (8 * sums.dimension)
    size = max(min(LEADING + _OVERSAMPLING, sums.count, affordable), 1)
    # Any subspace does; that it is always the same one makes the data's spectrum independent of the seed of a run.
    subspace = np.random.default_rng([0]).standard_normal((sums.dimension, size))
    for turn in ("first", "second"):
        subspace = np.linalg.qr(_times_covariance(sums, subspace, f"{turn} of three passes", told))[0]
    inside = _coordinates(sums, subspace, "third of three passes", told)
    # Of single precision as what is trained, whose variances they are.
    variance, vectors = _leading(_second_moments(inside) * sums.unit**2, min(number, LEADING))
    return variance, subspace @ vectors, inside @ vectors.astype(np.float32)


def _second_moments(rows: np.ndarray, block: int = 4096) -> np.ndarray:
    blocks = (rows[first : first + block].astype(np.float64) for first in range(0, len(rows), block))
    return sum(each.T @ each for each in blocks) / len(rows)  # pyright: ignore[reportReturnType]


def _coordinates(sums: "_Sums", basis: np.ndarray, words: str, told: Told) -> np.ndarray:
    coordinates = np.empty((sums.count, basis.shape[1]), dtype=np.float32)
    basis = basis / sums.unit
    for first, centred in _numbered(sums.centred_blocks(words, told)):
        coordinates[first : first + len(centred)] = (centred - sums.shift) @ basis
    return coordinates


def _times_covariance(sums: "_Sums", matrix: np.ndarray, words: str, told: Told) -> np.ndarray:
    product = np.zeros_like(matrix)
    for centred in sums.centred_blocks(words, told):
        product += centred.T @ (centred @ matrix)
    return product / sums.count - np.outer(sums.shift, sums.shift @ matrix)


class _Sums:
    """First moments and the trace of the second, gathered in the first pass, after which `check` is asked.

    Samples are centred by the mean of the first block: the mean itself is known only after the pass, and far from the
    origin squares would lose what the samples vary by.
    """

    def __init__(self, data: UserData, standard_deviation: float, examples: np.ndarray) -> None:
        self.count, self.dimension = data.count, data.dimension
        self.examples = np.empty((len(examples), data.dimension))
        self._data, self._standard_deviation, self._places = data, standard_deviation, examples
        self._centre: np.ndarray | None = None
        self._total = np.zeros(data.dimension)  # Σ_i (x_i - centre)
        self._squares = 0.0  # Σ_i |x_i - centre|²
        self._largest = 0.0
        self._complete = False

    def centred_blocks(self, words: str, told: Told) -> Iterator[np.ndarray]:
        """Blocks less the centre. Raises ValueError at the end of the first pass for samples that do not vary."""
        for first, block in _numbered(self._data.blocks(f"{words} of {self._data.path.name}", told)):
            if self._centre is None:
                self._centre = block.mean(axis=0)
            if not self._complete:
                self._look_at(first, block)
            block -= self._centre
            if not self._complete:
                self._total += block.sum(axis=0)
                self._squares += float(np.vdot(block, block))
            yield block
        if not self._complete:
            self._complete = True
            self._check()

    def _look_at(self, first: int, block: np.ndarray) -> None:
        wanted = (first <= self._places) & (self._places < first + len(block))
        self.examples[wanted] = block[self._places[wanted] - first]
        self._largest = max(self._largest, float(np.abs(block).max()))

    def _check(self) -> None:
        path, largest = self._data.path, self._largest
        if 0 < largest < SMALLEST:
            raise ValueError(
                f"{path} holds no values above {largest:.1e}, and their squares underflow; "
                f"expected some above {SMALLEST:g}: multiply them all by one number"
            )
        # What the mean of equal numbers is off by, per coordinate, as in `Spectrum.from_samples`.
        if not self.variance > self.dimension * (16 * _EPSILON * largest) ** 2:
            raise ValueError(
                f"{path} has zero variance: its samples are equal, or differ by no more than round-off of their "
                f"largest value, {largest:.3g}; expected samples that differ"
            )

    @property
    def shift(self) -> np.ndarray:
        """μ - centre."""
        return self._total / self.count

    @property
    def mean(self) -> np.ndarray:
        """μ."""
        assert self._centre is not None
        return self._centre + self.shift

    @property
    def variance(self) -> float:
        """tr Σ."""
        return self._squares / self.count - float(self.shift @ self.shift)

    @property
    def unit(self) -> float:
        """What samples are divided by."""
        return float(np.sqrt(self.variance / self.dimension)) / self._standard_deviation


def _numbered(blocks: Iterator[np.ndarray]) -> Iterator[tuple[int, np.ndarray]]:
    """Each block with the number of rows before it."""
    before = 0
    for block in blocks:
        yield before, block
        before += len(block)


def _leading(matrix: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    """The largest eigenvalues above round-off, decreasing, and their eigenvectors as columns."""
    size = len(matrix)
    values, vectors = eigh(matrix, subset_by_index=(max(size - number, 0), size - 1), overwrite_a=True)
    kept = int(np.sum(values > 16 * size * _EPSILON * values[-1]))
    return values[::-1][:kept], np.ascontiguousarray(vectors[:, ::-1][:, :kept])
