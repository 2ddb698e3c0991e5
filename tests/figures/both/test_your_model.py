"""A training run by its samples: exact where they obey a law that is written down, told in words where they do not."""

import dataclasses
import re
from pathlib import Path

import jax
import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.stats import ortho_group

import figures
from figures.both.your_model import experiment
from figures.both.your_model.statistics import (
    FRACTIONS,
    HALF_WAY,
    Reading,
    final_log_ratio,
    memorised_excess,
)
from figures.common.stages import run_directly
from tests.oracles.user_files import write_images

FIGURE = figures.load("your_model")
VARIANCE = np.array([3.0, 2.0, 1.2, 0.05, 0.02, 0.01])
START, EXPONENT = 0.3, 0.8
ARRIVAL = 100 * VARIANCE**-EXPONENT  # the step at which a mode has its variance
STEPS = np.concatenate([[0], np.unique(np.geomspace(1, 20_000, 40).round())]).astype(int)
BASIS = ortho_group.rvs(6, random_state=np.random.default_rng(0))
RANDOM = np.random.default_rng(1)


@pytest.fixture(scope="module", autouse=True)
def quick_compilation():
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


def samples_with(variance: np.ndarray, count: int, seed: int = 2) -> np.ndarray:
    """Samples whose covariance is exactly U diag(variance) Uᵀ, with n - 1 in its denominator."""
    white = np.random.default_rng(seed).normal(size=(count, 6))
    white -= white.mean(axis=0)
    white = white @ np.linalg.inv(np.linalg.cholesky(white.T @ white / (count - 1))).T
    return 7 + white * np.sqrt(variance) @ BASIS.T


def data_of(count: int) -> np.ndarray:
    """Data of these modes, with n in the denominator, and of another noise than the samples."""
    return samples_with(VARIANCE * count / (count - 1), count, seed=3)


def variance_at(step: int) -> np.ndarray:
    """ln v goes from ln v(0) to ln λ linearly in ln τ, so that a mode passes f at its arrival to the power f."""
    way = np.clip(np.log(max(step, 1)) / np.log(ARRIVAL), 0, 1)
    return START ** (1 - way) * VARIANCE**way


def config_of(folder: Path, data: np.ndarray, snapshots: dict[str, np.ndarray], **changed) -> experiment.Config:
    (folder / "run").mkdir()
    np.save(folder / "data.npy", data)
    for name, array in snapshots.items():
        np.save(folder / "run" / f"{name}.npy", array)
    files = {"data": str(folder / "data.npy"), "snapshots": str(folder / "run")}
    return dataclasses.replace(experiment.PRESETS["tiny"], **files, **changed)


def computed(config: experiment.Config) -> dict[str, np.ndarray]:
    FIGURE.experiment.check(config)
    FIGURE.experiment.prepare(config)
    return FIGURE.experiment.compute(config, key=jax.random.key(0), stage=run_directly)


def told(arrays: dict[str, np.ndarray]) -> str:
    """The notes, after everything else has been made of the arrays too."""
    figure = FIGURE.draw(arrays)
    figure.draw_without_rendering()
    plt.close(figure)
    assert FIGURE.claims(arrays)
    notes = FIGURE.notes(arrays)
    assert all(note.rstrip().endswith(".") for note in notes)
    return " ".join(notes)


@pytest.fixture(scope="module")
def lawful(tmp_path_factory) -> dict[str, np.ndarray]:
    """A run that obeys the law, of 400 samples each."""
    data = data_of(500)
    snapshots = {f"step_{step}": samples_with(variance_at(step), 400) for step in STEPS}
    return computed(config_of(tmp_path_factory.mktemp("lawful"), data, snapshots, fine_times=192))


def test_variances_are_those_of_the_samples_in_the_users_units(lawful):
    np.testing.assert_allclose(lawful["variance"], VARIANCE, rtol=1e-9)
    np.testing.assert_allclose(lawful["variance_over_training"], [variance_at(step) for step in STEPS], rtol=1e-9)
    np.testing.assert_array_equal(lawful["steps"], STEPS)
    np.testing.assert_allclose(lawful["alignment"], 1.0, atol=0.02)  # exactly but for what is taken off for chance
    assert lawful["data_unit"] == pytest.approx(2 * np.sqrt(VARIANCE.mean()))


def test_emergence_is_that_of_the_law_at_every_fraction_and_so_is_the_exponent(lawful):
    steps = Reading(lawful).emergence.step
    np.testing.assert_allclose(steps, ARRIVAL ** np.array(FRACTIONS)[:, None], rtol=1e-9)
    for index, fraction in enumerate(FRACTIONS):
        for branch, modes in (("rising", 3), ("falling", 3)):
            found = Reading(lawful).exponent(branch, index)
            assert found.modes.sum() == modes
            assert found.measured.value == pytest.approx(fraction * EXPONENT, rel=1e-8)
            # 400 samples tell a logarithm of a variance to .07, of which the level has a part.
            assert 0 < found.measured.stderr < 0.3


def test_the_closed_form_starts_where_the_run_does_and_has_its_time_fitted(lawful):
    curves = lawful["variance_closed_form"]
    np.testing.assert_allclose(curves[0], START, rtol=1e-3)  # σ_min and σ_max are finite
    np.testing.assert_allclose(curves[-1], VARIANCE, rtol=1e-2)
    reading = Reading(lawful)
    ratio = reading.emergence.step[HALF_WAY] / reading.closed_form[HALF_WAY] / reading.steps_per_time
    assert np.exp(np.log(ratio).mean()) == pytest.approx(1.0)
    assert ratio.max() / ratio.min() > 1.2  # one number does not make the law of the run that of the closed form


def test_claims_are_controls_with_their_intervals(lawful):
    claims = {claim.name: claim for claim in FIGURE.claims(lawful)}
    assert {claim.tests for claim in claims.values()} == {"control"}
    assert len(claims) == 7
    assert claims["your run: variance at the end"].verdict == "holds"
    assert abs(final_log_ratio(lawful).value) < 0.01
    assert claims["your run: memorised samples"].verdict == "holds"
    assert claims["your run: the data's modes"].verdict == "holds"
    assert claims["your run: strong falling modes first"].measured == pytest.approx(0.4)
    assert claims["your run: strong falling modes first"].interval[0] > 0.1


def test_the_page_says_what_came_out(lawful):
    said = told(lawful)
    assert f"{len(STEPS)} snapshots from step 0 to 20000, of 400 samples." in said
    assert "6 of 6 are looked at, with 100 % of the variance of 500 samples" in said
    assert "3 modes begin with less variance than the data have; of those 3 that have to change" in said
    assert "3 pass half-way between two snapshots; their emergence goes as λ^-α with α = 0.40" in said
    assert "There is no snapshot of step 0" not in said
    assert "was not stable there" not in said
    assert "in other units" not in said
    assert "cut off at black and white" not in said


def test_a_missing_step_0_is_said_and_levels_start_from_the_first_snapshot(tmp_path):
    data = data_of(500)
    late = [step for step in STEPS if step >= 8]
    arrays = computed(config_of(tmp_path, data, {f"{s}": samples_with(variance_at(s), 50) for s in late}))
    assert f"There is no snapshot of step 0: what was learned before step {late[0]} is not seen" in told(arrays)
    first = arrays["variance_over_training"][0]
    level = np.sqrt(first * VARIANCE)  # passed on the way from START, whose logarithm is linear in that of the step
    expected = ARRIVAL ** (np.log(level / START) / np.log(VARIANCE / START))
    np.testing.assert_allclose(Reading(arrays).emergence.step[HALF_WAY], expected, rtol=1e-6)


ODD = {
    "two snapshots of two samples": {"step_0": RANDOM.normal(size=(2, 6)), "step_9": RANDOM.normal(size=(2, 6))},
    "three samples": {f"step_{s}": RANDOM.normal(size=(3, 6)) for s in (0, 1, 5)},
    "other numbers of samples": {f"step_{s}": RANDOM.normal(size=(5 + 9 * s, 6)) for s in (0, 1, 5)},
    "all the same": {f"step_{s}": np.full((20, 6), float(s)) for s in (0, 1, 5)},
    "diverged": {f"step_{s}": RANDOM.normal(size=(20, 6)) * 10.0 ** (10 * s) for s in (0, 1, 5, 9)},
    "single precision": {f"step_{s}": RANDOM.normal(size=(20, 6)).astype(np.float16) for s in (0, 1)},
}


@pytest.mark.parametrize("snapshots", ODD.values(), ids=ODD.keys())
def test_odd_runs_are_drawn_and_told(tmp_path, snapshots):
    said = told(computed(config_of(tmp_path, data_of(30), snapshots)))
    assert "Intervals say" in said


@pytest.mark.parametrize("unit", [10.0, 1.9, 0.55])  # pixels from -1 to 1 and from 0 to 1: 2, about
def test_samples_in_other_units_are_asked_about(tmp_path, unit):
    final = unit * samples_with(VARIANCE, 20)
    said = told(computed(config_of(tmp_path, data_of(30), {"step_0": samples_with(VARIANCE, 20), "step_9": final})))
    assert re.search(r"The last samples have [\d.]+ times the variance of the data", said)
    assert re.search(rf"In the last snapshot 0 of {VARIANCE.size} modes have the data's variance", said)


def test_a_run_that_was_unstable_on_its_way_is_told(tmp_path):
    """Half-way is passed between the steps 1 and 5, by an excursion to a hundred times the variance of the data."""
    scale = {0: 0.3, 1: 0.3, 5: 10.0, 9: 1.0}
    snapshots = {f"step_{s}": samples_with(factor**2 * VARIANCE, 40) for s, factor in scale.items()}
    said = told(computed(config_of(tmp_path, data_of(50), snapshots)))
    assert "At step 5 the samples have along some mode up to 1e+02 times the variance" in said


def test_none_of_few_samples_is_not_none_of_all():
    """Two of two samples are no proof against copies, 500 are."""
    few, many = (memorised_excess({"memorised": np.zeros((1, n)), "memorised_data": np.zeros(n)}) for n in (2, 500))
    assert few.interval[1] > 0.5
    assert 0 < many.interval[1] < 0.01


def test_copies_are_counted(tmp_path):
    """A run that ends with its own data, of which one half is near others."""
    data = RANDOM.normal(size=(60, 6))
    copies = data[:40] + 1e-4 * RANDOM.normal(size=(40, 6))
    arrays = computed(config_of(tmp_path, data, {"step_0": RANDOM.normal(size=(40, 6)), "step_5": copies}))
    assert arrays["memorised"].mean(axis=1)[1] == 1.0
    assert arrays["memorised"].mean(axis=1)[0] < 0.3
    assert memorised_excess(arrays).value == pytest.approx(1 - arrays["memorised_data"].mean())
    claims = {claim.name: claim for claim in FIGURE.claims(arrays)}
    assert claims["your run: memorised samples"].verdict == "differs"


def test_images_are_shown_and_their_clipping_is_said(tmp_path):
    images = RANDOM.integers(0, 256, size=(60, 4, 5, 3)).astype(np.uint8)
    np.save(tmp_path / "data.npy", images)
    (tmp_path / "run").mkdir()
    for step in (0, 10, 100):
        write_images(tmp_path / "run" / f"step_{step}", images[: 11 + step // 10])
    files = {"data": str(tmp_path / "data.npy"), "snapshots": str(tmp_path / "run")}
    arrays = computed(dataclasses.replace(experiment.PRESETS["tiny"], **files))
    assert arrays["images_generated"].shape == (3, 9, 4, 5, 3)
    np.testing.assert_allclose(arrays["images_generated"][2], images[:9] / 127.5 - 1, atol=1e-12)
    shown = np.linspace(0, 59, 9).astype(int)
    np.testing.assert_allclose(arrays["images_real"], images[shown] / 127.5 - 1, atol=1e-12)
    assert "cut off at black and white" in told(arrays)


def test_snapshots_that_have_changed_are_read_again_and_addressed_anew(tmp_path):
    data = data_of(30)
    config = config_of(tmp_path, data, {f"step_{s}": samples_with(variance_at(s), 20) for s in (0, 30)})
    digest, first = FIGURE.experiment.check(config), computed(config)
    np.save(tmp_path / "run" / "step_30.npy", samples_with(variance_at(90), 20))
    assert FIGURE.experiment.check(config) != digest
    again = computed(config)
    assert (first["variance_over_training"][1] != again["variance_over_training"][1]).all()
    np.testing.assert_array_equal(first["variance_over_training"][0], again["variance_over_training"][0])


def test_numbers_that_are_none_are_refused_before_anything_is_computed(tmp_path):
    spoiled = samples_with(VARIANCE, 20)
    spoiled[3, 2] = np.inf
    config = config_of(tmp_path, data_of(30), {"step_0": spoiled, "step_1": spoiled})
    FIGURE.experiment.check(config)
    with pytest.raises(ValueError, match="step_0.npy holds NaN or infinite values, the first in sample 3"):
        FIGURE.experiment.prepare(config)


def test_a_run_in_pytorch_is_read_as_pytorch_sees_it(tmp_path):
    """Snapshots of a training loop in another framework; what PyTorch itself says of them is the oracle."""
    torch = pytest.importorskip("torch", reason="PyTorch is an optional extra, `benchmarks`")
    from tests.oracles.torch_training import train

    data = (data_of(400) - 7) / 2
    steps = [0, 3, 10, 30, 100, 300]
    config = config_of(tmp_path, data, {})
    train(data, tmp_path / "run", steps=steps, width=32, samples=200, batch_size=64, rate=3e-3)
    arrays = computed(config)
    np.testing.assert_array_equal(arrays["steps"], steps)
    _, vectors = torch.linalg.eigh(torch.cov(torch.as_tensor(data).T))
    for step, variance in zip(steps, arrays["variance_over_training"], strict=True):
        samples = torch.as_tensor(np.load(tmp_path / "run" / f"step_{step:06d}.npy")).double()
        np.testing.assert_allclose(variance, torch.var(samples @ vectors, dim=0).flip(0).numpy(), rtol=1e-8)
    distance = np.abs(np.log(arrays["variance_over_training"] / arrays["variance"])).mean(axis=1)
    assert distance[-1] < 0.5 * distance[0]
    assert "6 snapshots from step 0 to 300, of 200 samples." in told(arrays)
