"""The back door: what the UI, scripts and operators ask for. One file per noun under `/api`; pages/ for people; acts/ for what
the API and the command line both do. Importing this package loads nothing heavy.
"""
