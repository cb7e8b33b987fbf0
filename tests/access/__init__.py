"""Who gets in where: every route of API and admin, for everybody who might try."""
