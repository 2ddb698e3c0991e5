"""What theory and simulation both mean by a word, and nothing that is a result."""
