"""Misprints of both papers: printed, corrected, measured."""
