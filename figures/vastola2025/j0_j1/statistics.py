"""What claims and panels of `j0_j1` call its cases."""

from figures.common.stages import Arrays


def words_of_cases(data: Arrays) -> dict[str, str]:
    """What each case is called."""
    first, second = data["feature_ratio"]
    return {
        "linear_first": f"linear, F/P = {first:g}",
        "linear_second": f"linear, F/P = {second:g}",
        "network": "MLP",
        "square_linear": "square, linear",
        "square_network": "square, MLP",
    }
