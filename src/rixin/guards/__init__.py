"""What must not pass: the output schema, and a user's own checks."""
