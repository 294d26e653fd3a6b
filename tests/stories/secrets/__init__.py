"""What is secret: read late, sent once, compared by fingerprints, and shown to nobody."""
