"""The closed union of steps, and the Plan that holds them in order."""
