"""Who may send which release where, and which one to return to."""
