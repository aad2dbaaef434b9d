"""The second reader: conditions asked of what is stored (profiles, log, membership …) instead of one state in memory.

Start at `members.py` (who fulfils a condition) and `size.py` (how many); `sql/` translates, one file per family of forms, as
core/condition does. Imports core and store only. docs/decisions/0010-two-readers.md says where the two readers may differ.
"""
