"""Looks at a repository and drafts its `shipway.yaml`; it takes paths and texts, never a disk."""
