"""The wiring: names things, owns no behaviour. Services are named here by string only."""
