"""What claims and panels of Figure 2 read from its arrays."""

from figures.common.stages import Arrays
from sims.measurements.estimates import Estimate


def gap_mass(data: Arrays, solver: str) -> Estimate:
    """Gap mass of every panel [ε, F/P], over as many models as the check of the solver has."""
    models = data["gap_mass_change_on_doubling"].size
    return Estimate(data[f"gap_mass_{solver}"], data[f"gap_mass_{solver}_stderr"], models)
