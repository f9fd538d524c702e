"""The vocabulary: services, releases, environments and what was observed; pure, frozen, typed."""
