"""Verdicts of several runs that differ in their seed."""

import numpy as np
import pytest
from scipy.stats import t as student_t

from figures.common.claims import Claim
from figures.common.pooling import pool_claims
from sims.measurements.agreement import agreement
from sims.measurements.estimates import Estimate, mean_over

VALUES = np.array([0.02, -0.01, 0.03, 0.01, 0.0])


def claim(value, stderr=0.02, name="name", theory=1.0):
    evidence = Estimate(np.asarray(value), np.asarray(stderr), 8)
    return Claim.from_estimate(name, "statement", evidence, source="s", tests="theory", theory=theory, margin=0.04)


def test_the_pool_has_the_error_of_the_spread_between_runs():
    references = np.linspace(1, 2, 5)
    runs = {seed: [claim(v, theory=t)] for seed, v, t in zip(range(5), VALUES, references, strict=True)}
    (pooled,) = pool_claims(runs)
    half = student_t.ppf(0.975, 4) * VALUES.std(ddof=1) / np.sqrt(5)
    np.testing.assert_allclose(pooled.claim.interval, 1.5 + VALUES.mean() + half * np.array([-1, 1]), rtol=1e-12)
    assert pooled.claim.theory == 1.5
    assert pooled.seeds == (0, 1, 2, 3, 4)
    assert pooled.claim.verdict == "holds"
    assert pooled.verdicts == ("undecided",) * 5
    assert pooled.agreeing == 0
    q, p = pooled.cochran
    np.testing.assert_allclose(q, np.sum((VALUES - VALUES.mean()) ** 2) / 0.02**2, rtol=1e-12)
    assert 0.5 < p < 0.9


def test_one_run_stays_as_it_is():
    one = claim(0.01)
    (pooled,) = pool_claims({7: [one]})
    assert pooled.claim is one
    assert (pooled.seeds, pooled.verdicts, pooled.cochran, pooled.agreeing) == ((7,), (one.verdict,), None, 1)


def test_agreement_pools_u_and_flips_every_run_by_itself():
    rng = np.random.default_rng(0)
    runs = [0.03 * rng.normal(size=(8, 30)) + 0.01 for _ in range(5)]
    about = {"source": "s", "tests": "theory", "theory": 0.0, "margin": 0.02}
    claims = {seed: [Claim.from_estimate("u", "s", agreement(run), **about)] for seed, run in enumerate(runs)}
    (pooled,) = pool_claims(claims)
    each = [agreement(run) for run in runs]
    np.testing.assert_allclose(pooled.claim.estimate.squared, np.mean([one.squared for one in each]), rtol=1e-12)
    expected = np.sqrt(np.sum([one.stderr**2 for one in each])) / 5
    np.testing.assert_allclose(pooled.claim.estimate.stderr, expected, rtol=1e-12)
    assert pooled.claim.estimate.p_value < min(0.05, *(one.p_value for one in each))
    assert pooled.cochran is None


def test_false_alarms_of_the_pooled_flips():
    rng = np.random.default_rng(3)
    p_values = []
    for _ in range(200):
        first, *others = (agreement(rng.normal(size=(6, 10))) for _ in range(3))
        p_values.append(first.pooled(others).p_value)
    assert 0.01 < np.mean(np.asarray(p_values) < 0.05) < 0.1


def test_a_deterministic_claim_keeps_the_worst_run():
    def check(measured):
        return [Claim.check("c", "s", measured, source="s", bound=1.0, relation="less")]

    (pooled,) = pool_claims({0: check(0.5), 1: check(1.5), 2: check(0.9)})
    assert pooled.claim.measured == 1.5
    assert pooled.claim.verdict == "differs"
    assert pooled.verdicts == ("holds", "differs", "holds")


def test_a_claim_that_one_run_does_not_make_is_pooled_over_the_others():
    pooled = pool_claims({0: [claim(0.0)], 1: [claim(0.01), claim(0.0, name="second")]})
    assert [(one.claim.name, one.seeds) for one in pooled] == [("name", (0, 1)), ("second", (1,))]


def test_runs_that_differ_are_told_apart():
    values = (0.0, 0.2)
    (pooled,) = pool_claims({seed: [claim(value, stderr=0.01)] for seed, value in enumerate(values)})
    assert pooled.cochran[1] < 1e-6
    assert mean_over(np.array(values)).value == pytest.approx(0.1)
