"""Results as text and JSON: pure functions that return strings; all of them walk the same Plan."""
