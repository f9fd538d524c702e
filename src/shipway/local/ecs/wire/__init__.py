"""The protocols AWS clients speak: JSON 1.1 and query/XML, both checked by botocore's shapes."""
