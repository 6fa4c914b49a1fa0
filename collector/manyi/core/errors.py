"""Every error that the core raises on purpose, split by who must act. Anything else that escapes is a bug.

ManyiError
├── SetupError       whoever installs: configuration, key files, file modes, a port that is taken
├── InputError       whoever typed or handed in a file: a wrong date, an unknown day, a wrong CSV
├── LedgerError      the administrator: the ledger cannot be opened, or is not one of ours
│   └── CopyError    whoever wrote: it is a copy of another zone's ledger, and changes there alone
└── EvidenceError    the auditor: what was checked does not agree (verify, account)

Messages say what was found and what to do, in one or more plain lines.
"""


class ManyiError(Exception):
    """Root of the tree; never raised itself. `exit_code` is what the command line ends with."""

    exit_code = 2


class SetupError(ManyiError):
    """The installation has to be changed. Carries every problem found, not only the first."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class InputError(ManyiError):
    """The caller has to ask for something else."""


class LedgerError(ManyiError):
    """The ledger file has to be looked at."""


class CopyError(LedgerError):
    """The ledger is a copy; what is to be written belongs into the collecting zone."""


class EvidenceError(ManyiError):
    """Figures or chains do not agree."""

    exit_code = 1
