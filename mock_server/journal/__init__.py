"""What was asked of a world and what it answered: kept, told, found, waited for."""
