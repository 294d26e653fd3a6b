"""Speed as ratios: each row measures the product against something simple, side by side in
one run.
"""
