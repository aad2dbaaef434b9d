"""REMEMBER: everything that Wend keeps, in PostgreSQL; the only room that writes SQL for the hot path."""
