"""Conditions as SQL. `reader.to_sql` is the way in; every form has a function `(query, condition) → SQL of type boolean`.

Rules: SQL's own three values are the answer: true, false, and null for "cannot be told here, ask the state". `and`, `or` and
`not` then do what they should. So a missing value must be made false, and null stands only where it is meant.
"""
