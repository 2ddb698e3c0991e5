"""The spectral law on users' data of every kind: refused in a sentence before training, or drawn and scored."""

import dataclasses
from pathlib import Path

import jax
import matplotlib.pyplot as plt
import numpy as np
import pytest

import figures
from figures.common.power_laws import fitted_exponent
from figures.common.stages import run_directly
from figures.studies.spectral_law_on_data.experiment import shown_places, stage_seconds
from figures.studies.spectral_law_on_data.statistics import exponent, rising_modes, usable_modes
from figures.wang2025.spectral_law import experiment

FIGURE = figures.load("spectral_law")
RANDOM = np.random.default_rng(0)
NORMAL = RANDOM.normal(size=(60, 6))
CUBE = np.stack(np.meshgrid(*[[-1.0, 1.0]] * 3), axis=-1).reshape(8, 3)
OUTLIER = np.concatenate([RANDOM.normal(size=(2000, 6)), np.full((1, 6), 1e6)])


@pytest.fixture(scope="module", autouse=True)
def quick_compilation():
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


def config_of(folder: Path, array: np.ndarray, **changed) -> experiment.Config:
    np.save(folder / "mine.npy", array)
    layout = "rows" if array.ndim == 2 else None
    tiny = FIGURE.experiment.PRESETS["tiny"]
    return dataclasses.replace(tiny, data=str(folder / "mine.npy"), data_layout=layout, **changed)


def computed(config: experiment.Config) -> dict[str, np.ndarray]:
    FIGURE.experiment.check(config)
    FIGURE.experiment.prepare(config)
    return FIGURE.experiment.compute(config, key=jax.random.key(0), stage=run_directly)


def drawn(arrays: dict[str, np.ndarray]) -> plt.Figure:
    """The picture, with its layout, which warns of panels without room."""
    figure = FIGURE.draw(arrays)
    figure.draw_without_rendering()
    plt.close(figure)
    return figure


# One mode or three, and as few numbers of samples as show what is odd: each pair of numbers is compiled.
ODD = {
    "two columns": pytest.param(NORMAL[:, :2], 2, marks=pytest.mark.slow),
    "one column": (NORMAL[:, :1], 1),
    "equal variances": (CUBE, 3),
    "rank one": (np.outer(NORMAL[:, 0], [1.0, 2.0, 3.0]), 1),
    "four samples": (NORMAL[:4], 3),
    "two samples": (NORMAL[:2, :2], 1),
    "one dominant column": (NORMAL * [1e6, 1, 1, 1, 1, 1], 3),
    "two images": (RANDOM.integers(0, 256, size=(2, 4, 4)).astype(np.uint8), 1),
    "seven colour images": (RANDOM.integers(0, 256, size=(7, 3, 3, 3)).astype(np.uint8), 3),
    "images of one pixel": (RANDOM.integers(0, 256, size=(60, 1, 1)).astype(np.uint8), 1),
    "very large": (NORMAL * 1e90, 3),
    "very small": (NORMAL * 1e-90, 3),
}


@pytest.mark.slow_cases("one column", "seven colour images", "equal variances", "four samples")
@pytest.mark.filterwarnings("ignore:.*fewer samples")
@pytest.mark.parametrize(("array", "modes"), ODD.values(), ids=ODD.keys())
def test_odd_data_are_drawn_and_scored(tmp_path: Path, array: np.ndarray, modes: int):
    arrays = computed(config_of(tmp_path, array, modes=3))
    assert arrays["variance"].size == modes
    assert FIGURE.claims(arrays)
    drawn(arrays)
    assert all(note.endswith(".") for note in FIGURE.notes(arrays))


def test_rows_that_are_no_images_have_no_pictures(tmp_path: Path):
    arrays = computed(config_of(tmp_path, NORMAL[:, :3] * [2.0, 0.5, 0.1] + 5, modes=48))
    assert arrays["variance"].shape == (3,)
    assert "images_generated" not in arrays
    np.testing.assert_allclose(arrays["variance"].mean(), 0.25, rtol=1e-12)  # the convention of EDM
    np.testing.assert_allclose(arrays["variance_of_rest"], 0.0, atol=1e-12)


def test_examples_are_the_users_images(tmp_path: Path):
    images = RANDOM.integers(0, 256, size=(40, 4, 5)).astype(np.uint8)
    arrays = computed(config_of(tmp_path, images))
    shown = (images / 127.5 - 1)[::2][:16] / arrays["data_unit"]
    np.testing.assert_allclose(arrays["images_real"], shown, atol=1e-12)
    assert arrays["images_generated"].shape == (6, 16, 4, 5)


def test_large_images_are_shown_by_few():
    assert [len(shown_places(20, dimension)) for dimension in (64, 1 << 16, 256 * 256 * 3, 1 << 21)] == [16, 16, 4, 1]
    assert shown_places(5, 64).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (np.full((5, 3), np.nan), "holds NaN or infinite values, the first in sample 0"),
        (np.ones((5, 3)), "has zero variance"),
        (OUTLIER, r"has outliers, on which .* sample 2000 \(counting from 0\) alone has 100% of the variance"),
    ],
)
def test_bad_numbers_are_refused_before_training(tmp_path: Path, array: np.ndarray, sentence: str):
    config = config_of(tmp_path, array)
    FIGURE.experiment.check(config)
    with pytest.raises(ValueError, match=sentence):
        FIGURE.experiment.prepare(config)


def test_expected_times_grow_with_what_is_trained():
    spectrum, config = np.array([4.0] + [1.0] * 63), FIGURE.experiment.PRESETS["quick"]
    flat, steep = (stage_seconds(config, scale * spectrum) for scale in (1.0, 8.0))
    # Early stages take their fewest steps, whatever the curvature; late ones eight times as many.
    for name in ("large_batches", "small_batches"):
        assert 2 < (getattr(steep, name) - 1.3) / (getattr(flat, name) - 1.3) < 8
    assert steep.large_batches > steep.small_batches
    paper = stage_seconds(FIGURE.experiment.PRESETS["paper"], spectrum)
    assert paper.large_batches > 3 * flat.large_batches - 2 * 1.3


def test_shares_of_the_stages_and_the_time_left_follow_the_data(tmp_path: Path):
    shares: dict[str, float] = {}

    class Stages:
        def __call__(self, name, work, *, share):
            shares[name] = share
            return {key: np.asarray(value) for key, value in work().items()}

        def all(self, stages):
            return [self(stage.name, stage.work, share=stage.share) for stage in stages]

    config = config_of(tmp_path, NORMAL * [30, 1, 1, 1, 1, 1], modes=3)
    left = FIGURE.experiment.prepare(config)
    arrays = FIGURE.experiment.compute(config, key=jax.random.key(0), stage=Stages())
    seconds = stage_seconds(config, arrays["variance"])
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares["SGD, denoiser 1 of 2"] / shares["theory"] == pytest.approx(seconds.large_batches / seconds.theory)
    assert shares["small batches, denoiser 2 of 2"] / shares["samples"] == pytest.approx(
        seconds.small_batches / seconds.samples
    )
    assert left == pytest.approx(seconds.theory / 2 + seconds.large_batches + seconds.small_batches + seconds.samples)


def test_a_missing_file_and_a_transposed_table_are_refused_without_reading(tmp_path: Path):
    config = config_of(tmp_path, NORMAL.T)
    with pytest.raises(ValueError, match="fewer rows"):
        FIGURE.experiment.check(dataclasses.replace(config, data_layout=None))
    with pytest.raises(ValueError, match="does not exist"):
        FIGURE.experiment.check(dataclasses.replace(config, data=str(tmp_path / "missing.npy")))


def test_data_that_have_changed_are_read_again(tmp_path: Path):
    first = computed(config_of(tmp_path, NORMAL))
    again = computed(config_of(tmp_path, NORMAL[:, :1]))
    assert (first["dimension"], again["dimension"]) == (6, 1)


def test_an_exponent_is_of_the_rising_branch_and_the_same_in_picture_and_claims():
    """Modes below the initial variance emerge early: with them, the power law was another."""
    variance = np.geomspace(4.0, 1.7e-5, 40)
    initial, times = 3.3e-5, np.geomspace(1e-3, 1e3, 60)
    theory = np.where(variance > initial, 0.3 / variance, 2e-3)
    level = np.sqrt(initial * variance)
    curve = np.exp(np.log(level) + np.log(times[:, None] / theory) * np.sign(variance - initial) * 0.3)
    arrays = {
        "variance": variance,
        "times": times,
        "level": level,
        "emergence_theory": theory,
        "variance_trained": np.stack([curve, curve]),
        "variance_closed_form": curve,
        "fine_times": times,
        "variance_curve": curve,
        "dimension": np.asarray(40),
        "sample_count": np.asarray(99),
    }
    assert usable_modes(arrays).any()
    assert not (usable_modes(arrays) & (variance < initial)).any()
    fit = exponent(arrays)
    assert fit.trained.value == pytest.approx(1.0, abs=1e-6)
    labels = [text.get_text() for text in drawn(arrays).axes[2].get_legend().get_texts()]
    assert "closed form, α = 1.000" in labels
    assert rising_modes(arrays).sum() == (variance > initial).sum()
    everything = fitted_exponent(variance, np.stack([theory, theory]), theory)
    assert abs(everything.trained.value - 1) > 0.1


def test_no_exponent_of_variances_that_are_alike():
    variance = np.array([0.25, 0.24, 0.23, 0.22])
    assert not fitted_exponent(variance, np.stack([1 / variance] * 2), 1 / variance).defined
    variance[0] = 0.4
    assert fitted_exponent(variance, np.stack([1 / variance] * 2), 1 / variance).defined


def test_notes_say_what_these_data_are(tmp_path: Path):
    arrays = {
        "variance": np.array([3.0, 1.0, 1e-6]),
        "level": np.sqrt(3.3e-5 * np.array([3.0, 1.0, 1e-6])),
        "emergence_theory": np.array([1.0, 2.0, 3.0]),
        "times": np.array([0.1, 10.0]),
        "variance_trained": np.full((2, 2, 3), 1e-9),
        "small_batch_size": np.asarray(30),
        "dimension": np.asarray(100),
        "data_unit": np.asarray(4.0),
        "variance_of_rest": np.asarray(4.0),
    }
    units, modes, branch, no_exponent, controls = FIGURE.notes(arrays)
    assert "divided by 4 and variances by 16." in units
    assert "3 of 100 modes of these data; the rest has 0.5 of the variance." in modes
    assert branch.startswith("Of the modes, 1 begin")
    assert no_exponent.startswith("There is no exponent")
    assert "batches of 30" in controls
    del arrays["data_unit"]
    assert FIGURE.notes(arrays) == []
