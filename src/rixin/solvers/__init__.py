"""What answers a case: rules, functions, commands, students, logs, cascades, people, models."""
