"""Refunds (退款): asked for, decided by a second person, paid by WeChat; what the payment brought is taken back."""
