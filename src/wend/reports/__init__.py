"""COUNT and look up: read-only questions to the database, for the API, the pages and the command line alike."""
