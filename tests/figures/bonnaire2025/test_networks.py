"""Verdicts of `bonnaire2025_networks`, from curves of known times."""

import jax
import numpy as np
import pytest

from figures.bonnaire2025.networks.claims import claims
from figures.bonnaire2025.networks.populations import COMPONENTS, digit_points
from figures.bonnaire2025.networks.statistics import (
    best_record,
    best_stop,
    exponents,
    generalisation_times,
    log_distances,
    memorisation_times,
)

POINTS, MEMBERS, STOPS = np.array([8, 16, 32]), 8, 3
STEPS = np.geomspace(1, 1e5, 61)


def arrays(*, slope=1.0, generalising=0.0, rise=0.5, by_sampling=0.3, chance=0.1):
    """A fifth is memorised after 10 n^slope steps, and the distance falls to -1 half-way after 3 n^generalising."""
    random = np.random.default_rng(5)
    logs = np.log(STEPS)[:, None]
    data = {"points": POINTS, "steps": STEPS, "chance": np.full((3, MEMBERS), chance)}
    shares, distances = [], []
    for count in POINTS:
        late = logs - np.log(10 * count**slope) - 0.05 * random.normal(size=MEMBERS)
        share = 1 / (1 + 4 * np.exp(-3 * late))  # a fifth where late is zero
        shares.append(chance + (1 - chance) * share)
        early = logs - np.log(3 * count**generalising) - 0.05 * random.normal(size=MEMBERS)
        distances.append(1 - 2 / (1 + np.exp(-8 * early)) + rise / (1 + np.exp(-3 * (late - 1))))
    data["memorised"] = np.repeat(np.stack(shares)[..., None], STOPS, axis=-1)
    distance = np.repeat(np.stack(distances)[..., None], STOPS, axis=-1)
    distance[..., 0] += 1.0
    distance[..., 1] -= by_sampling
    data["distance"] = np.exp(distance)
    return data


def of_one_setting(data):
    """With the leading axis of settings that stored arrays have."""
    several = {name: data[name][None] for name in ("memorised", "distance", "chance", "steps")}
    return data | several | {"dimension": np.array([4]), "width": np.array([64]), "digits": np.array([False])}


def verdicts(**changes):
    found = claims(of_one_setting(arrays(**changes)))
    return {claim.name.removesuffix(", D = 4, 64 units"): claim.verdict for claim in found}


def test_of_digits_memorisation_alone_is_claimed():
    (claim,) = claims(of_one_setting(arrays()) | {"digits": np.array([True])})
    assert (claim.name, claim.verdict) == ("τ_mem ∝ n, digits, 64 units", "holds")


def test_times_are_read_where_they_are():
    data = arrays(slope=1.5, generalising=0.4)
    np.testing.assert_allclose(np.log(memorisation_times(data).mean(axis=1)), np.log(10 * POINTS**1.5), atol=0.1)
    assert abs(exponents(data, memorisation_times(data)).mean() - 1.5) < 0.05
    assert abs(exponents(data, generalisation_times(data)).mean() - 0.4) < 0.1


def test_what_is_as_stated_holds():
    assert set(verdicts().values()) == {"holds"}


def test_what_is_not_differs():
    assert verdicts(slope=2.0)["τ_mem ∝ n"] == "differs"
    assert verdicts(generalising=0.5)["τ_gen does not depend on n"] == "differs"
    named = verdicts(rise=0.0, by_sampling=0.0)
    assert {v for name, v in named.items() if name.startswith("training on leads")} == {"differs"}
    assert {v for name, v in named.items() if name.startswith("stopping sampling")} == {"differs"}
    assert verdicts(rise=0.5, by_sampling=0.6)["stopping sampling does not make up for it, n = 8"] == "differs"
    never_stops = verdicts(rise=-2.0)
    assert never_stops["memorised where training stops best, n = 8"] == "differs"


def test_stops_are_chosen_by_the_other_members():
    data = arrays()
    data["distance"][0, :, 0] *= 100.0  # a member that is far everywhere weighs in others' choices by its shape alone
    data["distance"][0, 40, 0] *= 1e-9  # and by one record at which it alone is near
    assert best_record(data, 0)[0] != 40
    assert set(best_record(data, 0)[1:]) == {40}
    assert set(best_stop(data, 1)) == {1}
    assert np.all(log_distances(data, 1)["sampling"] < log_distances(data, 1)["end"])


def test_what_is_never_memorised_has_no_exponent():
    data = arrays()
    data["memorised"] = np.full_like(data["memorised"], 0.1)
    assert np.isinf(memorisation_times(data)).all()
    named = {claim.name: claim.verdict for claim in claims(of_one_setting(data))}
    assert named["τ_mem ∝ n, D = 4, 64 units"] == "undecided"


def test_data_sets_share_no_digit():
    drawn = digit_points(6, 32, data_key=jax.random.key(1), directions=np.eye(COMPONENTS))
    rows = np.concatenate([drawn.points.reshape(-1, 64), drawn.fresh])
    assert len(rows) == 6 * 32 + 1024
    # digits has no two rows alike
    assert len(np.unique(rows, axis=0)) == len(rows)
    assert float(drawn.distance(drawn.fresh[:512])) < 0.02
    # Of the unit of every component: points at the mean are at 1.
    assert float(drawn.distance(np.zeros((1, 64)))) == pytest.approx(1.0, abs=0.1)
    with pytest.raises(ValueError, match="got 773 for 13 of 64 points"):
        digit_points(13, 64, data_key=jax.random.key(1), directions=np.eye(COMPONENTS))
