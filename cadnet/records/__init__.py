"""What is recorded of a finished run, in the forms that other programs read."""
