"""Server-rendered pages for development, until the real UI replaces them: no script, no request to anybody else, all text escaped.

Who may see them: security.page_guard (open on loopback without a password, HTTP Basic with one).
"""
