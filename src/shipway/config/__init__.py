"""`shipway.yaml`: one typed schema, loaded with every problem at once, and its documentation."""
