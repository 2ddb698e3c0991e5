"""What target noise does to what is learned: denoising score matching against regression on the exact score."""
