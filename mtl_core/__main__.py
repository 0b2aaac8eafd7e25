"""python -m mtl_core VERB …"""
from mtl_core.cli import main

main()
