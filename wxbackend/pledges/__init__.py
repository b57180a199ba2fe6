"""Pledges: 认种 (plant), 认捐 (donate), 认养 (adopt), from the first wish until they are paid, cancelled or expired."""
