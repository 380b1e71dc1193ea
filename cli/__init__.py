"""`sluice`: the command line over the platform's parts."""
