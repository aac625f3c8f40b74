"""What is required: one module for each role, read as a table."""
