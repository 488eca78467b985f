"""Staff screens: one module and one template each."""
