"""Problems, goals, activities and the shared plan."""
