"""The Agents API: saved agents, environment templates, vaults, automations and sessions."""
