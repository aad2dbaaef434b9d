"""What can be learned from all people together: numbers that are published as settings (engine.md 20), never decisions."""
