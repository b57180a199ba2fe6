"""乡树: the backend of 认种 (plant), 认捐 (donate) and 认养 (adopt). Import what you need from its features."""
