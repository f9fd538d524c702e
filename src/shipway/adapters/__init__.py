"""One file for each outside thing; each knows ports, model, events and errors, never the story."""
