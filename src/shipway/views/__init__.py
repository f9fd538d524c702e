"""The only writers: words for people, lines of JSON for machines. They read, they never act."""
