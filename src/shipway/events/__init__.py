"""Every event that a run publishes, and the stream that carries them to their readers."""
