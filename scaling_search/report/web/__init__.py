"""The page's drawings as inline SVG, from the same tables that the figures are drawn from."""
