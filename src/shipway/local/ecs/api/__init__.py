"""One handler per operation: read the request, change the records, return the reply."""
