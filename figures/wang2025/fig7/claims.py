"""What Figure 7 states."""

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.studies.trained_modes.claims import discretisation, follows_closed_form
from figures.studies.trained_modes.statistics import share_of_gains, share_of_variances
from figures.wang2025.fig7.experiment import LAYERS
from sims.measurements.estimates import mean_over


def claims(data: Arrays) -> list[Claim]:
    statements = []
    for name in LAYERS:
        words, source = name.replace("_", "-"), "Wang & Pehlevan 2025, App. H, Fig. 7"
        within = share_of_variances(data[f"variance_trained_{name}"], data[f"variance_finite_steps_{name}"])
        statements.append(follows_closed_form(f"flow matching, {words}: generated variance", source, within))
        gains, expected = data[f"gain_trained_{name}"], data[f"gain_finite_steps_{name}"]
        within = share_of_gains(gains, expected, int(data["training_samples"]))
        statements.append(follows_closed_form(f"flow matching, {words}: weights", source, within))
        statements.append(
            discretisation(
                f"flow matching, {words}", data[f"variance_finite_steps_{name}"], data[f"variance_closed_form_{name}"]
            )
        )
    return [*statements, _wrong_limit(data)]


def _wrong_limit(data: Arrays) -> Claim:
    """λ̃/(λ + 1) of the tied network after the longest training, averaged over the modes that are learned by then."""
    # A mode is learned once 8ητλ is large; slower ones have not reached their limit at the last snapshot.
    learned = 8 * data["times"][-1] * data["variance"] > 30
    ratio = data["variance_trained_two_layer"][:, -1, learned] / (data["variance"][learned] + 1)[None]
    estimate = mean_over(ratio.mean(axis=1))
    return Claim(
        "flow matching, tied two-layer: wrong limit",
        "this project, from App. H",
        "a tied network cannot fit a negative velocity and generates λ + 1: mean of λ̃(∞)/(λ + 1) over learned modes",
        None,
        1.0,
        float(estimate.value),
        estimate.interval,
        0.03,
    )
