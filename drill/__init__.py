"""`make drill`: what takes minutes. Faults made for real on real servers; each drill adds rows to the table at the end."""
