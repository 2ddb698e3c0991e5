"""What claims and panels of Figure 2 read from its arrays."""

from figures.common.stages import Arrays
from sims.measurements.estimates import Estimate, mean_over


def gap_mass(data: Arrays, solver: str) -> Estimate:
    """Gap mass of every panel [ε, F/P], over its models."""
    return mean_over(data[f"gap_mass_{solver}"], axis=-1)
