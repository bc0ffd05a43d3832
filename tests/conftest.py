"""Makes the helpers beside this file importable from every test (pytest puts this folder on the path)."""
