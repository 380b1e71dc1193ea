"""What a change costs a month, from the templates alone."""
