"""Campaigns (认种认捐项目): who may take money, on what ground, and when."""
