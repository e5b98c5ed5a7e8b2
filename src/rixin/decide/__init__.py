"""Policy: what the stored counts mean for the promise, the money and the decision. Pure."""
