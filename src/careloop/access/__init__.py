"""Who may see what and why: tenants, principals, policy, credentials, the audit trail."""
