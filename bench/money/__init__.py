"""What the controls save: one month of a team, played under no controls, AWS's own, Sluice's, and with foresight."""
