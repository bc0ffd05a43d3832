"""How a search runs: points become candidates, asks become jobs, readings a journal."""
