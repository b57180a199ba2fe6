"""Tools for developers and demonstrations; production never imports them."""
