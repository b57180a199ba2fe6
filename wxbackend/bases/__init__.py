"""Planting bases (义务植树基地): places, prices, and what is open now."""
