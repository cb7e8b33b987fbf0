"""What people report: qualified by a governed table, and turned into the right kind of record."""
