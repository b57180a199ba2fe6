"""The catalogue as a whole: species, what ships with the program, and the workbook that fills it."""
