"""Areas, ratios and verdicts of `xu2023_variance`, from curves whose areas are known."""

import numpy as np

from figures.common.target_nats import controlled, ratio_of_means
from figures.xu2023.variance.claims import claims
from figures.xu2023.variance.statistics import low_and_high, nats

LEVELS, REFERENCES, POINTS, REPLICATES = np.geomspace(1e-3, 1e3, 61), np.array([1, 8, 64]), 2000, 24
RANDOM = np.random.default_rng(0)


def bell(width=1.0, centre=0.0):
    """An area of one in ln σ."""
    logs = np.log(LEVELS)
    return np.exp(-(((logs - centre) / width) ** 2) / 2) / np.sqrt(2 * np.pi) / width


def arrays(taken=1.0, half=0.5):
    """Curves that lose `taken` ln n nats, with chance that all share in proportion and a little of their own."""
    chance = RANDOM.normal(size=(REPLICATES, 1))
    area = np.log(POINTS) - taken * np.log(REFERENCES)
    own = 1e-3 * RANDOM.normal(size=(REPLICATES, REFERENCES.size))
    # Half of the area for 1/(n - 1) at much noise, the rest where little is.
    finite = (POINTS - REFERENCES) / (np.maximum(REFERENCES, 1) * (POINTS - 1))
    high, low = bell(1.0, 3.0), bell(0.7, -1.5)
    curves = finite[:, None] * high + (area - finite)[:, None] * low
    measured = curves[None] * (1 + 0.1 * chance[..., None] + own[..., None])
    data = {
        "levels": LEVELS,
        "references": REFERENCES,
        "two_point_levels": LEVELS[:3],
        "two_points_theory": np.full((2, 3), 0.2),
        "two_points_measured": 0.2 + 1e-3 * RANDOM.normal(size=(REPLICATES, 2, 3)),
    }
    ratio = curves[-1] / curves[0]
    inside = (np.log(LEVELS) > -1.5) & (np.log(LEVELS) < 3)
    level = np.exp(np.interp(-half, -ratio[inside], np.log(LEVELS)[inside]))
    for name in ("digits", "photographs"):
        data |= {
            f"{name}_measured": measured,
            f"{name}_posterior": np.broadcast_to(curves[0], (REPLICATES, LEVELS.size)) * (1 + own[:, :1]),
            f"{name}_points": np.asarray(POINTS),
            f"{name}_half": np.full(2, level),
        }
    return data


def verdicts(**changes):
    return {claim.name: claim.verdict for claim in claims(arrays(**changes))}


def test_a_control_takes_off_what_it_shares():
    control = RANDOM.normal(size=200)
    own = 1e-3 * RANDOM.normal(size=200)
    found = controlled(4.0 + 3.0 * control + own, control)
    assert abs(found.value - 4.0) < 5e-4
    # Its error is that of what is left, and reaches over the truth as often as it says.
    np.testing.assert_allclose(found.stderr, 1e-3 / np.sqrt(200), rtol=0.3)
    assert found.repetitions == 199


def test_intervals_of_a_controlled_mean_cover():
    covered = 0
    for _ in range(400):
        control = RANDOM.normal(size=12)
        found = controlled(1.0 + control + RANDOM.normal(size=12), control)
        low, high = found.interval
        covered += low < 1.0 < high
    assert 0.91 < covered / 400 < 0.98


def test_a_ratio_of_means_and_its_error():
    below = 2 + RANDOM.normal(size=400)
    found = ratio_of_means(0.3 * below + 0.02 * RANDOM.normal(size=400), below)
    np.testing.assert_allclose(found.value, 0.3, atol=3e-3)
    np.testing.assert_allclose(found.stderr, 0.02 / 2 / np.sqrt(400), rtol=0.2)


def test_areas():
    found = nats(arrays(), "digits")
    np.testing.assert_allclose(found.law, np.log(POINTS / REFERENCES))
    np.testing.assert_allclose([each.value for each in found.estimates], found.law, atol=5e-3)


def test_verdicts():
    assert set(verdicts().values()) == {"holds"}
    less = verdicts(taken=0.9)
    assert less["digits, DSM: nats"] == "holds"
    assert less["photographs, 64 references: nats"] == less["digits, 8 references: nats"] == "differs"
    assert verdicts(half=0.2)["digits, 64 references: half effective"] == "differs"
    shifted = arrays()
    shifted["two_points_measured"] = shifted["two_points_measured"] + 0.05
    assert {claim.verdict for claim in claims(shifted) if claim.name.startswith("two points")} == {"differs"}
    steep = arrays()
    for name in ("digits", "photographs"):
        steep[f"{name}_measured"] = steep[f"{name}_measured"].copy()
        steep[f"{name}_measured"][:, -1] *= 0.3
    found = {claim.name: claim.verdict for claim in claims(steep)}
    assert found["digits, 64 references: much noise"] == found["digits, 64 references: little noise"] == "differs"


def test_a_curve_at_wrong_levels_is_not_that_of_theory():
    """Its area is right, and so is its mean over levels."""
    shifted, logs = arrays(), np.linspace(-6, 6, 25)
    theory, wrong = (0.48 * np.exp(-((logs - centre) ** 2) / 2) for centre in (0.0, 0.7))
    chance = 1e-3 * RANDOM.normal(size=(REPLICATES, 2, logs.size))
    shifted |= {"two_points_theory": np.stack([theory] * 2), "two_points_measured": wrong + chance}
    found = {claim.verdict for claim in claims(shifted) if claim.name.startswith("two points")}
    assert found == {"differs"}


def test_a_curve_that_does_not_begin_at_zero_has_no_level_of_little_noise():
    late = arrays()
    mean = late["digits_measured"][:, 0].mean(axis=0)
    first = int(np.argmax(mean > 0.2 * mean.max()))
    late |= {"levels": LEVELS[first:], "digits_measured": late["digits_measured"][..., first:]}
    assert not np.isfinite(low_and_high(late, "digits", 2)[0].value)


def test_no_number_is_called_the_papers_that_it_does_not_print():
    assert all(claim.paper is None for claim in claims(arrays()))
