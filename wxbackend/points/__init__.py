"""Points (积分): green points (绿色积分) and honour (荣誉值)."""
