"""Who may see and do what in the web application: roles, accounts, second factor, audit log.

Passwords, sessions, tokens and throttling are Django's, allauth's and axes' work; nothing of the kind is written here.
"""
