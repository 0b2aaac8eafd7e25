"""The pages, one script each: choose (widgets), ask (services), show (figures)."""
