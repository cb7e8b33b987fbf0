"""What responders learn in an incident, proposed to the owners of the catalogue."""
