"""The surface that speaks SenseNova's API: chat completions, completions and models."""
