"""Live adapters to WeChat: the mini-program's server interface and WeChat Pay API v3, behind ``core.ports``."""
