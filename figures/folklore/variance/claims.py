"""What a widely read page says of gradient variance in diffusion models, in our words, each held against a measurement.

Replicates are networks, trained from weights and batches of their own. All definitions are those of `statistics`. All
margins were set before the first run.
"""

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.folklore.variance.statements import statements
from figures.folklore.variance.statistics import toy_log_game, toy_log_signal

OURS = "this project"
PAPER = "a widely read page"


def claims(data: Arrays) -> list[Claim]:
    pages = [statement.claim(PAPER, "paper") for statement in statements(data) if statement.number]
    ours = [statement.claim(OURS, "theory") for statement in statements(data) if not statement.number]
    return [*pages, *ours, *_toys(data)]


def _toys(data: Arrays) -> list[Claim]:
    return [
        Claim.from_estimate(
            "one mean: denoising has κ times the signal of likelihood",
            "|E g|²/tr Cov g of denoising at σ is σ²/(s² + σ²) times that of likelihood (mean ln over three levels)",
            toy_log_signal(data),
            source=OURS,
            tests="theory",
            theory=0.0,
            margin=0.1,
        ),
        Claim.from_estimate(
            "one mean: a game of two linear players moves away",
            "E r_k² = (1 + η²)^k r_0² + (2s²d/B)((1 + η²)^k - 1) (ln of the ratio)",
            toy_log_game(data),
            source=OURS,
            tests="theory",
            theory=0.0,
            margin=0.05,
        ),
    ]
