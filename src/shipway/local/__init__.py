"""The embedded default: the same path on one machine, with no AWS account."""
