"""Claims of the figure `unification`: every statement with the number that decides it.

Ratios are of variances, unbiased in every group of members; groups and data sets are the replicates. A statement on all
elements, times or pairs takes them together in the agreement statistic.
"""

from functools import partial

import numpy as np

from figures.both.unification.half_times import half_times
from figures.common.claims import Claim
from figures.common.stages import Arrays
from sims.measurements.agreement import agreement
from sims.measurements.estimates import mean_over

# Five per cent of a variance: a standard error of it with the members of the paper preset.
VARIANCE = 0.05
_agrees = partial(Claim.from_estimate, source="this project, U1", tests="theory", theory=0.0, margin=VARIANCE)


def claims(data: Arrays) -> list[Claim]:
    return [*_element_claims(data), *_first_term_claims(data), *_kernel_claims(data), *_data_claims(data)]


def _element_claims(data: Arrays) -> list[Claim]:
    """U1 at every training time: averaged over elements, and element by element."""
    few = f"d/P = {data['few_ratio']:g}"
    return [
        *(
            _agrees(
                f"variance of weights over draws, σ = {level:g}",
                "P Var W_kl is noise of targets plus noise of the design: systematic deviation of measured/theory "
                "(mean over elements) from 1 over all times",
                agreement(data["shared_ratio_of_groups"][0, :, :, column] - 1),
                headline=column == 0,
            )
            for column, level in enumerate(data["noise_levels"])
        ),
        _agrees(
            "variances element by element",
            "systematic deviation of measured/theory from 1 over all elements, times and levels",
            agreement(data["element_ratio_of_groups"] - 1),
        ),
        _agrees(
            "mean over draws",
            "the mean of W_kk is the spectral law: systematic deviation over all modes, times and levels",
            agreement(data["gain_of_groups"] - data["gain_theory"]),
            source="Wang & Pehlevan 2025, Eq. 7",
            margin=0.01,
        ),
        _agrees(
            "any number of draws per dimension",
            f"{few}: the form for any ratio gives the variance: systematic deviation of measured/theory over times",
            agreement(data["few_any_ratio_of_groups"] - 1),
        ),
        _agrees(
            "leading order at few draws",
            f"{few}: at the last time order 1/P alone is too small, by the ratio of the two theories (a factor of "
            f"{data['few_correction'][-1]:.3g}): measured over that, less 1",
            mean_over(data["few_leading_of_groups"][:, -1] / data["few_correction"][-1] - 1),
            source="Vastola 2025, Prop. 5.2, at finite P",
        ),
    ]


def _first_term_claims(data: Arrays) -> list[Claim]:
    """Eq. 16 alone: how far off it is early, and that it is right in the end."""
    source, measured = "Vastola 2025, Prop. 5.2, Eq. 16", data["alone_ratio_of_groups"]
    statements = []
    for column, level in enumerate(data["noise_levels"]):
        factor = data["alone_theory"][0, column]
        statements.append(
            _agrees(
                f"Eq. 16 alone early in training, σ = {level:g}",
                f"at the first time Eq. 16 is too small by a factor of {factor:.3g} (noise of the design, mean over "
                "elements): measured over that, less 1",
                mean_over(measured[:, 0, column] / factor - 1),
                source=source,
            )
        )
        statements.append(
            _agrees(
                f"Eq. 16 alone at the end of training, σ = {level:g}",
                "noise of the design is forgotten: measured over Eq. 16, mean over elements, last time, less 1",
                mean_over(measured[:, -1, column] - 1),
                source=source,
                tests="paper",
            )
        )
    return statements


def _kernel_claims(data: Arrays) -> list[Claim]:
    """The V-kernel in training time, and that variance switches on in the order of the spectral law."""
    kernels = [
        _agrees(
            f"V-kernel at ητ = {time:.2g}",
            "covariance of the score at all pairs of points and components, in predicted standard deviations: "
            "systematic deviation from the prediction",
            agreement(deviation),
        )
        for time, deviation in zip(data["score_times"], data["score_deviation_of_groups"], strict=True)
    ]
    curve = half_times(data["times"][:, 0], data["total_theory"][:, 0])
    power = data["variance"] + data["noise_levels"][0] ** 2
    expected = float(_exponent(power, curve))
    exponents = np.stack([_exponent(power, each) for each in data["half_times"]])
    return [
        *kernels,
        _agrees(
            "variance switches on in the order of the spectral law",
            "half-time of Var W_dl against λ_l + σ²: exponent",
            mean_over(exponents).minus(expected),
            theory=expected,
            margin=0.1,
        ),
    ]


def _exponent(power: np.ndarray, times: np.ndarray) -> np.ndarray:
    """α of τ ∝ (λ + σ²)^-α by least squares in the logarithms."""
    return -np.polyfit(np.log(power), np.log(times), 1)[0]


def _data_claims(data: Arrays) -> list[Claim]:
    """U2 and U3: many noises per datum, and fewer data than dimensions."""
    gains, loss = data["scarce_gain_of_sets"], data["scarce_loss_theory"]
    many = np.moveaxis(data["shared_ratio_of_groups"][1:], 1, 0)  # groups first; noises have members of their own
    of_scarce = partial(_agrees, source="this project, U3")
    earlier = int(np.searchsorted(data["scarce_times"], data["scarce_times"][-1] / 10))
    return [
        _agrees(
            "many noises per datum",
            "Var W_kl of n data with m > 1 noises each: systematic deviation of measured/theory, mean over elements, "
            "from 1 over every m, time and level",
            agreement(many - 1),
            source="this project, U2",
        ),
        of_scarce(
            "learning curves at finite data",
            f"n/d = {data['scarce_data'] / len(data['scarce_variance']):g}: mean gains are the deterministic "
            "equivalent: systematic deviation over all modes and times",
            agreement(gains - data["scarce_gain_theory"]),
            margin=0.03,
        ),
        Claim.from_estimate(
            "infinite-data curves at finite data",
            "the gains of the population's covariance are off: systematic deviation over all modes and times",
            agreement(gains - data["scarce_gain_naive"]),
            source="this project, U3",
            tests="theory",
            bound=0.0,
            relation="greater",
            margin=0.05,
        ),
        of_scarce(
            "loss on fresh data at finite data",
            "systematic deviation of measured/predicted from 1 over times",
            agreement(data["scarce_loss_of_sets"] / loss - 1),
        ),
        Claim.from_estimate(
            "no overfitting with all noise averaged",
            "loss on fresh data does not rise over the last decade of training: ln of the last over that before",
            mean_over(np.log(data["scarce_loss_of_sets"][:, -1] / data["scarce_loss_of_sets"][:, earlier])).minus(0.01),
            source="this project, U3",
            tests="theory",
            bound=0.01,
            relation="less",
        ),
    ]
