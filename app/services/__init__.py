"""Cached calls into mtl_core: the only st.cache_* of the project.

What is cached is shared by all visitors and never changed.
"""
