"""Mini-program codes (小程序码): the round codes that WeChat draws, asked for once and kept."""
