"""From members to calibrated bands, and where they may be trusted."""
