"""Parts of the product measured from within: each script prints the seconds, or bytes, that its
part took.
"""
