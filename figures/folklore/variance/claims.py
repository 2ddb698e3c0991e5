"""What a widely read page says of gradient variance in diffusion models, in our words, each held against a measurement.

Replicates are networks, trained from weights and batches of their own. All definitions are those of `statistics`. All
margins were set before the first run. It had autoencoders whose decoders started as wide as the data: their latents
stayed unused, they generated no more than a Gaussian, and claim 1 had nothing to compare; decoders now start at a
quarter of that. After it and the two that followed the quick preset was made shorter, for its 60 seconds, and spent on
more networks: 1000 steps for 2000, 6 networks for 4 and 5, six noise levels for eight, four learning rates for six.
What is left of a trained denoiser's target had been counted as a statement of the page; it is ours.
"""

from figures.common.claims import Claim
from figures.common.stages import Arrays
from figures.folklore.variance.statements import Statement, statements
from figures.folklore.variance.statistics import spread_of_parameters, toy_log_game, toy_log_signal

OURS = "this project"
PAPER = "a widely read page"


def claims(data: Arrays) -> list[Claim]:
    return [*(_claim(statement) for statement in statements(data)), _sizes(data), *_toys(data)]


def _claim(statement: Statement) -> Claim:
    return statement.claim(PAPER, "paper") if statement.of_the_page else statement.claim(OURS, "theory")


def _sizes(data: Arrays) -> Claim:
    return Claim.check(
        "networks have equally many parameters",
        "the largest and the smallest number of parameters of all families: ratio minus one",
        spread_of_parameters(data),
        source=OURS,
        bound=0.0,
        margin=0.05,
    )


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
