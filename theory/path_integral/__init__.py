"""The path integral over generated paths, from the V-kernel to the average learned distribution.

`drifts` makes a drift of a score and `paths` follows it. With noise: the `action` of a path; `effective_sde` samples
paths; `fokker_planck` carries a density on `cells` along; `perturbation` theory and the `semiclassical` limit are for
small noise, and `linear_flow` is exact for any.
"""
