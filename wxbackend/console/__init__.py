"""The staff site (管理后台): server-rendered pages, no script, nothing from outside."""
