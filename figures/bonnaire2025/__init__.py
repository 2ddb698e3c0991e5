"""Figures of Bonnaire, Urfin, Biroli & Mézard 2025."""
