"""The claims of `unification` on data whose answer is known."""

import numpy as np
from scipy.stats import t as student_t

from figures.both.unification import claims
from figures.both.unification.half_times import half_times
from figures.common.stages import Arrays
from tests.oracles.known_ensembles import claims_by_name


def _unification_data() -> Arrays:
    """Every number apart from the others; indexed [m, time, level, k, l] where all of these apply."""
    random = np.random.default_rng(20)
    shape = (5, 2, 3, 3)
    theory = random.uniform(1, 2, size=shape)
    stderr = random.uniform(0.01, 0.02, size=shape)
    away = random.permuted(np.where(np.arange(90) < 9, -5.0, 3.5)).reshape(shape)  # standard errors
    gain_theory, scarce_theory = random.uniform(size=(5, 2, 3)), random.uniform(size=(4, 6))
    gain, scarce_gain = gain_theory + 0.001, scarce_theory - 0.002
    gain[3, 1, 2] -= 0.02
    scarce_gain[2, 4] -= 0.05
    naive = scarce_gain + 0.01
    naive[1, 3] = scarce_gain[1, 3] - 0.3
    ratio = random.uniform(0.99, 1.01, size=(2, 5, 2))
    ratio[0, 3, 0], ratio[0, 1, 1], ratio[1, 4, 1] = 0.5, 1.2, 0.7
    measured = random.normal(size=(2, 50))
    loss = np.array([4.0, 2.0, 1.0, 1.5])
    return {
        "members": np.asarray(12),
        "few_members": np.asarray(5),
        "noise_levels": np.array([0.5, 2.0]),
        "variance": np.array([3.0, 1.0, 0.3]),
        "times": np.geomspace(0.01, 100, 5)[:, None] * np.ones(2),
        "weight_variance": theory + away * stderr,
        "weight_variance_stderr": stderr,
        "total_theory": theory,
        "targets_theory": theory / random.uniform(2, 3, size=shape),
        "gain": gain,
        "gain_theory": gain_theory,
        "gain_stderr": random.uniform(0.001, 0.002, size=(5, 2, 3)),
        "shared_ratio": ratio,
        "shared_ratio_stderr": random.uniform(0.01, 0.02, size=ratio.shape),
        "few_ratio": np.asarray(0.5),
        "few_any_ratio": np.array([1.01, 0.95, 1.04]),
        "few_any_ratio_stderr": np.array([0.01, 0.02, 0.03]),
        "few_leading": np.array([1.1, 1.5, 1.9]),
        "few_leading_stderr": np.array([0.04, 0.05, 0.06]),
        "few_correction": np.array([1.2, 1.6, 2.0]),
        "alone_ratio": random.uniform(0.9, 1.1, size=(5, 2)),
        "alone_ratio_stderr": random.uniform(0.01, 0.02, size=(5, 2)),
        "score_times": np.array([0.1, 10.0]),
        "score_measured": measured,
        "score_predicted": np.stack([2 * measured[0] + 1, -measured[1]]),
        "half_times": np.stack([c * np.array([3.25, 1.25, 0.55]) ** -a for c, a in ((1, 0.8), (3, 1.0), (2, 1.2))]),
        "scarce_variance": np.ones(6),
        "scarce_data": np.asarray(3),
        "scarce_gain": scarce_gain,
        "scarce_gain_stderr": random.uniform(0.001, 0.002, size=(4, 6)),
        "scarce_gain_theory": scarce_theory,
        "scarce_gain_naive": naive,
        "scarce_loss": loss * [1.01, 0.98, 1.04, 0.93],
        "scarce_loss_stderr": loss * [0.01, 0.02, 0.03, 0.04],
        "scarce_loss_theory": loss,
        "scarce_overfit": np.array([1.4, 1.6, 1.8]),
    }


def _repetitions(name: str) -> int:
    """Members of the ensembles, of those of few draws, and data sets smaller than their dimension."""
    if name in ("any number of draws per dimension", "leading order at few draws"):
        return 5
    return 3 if name.endswith(("at finite data", "all noise averaged")) else 12


def test_unification_claims_state_the_numbers_that_decide_them():
    """Value, standard error and theory of every claim, each put into the data by hand."""
    data = _unification_data()
    found = claims_by_name(claims.claims(data))
    expected = {
        # The time at which measured over theory is farthest from 1, below or above.
        "variance of weights over draws, σ = 0.5": (0.5, data["shared_ratio_stderr"][0, 3, 0], 1),
        "variance of weights over draws, σ = 2": (1.2, data["shared_ratio_stderr"][0, 1, 1], 1),
        "many noises per datum": (0.7, data["shared_ratio_stderr"][1, 4, 1], 1),
        # Nine of ninety are 5 standard errors off, the others 3.5.
        "variances element by element": (0.9, 0, 0.99),
        "mean over draws": (0.019, data["gain_stderr"][3, 1, 2], 0),
        "any number of draws per dimension": (0.95, 0.02, 1),
        "leading order at few draws": (1.9, 0.06, 2),
        "learning curves at finite data": (0.052, data["scarce_gain_stderr"][2, 4], 0),
        "infinite-data curves at finite data": (0.3, data["scarce_gain_stderr"][1, 3], 0.1),
        "loss on fresh data at finite data": (0.93, 0.04, 1),
        "no overfitting with all noise averaged": (1.6, 0.2 / np.sqrt(3), 1.5),
        "V-kernel at ητ = 0.1": (1, 0, 0.97),
        "V-kernel at ητ = 10": (-1, 0, 0.97),
    }
    for level, name in enumerate(("σ = 0.5", "σ = 2")):
        first = data["targets_theory"][0, level, 0, 0]
        values = [data[key][0, level, 0, 0] for key in ("weight_variance", "weight_variance_stderr", "total_theory")]
        expected[f"Eq. 16 alone early in training, {name}"] = tuple(value / first for value in values)
        alone = data["alone_ratio"][4, level], data["alone_ratio_stderr"][4, level], 1
        expected[f"Eq. 16 alone at the end of training, {name}"] = alone
    for name, (value, stderr, theory) in expected.items():
        claim = found.pop(name)
        np.testing.assert_allclose([claim.measured, claim.theory], [value, theory], rtol=1e-9, atol=1e-12, err_msg=name)
        interval = value + student_t.ppf(0.975, _repetitions(name) - 1) * stderr * np.array([-1, 1])
        np.testing.assert_allclose(claim.interval, interval, rtol=0, atol=1e-4 * stderr + 1e-12, err_msg=name)
    # What is left is tested below.
    assert list(found) == ["variance switches on in the order of the spectral law"]


def test_half_times_are_of_what_feeds_into_the_weakest_mode():
    """1 - e^{-tr} of row d alone passes half its end at ln 2/r."""
    times, rates = np.geomspace(1e-2, 1e3, 400), np.array([[50.0, 20.0, 9.0], [7.0, 30.0, 5.0], [4.0, 2.0, 1.0]])
    variance = rates * (1 - np.exp(-times[:, None, None] * rates))
    np.testing.assert_allclose(half_times(times, variance), np.log(2) / rates[-1], rtol=1e-3)


def test_unified_variance_switches_on_by_the_exponent_of_groups():
    """Half-times (λ + σ²)^-α of three groups, α = .8, 1 and 1.2 with σ = .5; theory's curve has α = 1.5."""
    data, times = _unification_data(), np.geomspace(1e-2, 1e3, 400)
    data["times"] = times[:, None] * np.ones(2)
    rates = (data["variance"] + 0.25) ** 1.5
    data["total_theory"] = np.ones((400, 2, 3, 3)) * times[:, None, None, None]
    data["total_theory"][:, 0, -1] = 1 - np.exp(-times[:, None] * rates)
    claim = claims_by_name(claims._kernel_claims(data))["variance switches on in the order of the spectral law"]
    np.testing.assert_allclose([claim.measured, claim.theory], [1.0, 1.5], rtol=2e-3)
    half = student_t.ppf(0.975, 2) * 0.2 / np.sqrt(3)
    np.testing.assert_allclose(claim.interval, (1 - half, 1 + half), rtol=1e-6)
