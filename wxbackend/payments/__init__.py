"""Money arriving: orders at WeChat Pay, notifications, queries, and what follows from them."""
