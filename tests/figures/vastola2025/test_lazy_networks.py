"""Agreement of lazy networks with their prediction, and the emergence of variance, on constructed ensembles."""

import numpy as np

from figures.common.stages import Arrays
from figures.vastola2025.lazy_networks import claims, statistics
from figures.vastola2025.lazy_networks.experiment import FINER
from tests.oracles.known_ensembles import claims_by_name, drawn_scores, law_of_scores


def _network_data(outputs: np.ndarray, predicted: np.ndarray) -> Arrays:
    """One run, behind another that must not be looked at."""
    return {
        "network_outputs": np.stack([np.random.default_rng(0).normal(size=outputs.shape), outputs]),
        "network_predicted": np.stack([np.eye(len(predicted)) + 1, predicted]),
    }


def test_the_ratio_of_a_prediction_that_is_right_up_to_a_factor():
    """The sample covariance over 1.3, with a large mean too."""
    random = np.random.default_rng(16)
    outputs = drawn_scores(random, law_of_scores(np.linspace(0, 1, 8)), 50)
    for mean in (0.0, 1e7):
        data = _network_data(outputs + mean, np.cov(outputs.T) / 1.3)
        found = statistics.median_covariance_ratio(data, 1)
        np.testing.assert_allclose(found.value, 1.3, rtol=1e-6)
        assert found.repetitions == 50


def test_the_ratio_is_over_the_pairs_whose_prediction_is_the_larger_half():
    random = np.random.default_rng(17)
    fields = law_of_scores(np.linspace(0, 1, 8))
    outputs, other = drawn_scores(random, fields, 50), np.cov(drawn_scores(random, fields, 20).T)
    found = statistics.median_covariance_ratio(_network_data(outputs, other), 1)
    covariance = np.cov(outputs.T)
    pairs = [(other[i, j], covariance[i, j]) for i in range(8) for j in range(i, 8)]
    largest = sorted(pairs, key=lambda pair: -abs(pair[0]))[: len(pairs) // 2]
    np.testing.assert_allclose(found.value, np.median([there / here for here, there in largest]), rtol=1e-9)


def test_errors_of_the_ratio_are_their_scatter_and_the_distance_has_no_floor():
    """Over ensembles drawn anew, against the true covariance; squared distances from it are zero on average."""
    random = np.random.default_rng(18)
    fields = law_of_scores(np.linspace(0, 1, 8))
    truth = fields.T @ fields
    data = [_network_data(drawn_scores(random, fields, 120), truth) for _ in range(40)]
    found = [statistics.median_covariance_ratio(one, 1) for one in data]
    values, errors = (np.array([getattr(one, part) for one in found]) for part in ("value", "stderr"))
    assert 1 / 1.7 < np.sqrt(np.mean(errors**2)) / values.std(ddof=1) < 1.7
    squared = np.array([statistics.distance_of_covariances(one, 1).squared for one in data])
    assert abs(squared.mean()) < 3 * squared.std(ddof=1) / np.sqrt(40)
    off = [one | {"network_predicted": 1.3 * one["network_predicted"]} for one in data]
    distances = [statistics.distance_of_covariances(one, 1).squared for one in off]
    np.testing.assert_allclose(np.sqrt(np.mean(distances)), 0.3 / 1.3, rtol=0.1)


RATES = np.geomspace(1.0, 0.01, 6)
PARTS = np.array([1.0, 1.1, 0.9, 2.3, 0.4, 1.2])  # of measured over predicted variance, by mode


def _linear_data(exponent: float = 1.0, members: int = 30) -> Arrays:
    """Weights whose sample mean and variance are exactly chosen curves; predicted is (1 - e^{-lτ})² and 1.2 at the end.

    Measured variances have rates l^exponent, end at 1.8, larger by PARTS; the mean learns at rate l, in modes 0,
    2 and 4. A first P is there that must not be looked at.
    """
    random = np.random.default_rng(19)
    draws, fine = np.array([20, 50]), np.geomspace(1e-2, 1e4, 120 * FINER + 1)
    times = fine[::FINER]
    noise = random.normal(size=(members, len(times) + 1, len(RATES)))
    noise -= noise.mean(axis=0)
    noise /= noise.std(axis=0, ddof=1)
    optimum = np.array([3.0, 0.0, -2.0, 0.0, 1.0, 0.0])
    variance = (
        PARTS * np.vstack([(1 - np.exp(-times[:, None] * RATES**exponent)) ** 2, np.full((1, 6), 1.8)]) / draws[1]
    )
    mean = optimum * np.vstack([1 - np.exp(-times[:, None] * RATES), np.ones((1, 6))])
    weights = mean + np.sqrt(variance) * noise
    first_order = (1 - np.exp(-fine[:, None] * RATES)) ** 2
    other = random.normal(size=(1, members, len(times), 6))
    return {
        "weights": np.concatenate([other, weights[None, :, :-1]]),
        "final_weights": np.concatenate([other[:, :, -1], weights[None, :, -1]]),
        "rates": RATES,
        "times": times,
        "fine_times": fine,
        "draws": draws,
        "optimum": optimum,
        "variance_first_order": first_order,
        "final_first_order": np.full(6, 1.2),
        "variance_fixed_design": first_order / 4,
        "final_fixed_design": np.full(6, 1.5),
        "final_freedom": np.asarray(10.0),
    }


def test_deviation_of_variances_has_the_size_of_the_factors():
    """Modes vary PARTS times as much as predicted: the root mean square of PARTS - 1."""
    data = _linear_data(members=400)
    found = statistics.deviation_of_variances(data, 1)
    np.testing.assert_allclose(found.centre, np.sqrt(np.mean((PARTS - 1) ** 2)), rtol=0.05)
    assert found.models == statistics.GROUPS
    claim = claims_by_name(claims._ratio_claims(data))["first order, P = 50"]
    assert (claim.verdict, claim.measured) == ("differs", found.centre)


def test_eq_16_at_both_ends_of_training():
    """A quarter of first order early, and at the end 1.8 κ of 1.5/(1 - 10/50)."""
    found = claims_by_name(claims._printed_claims(_linear_data()))
    np.testing.assert_allclose(found["Eq. 16 early in training"].measured, 4, rtol=1e-9)
    late = 1.8 * np.median(PARTS) / (1.5 / (1 - 10 / 50))
    np.testing.assert_allclose(found["Eq. 16 at the end of training"].measured, late - 1, rtol=1e-9)


def test_emergence_exponents_of_mean_and_variance():
    """Rates l^0.8 of measured variances, against l of the prediction and of the mean."""
    data = _linear_data(exponent=0.8)
    found = claims_by_name(claims._emergence_claims(data))
    np.testing.assert_allclose(found["emergence of the mean"].measured, 1, rtol=1e-3)
    for level in ("final", "largest"):
        name = f"emergence of the variance to half of its {level} value"
        np.testing.assert_allclose(found[name].measured, 0.8, rtol=2e-3)
        first_order = found[f"{name}, first order"]
        np.testing.assert_allclose([first_order.measured, first_order.theory], [0.8, 1], rtol=2e-3)
        share = found[f"variance to half of its {level} value and mean share an exponent"]
        np.testing.assert_allclose(share.measured, -0.2, atol=2e-3)
    assert statistics.has_mean(data, 1).tolist() == [True, False, True, False, True, False]


def test_emergence_is_at_half_of_the_final_or_of_the_largest_value():
    """1 - e^{-lτ} that ends at 1.5: e^{-lτ} is 1/4 at half of its end and 1/2 at half of its largest value."""
    times = np.geomspace(1e-3, 1e4, 400)
    curve = np.vstack([1 - np.exp(-times[:, None] * RATES), np.full((1, 6), 1.5)])
    for level, part in (("end", 1 / 4), ("peak", 1 / 2)):
        np.testing.assert_allclose(statistics.emergence_times(times, curve, level), -np.log(part) / RATES, rtol=1e-3)


def test_variance_over_members_and_its_error():
    """Value with n - 1 in the denominator, error by leaving out one member after the other."""
    data = _linear_data()
    found = claims._over_members(data, 1, lambda variance, mean: float(variance[3, 2] + mean[3, 2]))
    values = data["weights"][1, :, 3, 2]
    np.testing.assert_allclose(found.value, values.var(ddof=1) + abs(values.mean()), rtol=1e-9)
    kept = [np.delete(values, member) for member in range(len(values))]
    without = np.array([part.var(ddof=1) + abs(part.mean()) for part in kept])
    np.testing.assert_allclose(found.stderr, np.sqrt(29 / 30 * np.sum((without - without.mean()) ** 2)), rtol=5e-3)
