"""Proposition 5.1 of Vastola 2025 in trained models: the V-kernel, predicted and measured."""
