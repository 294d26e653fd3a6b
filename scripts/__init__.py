"""What helps to work on the project; nothing of it is installed."""
