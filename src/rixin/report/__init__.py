"""Writes a verdict down: terminal text, Markdown, JSON, one HTML file, notebook fragment."""
