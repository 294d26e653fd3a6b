"""YAML as text: read fast, positions found, laid out anew, edited in place. The only user
of yaml.
"""
