"""The surface that speaks OpenAI's API."""
