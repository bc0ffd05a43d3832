"""How a network is trained: recipes as data (`recipe`, no torch) and one loop (`loop`)."""
