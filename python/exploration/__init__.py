"""What is in the files, before any training."""
