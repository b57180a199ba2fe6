"""Trees (一树一码): their numbers, codes, plates and public pages."""
