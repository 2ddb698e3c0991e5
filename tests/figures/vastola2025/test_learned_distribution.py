"""Distances, fillings and claims of `learned_distribution` where the answer is known."""

import numpy as np
from scipy.stats import t as student_t

from figures.studies.linear_ensembles import averages
from figures.vastola2025.learned_distribution import claims, statistics
from figures.vastola2025.learned_distribution.experiment import GRID, GROUPS
from sims.measurements.distances import grouped_cumulative
from tests.oracles.known_ensembles import claims_by_name


def _cumulative(random: np.random.Generator, models: int, centre: float) -> np.ndarray:
    """Models with laws of their own around a centre."""
    samples = centre + 0.4 * random.normal(size=(models, 1)) + 0.3 * random.normal(size=(models, 40))
    return grouped_cumulative(samples, GRID, GROUPS)[None]


def test_the_distance_is_cramers_without_the_noise_of_few_models():
    """N(0, s²) against N(c, s²), s = 1/2: ∫ (Φ(x/s) - Φ((x - c)/s))² dx on a fine grid; zero for c = 0."""
    from scipy.stats import norm

    random, fine = np.random.default_rng(0), np.linspace(-6, 6, 6001)
    for centre in (0.0, 0.5):
        squared = []
        for _ in range(60):
            data = {"cumulative_trained": _cumulative(random, 40, 0.0)}
            data["cumulative_predicted"] = _cumulative(random, 40, centre)
            squared.append(statistics.distance_to_trained(data, 0, "predicted").squared)
        expected = np.trapezoid((norm.cdf(fine / 0.5) - norm.cdf((fine - centre) / 0.5)) ** 2, fine)
        assert abs(np.mean(squared) - expected) < 4 * np.std(squared, ddof=1) / np.sqrt(60)


def test_a_single_model_is_a_law_without_error():
    random = np.random.default_rng(1)
    data = {"cumulative_trained": _cumulative(random, 40, 0.0)}
    data["cumulative_exact"] = grouped_cumulative(np.full((1, 5), 2.0), GRID, GROUPS)[None]
    found = statistics.distance_to_trained(data, 0, "exact")
    assert found.models == GROUPS
    assert 1.0 < found.centre < 2.0


def test_averages_leave_one_group_out():
    weight = np.random.default_rng(2).normal(size=(2 * GROUPS + 3, 1, 4))
    found = averages(weight, GROUPS)
    np.testing.assert_allclose(found[0], weight.mean(axis=0), rtol=1e-12)
    for group, members in enumerate(np.array_split(np.arange(len(weight)), GROUPS)):
        np.testing.assert_allclose(found[1 + group], np.delete(weight, members, axis=0).mean(axis=0), rtol=1e-12)


def test_filling_by_variance_and_its_error_are_those_of_a_known_law():
    """Mass w² of a model of weight w ~ N(1, s²): the average model has w̄², variance fills s²."""
    random, found, spread = np.random.default_rng(3), [], 0.3
    for _ in range(200):
        weight = 1 + spread * random.normal(size=(80, 1))
        data = {
            "gap_mass_trained": (weight[:, 0] ** 2)[None],
            "gap_mass_trained_average": (averages(weight, GROUPS) ** 2).T,
        }
        found.append(statistics.filled_by_variance(data, 0))
    values = np.array([float(one.value) for one in found])
    np.testing.assert_allclose(values.mean(), spread**2, rtol=0.05)
    errors = np.array([float(one.stderr) for one in found])
    np.testing.assert_allclose(np.sqrt(np.mean(errors**2)), values.std(ddof=1), rtol=0.2)


def _data(random: np.random.Generator) -> dict[str, np.ndarray]:
    """Two F/P; masses of the two samplers far apart, so that a claim must take both of its numbers from one of them."""
    data = {"feature_ratio": np.array([0.0625, 1.0]), "gap_mass_trained_average": np.full((2, 1 + GROUPS), 0.05)}
    for suffix, scale in (("", 1.0), ("_published", 100.0)):
        for rank, name in enumerate(("trained", "predicted", "surrogate"), start=1):
            noise = random.normal(size=(2, 40))
            data[f"gap_mass_{name}{suffix}"] = scale * (0.1 * rank + 1e-3 * (noise - noise.mean(axis=1, keepdims=True)))
        for name, centre in (("trained", 0.0), ("predicted", 0.0), ("exact", 1.0)):
            data[f"cumulative_{name}{suffix}"] = np.repeat(_cumulative(random, 200, scale * centre), 2, axis=0)
    return data


def test_claims_compare_what_one_sampler_generated():
    found = claims_by_name(claims.claims(_data(np.random.default_rng(4))))
    for ending, scale in (("F/P = 1/16", 1.0), ("published Euler steps, F/P = 1/16", 100.0)):
        mass = found[f"gap mass, {ending}"]
        np.testing.assert_allclose(mass.measured, -0.1 * scale, rtol=1e-9)
        assert mass.verdict == "differs"
    closure = found["gap mass of the closure alone, F/P = 1"]
    np.testing.assert_allclose(closure.measured, 0.1, rtol=1e-9)
    # The errors of surrogates, trained and predicted masses add up.
    width = np.ptp(closure.interval) / 2
    np.testing.assert_allclose(width, student_t.ppf(0.975, 39) * 1e-3 * np.sqrt(3 / 40), rtol=0.3)
    np.testing.assert_allclose(found["variance fills gaps, F/P = 1/16"].measured, 0.05, rtol=1e-9)
    assert found["prediction against the exact score, F/P = 1"].verdict == "holds"
    assert found["predicted distribution, F/P = 1"].measured < 0.1
