"""What is claimed: the corrected values are measured."""

from figures.both.misprints.experiment import ROWS
from figures.common.claims import Claim
from figures.common.estimated_claims import estimated_claim
from figures.common.stages import Arrays
from sims.measurements.estimates import mean_over


def claims(data: Arrays) -> list[Claim]:
    statements = []
    for row, (source, wrong, how) in enumerate(ROWS.values()):
        estimate = mean_over(data["measured"][row])
        corrected = float(data["corrected"][row])
        statements.append(
            estimated_claim(
                f"misprint: {wrong}",
                f"the corrected value, not the printed one, is measured ({how})",
                estimate,
                source=source,
                paper=float(data["printed"][row]),
                theory=corrected,
                tolerance=0.03 * corrected,
            )
        )
    return statements
