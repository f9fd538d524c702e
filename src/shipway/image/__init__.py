"""How an image is named, and the steps that make it a release."""
