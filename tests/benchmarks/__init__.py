"""What the product costs beside a bare floor that does the same: `make bench`."""
