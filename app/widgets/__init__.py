"""Streamlit in, domain value out: each module draws one control and returns or stores one frozen value."""
