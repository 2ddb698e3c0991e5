"""Figures that test statements of Wang & Pehlevan 2025 and of Vastola 2025 at once."""
