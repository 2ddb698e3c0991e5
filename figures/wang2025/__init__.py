"""Figures that test Wang & Pehlevan 2025."""
