"""What journeys have done outside besides messages, one file for each kind: calls of services, coupons, audiences, alerts.

`runner.py` takes the rows out of the outbox and sees to it that each is answered exactly once (engine.md 5, 8, 9).
"""
