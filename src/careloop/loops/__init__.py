"""The loop engine: pathways, facts and the clock give the state that every loop must be in; people work what is due."""
