"""Plans become deeds here, through ports, and every deed is told to the stream."""
