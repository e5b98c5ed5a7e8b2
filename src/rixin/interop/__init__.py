"""Other files in and out: cases, scenario files."""
