"""How much of what other converters say of an HL7 v2 message ours says too: facts compared, not bytes."""
