"""Administrative regions (行政区划): the tree that everything else hangs in."""
