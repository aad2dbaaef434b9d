"""What messages say: templates, how they are compiled and rendered, and the links inside them."""
