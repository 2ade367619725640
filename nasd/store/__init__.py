"""The catalogue: everything that was learned, in SQL, behind one write lane."""
