"""The detector as rows and columns: one module for each header of interface/, the same numbers."""
