"""AWS's prices, as a table of the platform has them."""
