"""The average learned distribution of Vastola 2025, predicted and trained, by F/P."""
