"""Parametrisations of the denoiser, one final class per file.

To add one, see `docs/adding_a_parametrisation.md`.
"""
