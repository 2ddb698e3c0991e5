"""Principal components of samples in blocks, against NumPy's eigenvectors of all samples at once."""

from pathlib import Path

import numpy as np
import pytest

from sims.data import principal_components as components
from sims.data import user_files
from sims.data.principal_components import PrincipalComponents, principal_components
from sims.data.user_files import load_user_data

RANDOM = np.random.default_rng(5)
DECAYING = RANDOM.normal(size=(900, 40)) * np.arange(1, 41) ** -1.0 @ np.linalg.qr(RANDOM.normal(size=(40, 40)))[0]


def found_in(folder: Path, samples: np.ndarray, number: int, **options) -> PrincipalComponents:
    np.save(folder / "mine.npy", samples)
    data = load_user_data(folder / "mine.npy", layout="rows")
    return principal_components(data, number, standard_deviation=0.5, **options)


def assert_are_those_of(found: PrincipalComponents, samples: np.ndarray, rtol: float) -> None:
    unit = np.sqrt(np.mean((samples - samples.mean(axis=0)) ** 2)) / 0.5
    scaled = samples / unit
    centred = scaled - scaled.mean(axis=0)
    variance, basis = np.linalg.eigh(centred.T @ centred / len(samples))
    modes = found.variance.size
    assert found.unit == pytest.approx(unit, rel=1e-12)
    assert found.total_variance == pytest.approx(0.25 * samples.shape[1], rel=1e-12)
    np.testing.assert_allclose(found.mean, scaled.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.variance, variance[::-1][:modes], rtol=rtol)
    overlaps = np.abs(np.sum(found.basis * basis[:, ::-1][:, :modes], axis=0))
    np.testing.assert_allclose(overlaps, 1.0, atol=np.sqrt(rtol))
    np.testing.assert_allclose(found.basis.T @ found.basis, np.eye(modes), atol=1e-12)
    assert found.coordinates.dtype == np.float32
    np.testing.assert_allclose(found.coordinates, centred @ found.basis, atol=1e-5)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(user_files, "BLOCK_BYTES", 8 * 40 * 100)


def test_by_covariance(tmp_path: Path):
    assert_are_those_of(found_in(tmp_path, DECAYING + 30, 12), DECAYING + 30, 1e-10)


def test_by_covariance_of_sorted_samples(tmp_path: Path):
    """The first block is far from the mean."""
    samples = DECAYING[np.argsort(DECAYING[:, 0])] * 1e3
    assert_are_those_of(found_in(tmp_path, samples, 12), samples, 1e-10)


@pytest.mark.filterwarnings("ignore:.*fewer samples")
def test_by_gram_matrix(tmp_path: Path):
    found = found_in(tmp_path, DECAYING[:30], 40)
    assert found.variance.size == 29  # one less than samples
    assert_are_those_of(found, DECAYING[:30], 1e-9)


def test_by_subspace_iteration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(components, "LARGEST_COVARIANCE", 39)
    monkeypatch.setattr(components, "LEADING", 10)
    monkeypatch.setattr(components, "_OVERSAMPLING", 15)
    told = []
    found = found_in(tmp_path, DECAYING + 3, 64, told=lambda *each: told.append(each))
    assert found.variance.size == 10
    assert_are_those_of(found, DECAYING + 3, 1e-3)  # the last of ten modes, in a subspace of 25 of 40 dimensions
    assert [words for words, fraction in told if fraction == 1.0] == [
        "first of three passes of mine.npy",
        "second of three passes of mine.npy",
        "third of three passes of mine.npy",
    ]


def test_units_are_those_of_the_samples(tmp_path: Path):
    """Values that single precision could not hold."""
    reference = found_in(tmp_path, DECAYING, 5)
    for factor in (2.0**200, 2.0**-200):
        found = found_in(tmp_path, DECAYING * factor, 5)
        np.testing.assert_allclose(found.unit, reference.unit * factor, rtol=1e-14)
        np.testing.assert_allclose(found.variance, reference.variance, rtol=1e-13)
        np.testing.assert_allclose(np.abs(found.coordinates), np.abs(reference.coordinates), atol=1e-6)


@pytest.mark.filterwarnings("ignore:.*fewer samples")
@pytest.mark.parametrize(("count", "dimension", "rank"), [(100, 8, 1), (100, 8, 3), (6, 30, 5), (3, 30, 2), (2, 1, 1)])
def test_modes_without_variance_are_left_out(tmp_path: Path, count: int, dimension: int, rank: int):
    samples = RANDOM.normal(size=(count, rank)) @ RANDOM.normal(size=(rank, dimension))
    assert found_in(tmp_path, samples, 64).variance.size == rank


def test_examples_are_the_samples_at_their_places(tmp_path: Path):
    places = [0, 99, 100, 500, 899]
    found = found_in(tmp_path, DECAYING, 3, examples=places)
    np.testing.assert_allclose(found.examples * found.unit, DECAYING[places], rtol=1e-14)
