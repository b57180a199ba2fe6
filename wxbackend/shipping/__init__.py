"""Shipping information (发货信息): what WeChat wants to hear of a paid order before it lets the money go."""
