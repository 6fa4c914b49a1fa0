"""manyi (满意): the collector, the ledger and the wall of a satisfaction-button system."""

__version__ = "0.1.0"
