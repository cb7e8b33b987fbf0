"""The catalogue from files: previewed row by row, then done through the operations."""
