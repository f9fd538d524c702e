"""What a release looks like in an environment, how it gets there, and whether it is well."""
