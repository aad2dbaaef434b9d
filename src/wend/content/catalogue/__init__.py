"""Products, courses, articles: reading, keeping, and having them at hand while messages are filled in."""
