"""Pure decisions about medicines: values in, values out."""
