"""Figures that test Xu, Tong & Jaakkola 2023, the stable target field."""
