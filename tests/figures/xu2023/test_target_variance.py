"""Target variance on users' data: what is refused, what is measured, what is advised, and verdicts of known curves."""

import dataclasses
import itertools
from pathlib import Path

import jax
import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.stats import entropy

import figures
from figures.common.stages import run_directly
from figures.xu2023.target_variance import experiment
from figures.xu2023.target_variance.experiment import reference_nats
from figures.xu2023.target_variance.statistics import advice, cost, variance_left
from tests.oracles.user_files import write_images
from theory.target_noise.target_variance import reference_nats as nats_of_distinct_points

FIGURE = figures.load("target_variance")
RANDOM = np.random.default_rng(0)
NORMAL = RANDOM.normal(size=(60, 4))


@pytest.fixture(scope="module", autouse=True)
def quick_compilation():
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


def config_of(folder: Path, array: np.ndarray, **changed) -> experiment.Config:
    np.save(folder / "mine.npy", array)
    layout = "rows" if array.ndim == 2 else None
    tiny = experiment.PRESETS["tiny"]
    return dataclasses.replace(tiny, data=str(folder / "mine.npy"), data_layout=layout, **changed)


def computed(config: experiment.Config) -> dict[str, np.ndarray]:
    experiment.check(config)
    assert experiment.prepare(config) > 0
    return experiment.compute(config, key=jax.random.key(0), stage=run_directly)


# --- Users' data ---

ODD = {
    "three points": np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]]),
    "one column": NORMAL[:, :1],
    "rank one": np.outer(NORMAL[:, 0], [1.0, 2.0]),
    "fewer than dimensions": NORMAL[:3],
    "colour images": RANDOM.integers(0, 256, size=(7, 3, 3, 3)).astype(np.uint8),
    "very large": NORMAL * 1e90,
    "very small": NORMAL * 1e-90,
    "far from the origin": NORMAL + 1e6,
    "copies": np.concatenate([NORMAL[:9], NORMAL[:5], NORMAL[:1]]),
}


@pytest.mark.slow_cases("rank one", "colour images", "very small", "far from the origin")
@pytest.mark.filterwarnings("ignore:.*fewer samples")
@pytest.mark.parametrize("array", ODD.values(), ids=ODD.keys())
def test_odd_data_are_drawn_scored_and_advised(tmp_path: Path, array: np.ndarray):
    arrays = computed(config_of(tmp_path, array, fewest_draws=8, most_draws=8))
    assert all(np.isfinite(each).all() for each in arrays.values())
    assert FIGURE.claims(arrays)
    figure = FIGURE.draw(arrays)
    figure.draw_without_rendering()
    plt.close(figure)
    notes = FIGURE.notes(arrays)
    assert all(note.endswith(".") for note in notes)
    assert FIGURE.advice(arrays) == notes[:1]


REFUSED = {
    "NaN": (np.full((5, 3), np.nan), "holds NaN or infinite values, the first in sample 0"),
    "constant": (np.ones((5, 3)), "has zero variance"),
    "two points": (np.repeat(NORMAL[:2], 4, axis=0), "has 2 samples that differ from each other; expected 3 at least"),
    "near pairs": (np.concatenate([NORMAL, NORMAL + 1e-7]), "nearer than single precision tells apart"),
    "an outlier": (np.concatenate([NORMAL, np.full((1, 4), 1e4)]), r"has outliers, .* sample 60 \(counting from 0\)"),
}


@pytest.mark.parametrize(("array", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_bad_numbers_are_refused_before_anything_is_drawn(tmp_path: Path, array: np.ndarray, sentence: str):
    config = config_of(tmp_path, array)
    experiment.check(config)
    with pytest.raises(ValueError, match=sentence):
        experiment.prepare(config)


def test_too_few_samples_are_refused_without_reading(tmp_path: Path):
    with pytest.raises(ValueError, match="has 2 samples that differ"):
        experiment.check(config_of(tmp_path, NORMAL[:2, :2]))
    with pytest.raises(ValueError, match="does not exist"):
        experiment.check(dataclasses.replace(config_of(tmp_path, NORMAL), data=str(tmp_path / "missing.npy")))


def test_the_largest_noise_hides_the_farthest_point(tmp_path: Path):
    far = np.concatenate([NORMAL, np.full((1, 4), 40.0)])
    config = config_of(tmp_path, far, most_draws=128, operations=1e30)
    points = experiment._users_points(config, lambda *_: None)
    last = points.unit * experiment._levels(config, points)[-1]
    assert last > 2.9 * np.linalg.norm(far[-1] - far.mean(axis=0))


def test_a_folder_of_images_is_read(tmp_path: Path):
    write_images(tmp_path / "images", RANDOM.integers(0, 256, size=(20, 3, 3)).astype(np.uint8))
    tiny = experiment.PRESETS["tiny"]
    arrays = computed(dataclasses.replace(tiny, data=str(tmp_path / "images")))
    assert (int(arrays["point_count"]), int(arrays["dimension"])) == (20, 9)


def test_areas_of_few_points_are_the_law(tmp_path: Path):
    """Twelve points in a plane, one of them three times."""
    points = np.concatenate([NORMAL[:12, :2], NORMAL[:1, :2], NORMAL[:1, :2]])
    sizes = {"most_references": 4, "numbers": 3, "levels_per_e_fold": 5.0, "replicates": 32, "most_draws": 32}
    config = config_of(tmp_path, points, operations=1e12, **sizes)
    arrays = computed(config)
    assert arrays["references"].tolist() == [1, 2, 4]
    np.testing.assert_allclose(arrays["law"][0], entropy([3] + [1] * 11), rtol=1e-12)
    verdicts = {claim.name: claim for claim in FIGURE.claims(arrays)}
    for index, words in enumerate(("DSM", "2 references", "4 references")):
        found = verdicts[f"your data, {words}: nats"]
        assert abs(found.measured - arrays["law"][index]) < 0.15
    assert any("Only 12 of the 14 samples differ" in note for note in FIGURE.notes(arrays))


def test_levels_are_in_the_datas_own_units(tmp_path: Path):
    first, second = (computed(config_of(tmp_path, scale * NORMAL)) for scale in (1.0, 8.0))
    for name in ("levels", "half", "half_law", "collapse"):
        np.testing.assert_allclose(second[name], 8 * first[name], rtol=1e-5)
    np.testing.assert_allclose(second["measured"], first["measured"], rtol=1e-3, atol=1e-9)


def test_stages_are_few_at_a_time_where_points_are_many(tmp_path: Path, monkeypatch):
    rounds = []

    class Stages:
        def __call__(self, name, work, *, share):
            raise AssertionError

        def all(self, stages):
            rounds.append([stage.share for stage in stages])
            return run_directly.all(stages)

    config = config_of(tmp_path, NORMAL, replicates=5, replicates_per_stage=1)
    whole = experiment.compute(config, key=jax.random.key(0), stage=Stages())
    monkeypatch.setattr(experiment, "_ROUND_BYTES", 3 * NORMAL.size * 4)
    again = experiment.compute(config, key=jax.random.key(0), stage=Stages())
    assert [len(each) for each in rounds] == [5, 3, 2]
    assert sum(sum(each) for each in rounds[1:]) == pytest.approx(1.0)
    np.testing.assert_array_equal(again["measured"], whole["measured"])


def test_draws_are_as_many_as_can_be_afforded(tmp_path: Path):
    config = config_of(tmp_path, NORMAL, operations=1e30)
    points = experiment._users_points(config, lambda *_: None)
    levels = experiment._levels(config, points)
    assert experiment._draws(config, points, levels) == config.most_draws
    few = dataclasses.replace(config, operations=1.0)
    assert experiment._draws(few, points, levels) == config.fewest_draws


def test_principal_components_that_do_not_fit_are_left_out_and_said(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(experiment, "_LARGEST_COORDINATES", 3 * len(NORMAL))
    arrays = computed(config_of(tmp_path, NORMAL))
    assert int(arrays["mode_count"]) == 3
    assert any("only the leading 3 of 4 principal components" in note for note in FIGURE.notes(arrays))


# --- The law of repeated points ---


@pytest.mark.parametrize("copies", [[1, 1, 1, 1, 1], [3, 1, 2], [5, 1]])
@pytest.mark.parametrize("references", [1, 2, 4])
def test_nats_of_repeated_points_are_those_of_all_sets(copies, references):
    labels = np.repeat(np.arange(len(copies)), copies)
    sets = itertools.combinations(labels, references)
    known = np.mean([entropy(np.unique(each, return_counts=True)[1]) for each in sets])
    np.testing.assert_allclose(
        reference_nats(np.array(copies), references), entropy(copies) - known, rtol=1e-10, atol=1e-12
    )


def test_nats_of_distinct_points_are_those_of_theory():
    found = [reference_nats(np.ones(60_000, dtype=int), number) for number in (1, 256, 4096)]
    expected = [float(nats_of_distinct_points(60_000, number)) for number in (1, 256, 4096)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


# --- Curves whose areas and ratios are known ---

LEVELS, REFERENCES, POINTS, REPLICATES = np.geomspace(1e-3, 1e3, 61), np.array([1, 8, 64]), 2000, 32


def arrays_of(taken=1.0, high=1.0, dimension=100):
    """Curves of areas ln N - `taken` ln n, in two bells: the right one falls with n as it should, times `high`."""
    logs, random = np.log(LEVELS), np.random.default_rng(4)
    upper, lower = (
        np.exp(-(((logs - at) / width) ** 2) / 2) / np.sqrt(2 * np.pi) / width
        for at, width in ((1.5, 1.5), (-1.5, 0.7))
    )
    share = (POINTS - REFERENCES) / (REFERENCES * (POINTS - 1))
    area = np.log(POINTS) - taken * np.log(REFERENCES)
    factor = np.where(REFERENCES > 1, high, 1.0)
    curves = (share * factor)[:, None] * upper + (area - share * factor)[:, None] * lower
    chance = 1 + 0.02 * random.normal(size=(REPLICATES, 1, 1)) + 1e-3 * random.normal(size=(REPLICATES, 3, 1))
    return {
        "levels": LEVELS,
        "references": REFERENCES,
        "measured": curves[None] * chance,
        "posterior": np.repeat(curves[:1], REPLICATES, axis=0),
        "law": np.log(POINTS / REFERENCES),
        "half_law": np.array([3.0, 2.0]),
        "half": np.array([2.0, 1.0]),
        "collapse": np.asarray(0.5),
        "point_count": np.asarray(POINTS),
        "distinct_count": np.asarray(POINTS),
        "dimension": np.asarray(dimension),
        "mode_count": np.asarray(dimension),
        "variance_share": np.asarray(1.0),
        "draws": np.asarray(640),
    }


def verdicts(**changed) -> dict[str, str]:
    return {claim.name.removeprefix("your data, "): claim.verdict for claim in FIGURE.claims(arrays_of(**changed))}


def test_what_is_as_stated_holds():
    assert set(verdicts().values()) == {"holds"}


def test_margins_of_areas_are_a_tenth_within_bounds():
    found = {claim.name: claim.margin for claim in FIGURE.claims(arrays_of() | {"law": np.array([7.6, 0.8, 0.2])})}
    assert [found[f"your data, {words}: nats"] for words in ("DSM", "8 references", "64 references")] == [
        0.15,
        pytest.approx(0.08),
        0.05,
    ]


def test_what_is_not_differs():
    less = verdicts(taken=0.8)
    assert (less["8 references: nats"], less["64 references: nats"]) == ("differs", "differs")
    assert less["DSM: nats"] == "holds"
    more = verdicts(high=1.5)
    assert (more["8 references: much noise"], more["64 references: much noise"]) == ("differs", "differs")


def test_costs_are_two_products_of_matrices_beside_a_network():
    np.testing.assert_allclose(cost(arrays_of(dimension=784)), [1.0, 1 + 16 * 784 / 3e6, 1 + 128 * 784 / 3e6])


def test_references_are_advised_where_they_beat_a_larger_batch():
    data = arrays_of()
    found = advice(data)
    assert found is not None
    assert found.references == 64
    assert found.to_the_end
    places = np.flatnonzero((data["levels"] >= found.first) & (data["levels"] <= found.last))
    left = [variance_left(data, 2, int(place)).centre for place in places]
    assert max(left) < 0.5 / found.cost
    assert variance_left(data, 2, int(places[0]) - 1).centre > 0.45 / found.cost
    np.testing.assert_allclose((found.least, found.most), (min(left), max(left)))
    (sentence,) = FIGURE.advice(data)
    assert sentence.startswith(f"Share 64 references in every batch at noise levels σ above {found.first:.2g} (")
    assert sentence.endswith("of the target's nats are, they are not sure to leave less than half of that.")
    assert sentence in FIGURE.notes(data)


def test_the_number_is_advised_that_leaves_least_at_equal_cost():
    """64 references leave an eighth of what 8 do: worth a batch 7.4 times as large in place of one 1.8 times."""
    data = arrays_of(dimension=150_000)
    found = advice(data)
    assert found is not None
    assert found.references == 64
    data["measured"][:, 2] = 0.9 * data["measured"][:, 1]  # that tenth is not worth it
    found = advice(data)
    assert found is not None
    assert found.references == 8


def test_dear_references_are_not_advised():
    """In so many dimensions 64 references cost as much as a batch 44 times larger, and 8 as one 6 times larger."""
    data = arrays_of(dimension=1_000_000)
    assert advice(data) is None
    (sentence,) = FIGURE.advice(data)
    assert sentence.startswith("References are not worth their cost at any noise level of these data")
    plt.close(FIGURE.draw(data))
