"""Messages leave here: claimed from the outbox, rendered, checked once more, paced, handed over; and what people do comes back."""
