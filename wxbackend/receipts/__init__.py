"""Donation receipts (公益事业捐赠票据): asked for here, made by the finance system, their numbers kept."""
