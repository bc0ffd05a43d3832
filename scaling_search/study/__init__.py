"""The door for people who live in Python: a search as an object. Nothing in here prints."""
