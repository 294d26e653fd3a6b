"""What is wrong with a spec, in plain words: where it stands, what to write instead."""
