"""What it costs: token prices with date and source, and the price of this machine's time."""
