"""What a person takes along (PIPL 第四十五条): the sections of their copy that lie in other features."""
