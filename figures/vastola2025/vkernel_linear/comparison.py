"""How well a predicted V-kernel fits the measured one: the statistics of `vkernel_linear`, with their errors."""

from typing import NamedTuple, get_args

import numpy as np

from figures.common.stages import Arrays
from sims.measurements.agreement import agreement
from sims.measurements.resampling import jackknife_error
from theory.v_kernel.least_squares import LinearOrder

ORDERS = tuple(order for order in get_args(LinearOrder) if order != "corrected")  # that one is leading/(1 - F/P)
_GROUPS = 20  # of models, and of places, left out one after the other
_RESOLVED = 1e-6  # standard deviations below this part of the largest are round-off, late where nothing is learned
_EXPOSED = 0.1  # the share of places called those of largest leverage


class Places(NamedTuple):
    """What the statistics need to know of n places."""

    diffusion: np.ndarray  # D
    resolved: np.ndarray  # whether the predicted variance is more than round-off
    exposed: np.ndarray  # whether among those of largest leverage

    def kept(self, which: np.ndarray) -> "Places":
        return Places(*(values[which] for values in self))


def comparison(
    scores: np.ndarray, predicted: np.ndarray, leverage: np.ndarray, diffusion: np.ndarray, edges: np.ndarray
) -> Arrays:
    """Scores (models, n) against their predicted covariance (orders, n, n), all but one statistic in units of V."""
    scores, predicted = scores * diffusion[None], predicted * diffusion[None, :, None] * diffusion[None, None]
    spread = np.sqrt(np.diagonal(predicted[-1]))
    resolved = spread > _RESOLVED * spread.max()
    exposed = leverage >= np.quantile(leverage, 1 - _EXPOSED)
    measured = np.cov(scores.T)
    places = Places(diffusion, resolved, exposed)
    arrays = _statistics(predicted, measured, places)
    arrays |= _errors(scores, predicted, measured, places)
    upper = np.triu_indices(len(spread))
    unit, limits = spread.max() ** 2, (edges[0], edges[-1])
    abscissas, ordinate = (np.clip(p / unit, *limits) for p in (predicted[:, *upper], measured[upper]))
    return arrays | {
        "histogram": np.stack([np.histogram2d(p, ordinate, bins=(edges, edges))[0] for p in abscissas]),
        **_ceilings(scores, places),
        **_distances(scores, predicted, places),
        "leverage": leverage,
        "resolved": resolved,
        "exposed": exposed,
        "variance_ratio": _variance_ratio(predicted, measured),
    }


def _correlations(predicted: np.ndarray, measured: np.ndarray, places: Places) -> Arrays:
    """Of every predicted V with the measured one, over all pairs.

    `score_correlation` is that of Cov[s, s'] without the factors D, in which small times weigh more;
    `calm_correlation` is over pairs without an exposed place.
    """
    upper = np.triu_indices(len(measured))
    calm = ~(places.exposed[upper[0]] | places.exposed[upper[1]])
    pairs, values = predicted[:, *upper], measured[upper]
    scale = 1 / (places.diffusion[upper[0]] * places.diffusion[upper[1]])
    return {
        "correlation": np.asarray([np.corrcoef(p, values)[0, 1] for p in pairs]),
        "score_correlation": np.asarray([np.corrcoef(p * scale, values * scale)[0, 1] for p in pairs]),
        "calm_correlation": np.asarray([np.corrcoef(p[calm], values[calm])[0, 1] for p in pairs]),
    }


def _statistics(predicted: np.ndarray, measured: np.ndarray, places: Places) -> Arrays:
    """Of every order: correlations, and the median of measured over predicted variance.

    `excess` is the mean of ln(measured/predicted) at exposed places minus that at the others, and `excess_left` that
    minus half of the one with equal leverage.
    """
    exposed, calm = places.exposed, places.resolved & ~places.exposed
    ratio = _variance_ratio(predicted, measured)
    log_exposed, log_calm = (np.mean(np.log(ratio[:, which]), axis=1) for which in (exposed, calm))
    excess = log_exposed - log_calm
    return _correlations(predicted, measured, places) | {
        "median_ratio": np.median(ratio[:, places.resolved], axis=1),
        "excess": excess,
        "excess_left": excess - excess[ORDERS.index("deterministic_equivalent")] / 2,
    }


def _variance_ratio(predicted: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """Measured over predicted variance at every place, (orders, n)."""
    return np.diagonal(measured)[None] / np.maximum(np.diagonal(predicted, axis1=1, axis2=2), 1e-300)


def _errors(scores: np.ndarray, predicted: np.ndarray, measured: np.ndarray, places: Places) -> Arrays:
    """Standard errors from models and from places, both drawn at random: one group of either left out at a time."""
    model_groups, place_groups = (np.arange(count) % min(_GROUPS, count) for count in scores.shape)
    fewer_models = [
        _statistics(predicted, np.cov(scores[model_groups != group].T), places) for group in np.unique(model_groups)
    ]
    fewer_places = []
    for group in np.unique(place_groups):
        kept = place_groups != group
        pairs = np.ix_(kept, kept)
        fewer_places.append(_statistics(predicted[:, *pairs], measured[pairs], places.kept(kept)))
    errors = {
        f"{name}_stderr": np.hypot(
            *(jackknife_error(np.stack([one[name] for one in sets])) for sets in (fewer_models, fewer_places))
        )
        for name in fewer_models[0]
    }
    return errors | {"groups": np.asarray(min(len(fewer_models), len(fewer_places)))}


def _ceilings(scores: np.ndarray, places: Places) -> Arrays:
    """The correlations a perfect prediction would have: √[2r/(1 + r)], r that between the ensemble's two halves."""
    first, second = (np.cov(scores[half::2].T) for half in (0, 1))
    between = {name: np.maximum(r[0], 0.0) for name, r in _correlations(first[None], second, places).items()}
    return {f"{name}_ceiling": np.sqrt(2 * r / (1 + r)) for name, r in between.items()}


# The same three choices as in `_correlations`.
DISTANCES = ("all_pairs", "bare", "calm")


def _distances(scores: np.ndarray, predicted: np.ndarray, places: Places) -> Arrays:
    """Squared distances of measured from predicted V, over all pairs of places, in units of |V|² of the last order.

    Every group of models gives an unbiased covariance C_g, so that with D_g = C_g - V the products ⟨D_g, D_h⟩ of
    different groups, `distance_products` (choice, order, group, group), have the mean |E C - V|² without the noise of
    few models. `contest` (choice, order, group) is |C_g - V|² less the same of the last order: below zero where that
    order is the better one.
    """
    count = min(_GROUPS, len(scores) // 2)
    measured = np.stack([np.cov(group.T) for group in np.array_split(scores, count)])
    calm = ~places.exposed
    scales = dict(zip(DISTANCES, (np.ones(len(calm)), 1 / places.diffusion, calm.astype(float)), strict=True))
    found = [_distances_at_scale(measured, predicted, scale) for scale in scales.values()]
    return {name: np.stack([each[name] for each in found]) for name in found[0]}


def _distances_at_scale(measured: np.ndarray, predicted: np.ndarray, scale: np.ndarray) -> Arrays:
    factor = scale[:, None] * scale[None]
    best = (predicted[-1] * factor).ravel()
    unit, groups = best @ best, (measured * factor).reshape(len(measured), -1)
    products, contest = [], []
    for order in predicted:
        of_order = (order * factor).ravel()
        products.append(agreement(np.sqrt(best.size / unit) * (groups - of_order)).products[0])
        contest.append((of_order @ of_order - unit - 2 * groups @ (of_order - best)) / unit)
    return {"distance_products": np.stack(products), "contest": np.stack(contest)}
