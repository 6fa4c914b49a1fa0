"""What the centre wants of a box: settings, one action, a new firmware. settings.py and bundle.py are pure, store.py
keeps, sender.py is the service's thread. Nothing here is a fact that figures depend on, so it is not in the ledger.
"""
