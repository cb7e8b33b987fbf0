"""Reviews: which are owed and by when, and holding, publishing and waiving them."""
