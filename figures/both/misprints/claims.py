"""What is claimed: the corrected values are measured."""

from figures.both.misprints.experiment import ROWS
from figures.common.claims import Claim
from figures.common.stages import Arrays
from sims.measurements.estimates import mean_over

# Three per cent: a tenth of what the smallest misprint is off.
LARGEST_DEVIATION = 0.03


def claims(data: Arrays) -> list[Claim]:
    """The printed value stands beside the corrected one; its distance decides nothing here."""
    statements = []
    for row, (source, wrong, how) in enumerate(ROWS.values()):
        corrected = float(data["corrected"][row])
        statements.append(
            Claim.from_estimate(
                f"misprint: {wrong}",
                f"the corrected value, not the printed one, is measured ({how})",
                mean_over(data["measured"][row]).minus(corrected),
                source=source,
                tests="theory",
                paper=float(data["printed"][row]),
                theory=corrected,
                held_against="theory",
                margin=LARGEST_DEVIATION * abs(corrected),
            )
        )
    return statements
