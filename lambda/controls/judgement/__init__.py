"""Whether something is to be ended, from what is known of it alone. Nothing in here asks AWS."""
