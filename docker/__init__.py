"""How the image is made, measured and listed. Only careway.py goes into it."""
