"""Messages, reminders, consent to contact, channels."""
