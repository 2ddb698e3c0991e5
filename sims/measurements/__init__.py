"""What is measured on samples and trained models, each number with its standard error."""
