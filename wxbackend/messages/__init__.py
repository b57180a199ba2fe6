"""What residents are told: the inbox, the subscribe messages that go with it, and what WeChat tells us by push."""
