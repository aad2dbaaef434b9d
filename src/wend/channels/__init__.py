"""How Wend speaks: one file per provider, both directions (contract.py), and the built-in inbox.

Adding a provider is one file, one line in `PROVIDERS`, and its cases as data in tests/channels/cases.
"""
