"""What a model would do: the built-in model, and the runs and responses that it answers."""
