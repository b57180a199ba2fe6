"""Content safety (内容安全): nothing that residents write or upload is shown to others before it was judged."""
