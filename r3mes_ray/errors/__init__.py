"""Every error that leaves a function of this package.

    R3mesError
    ├── ConfigError                 a setting, flag or file of settings is wrong
    ├── InvalidInput                outside text or bytes that a parser refuses
    │   ├── InvalidCid
    │   ├── InvalidAddress
    │   └── PackageRejected         an adapter package or payload that breaks a rule
    ├── ContentError
    │   ├── ContentNotFound         no store that was asked has the block
    │   ├── ContentCorrupt          bytes do not have the hash that their CID promises
    │   ├── ContentMalformed        right hash, but not a file, directory or node that we read
    │   ├── ContentTooLarge         a limit on bytes, blocks, depth or links was reached
    │   ├── ContentTimeout          a block did not arrive in time
    │   ├── ContentUnavailable      a daemon or gateway cannot be reached, or talks nonsense
    │   ├── ContentReadOnly         the configured store can only be read
    │   └── StoreFull               pinned content fills the store's size limit
    ├── ChainError
    │   ├── ChainUnavailable        no node answers at the address
    │   ├── ChainMismatch           the node is of another chain
    │   ├── GenesisConflict         a home's chain began from another genesis
    │   ├── ChainCorrupt            the embedded chain's database was changed or torn
    │   ├── ChainWriteFailed        the disk did not take a block
    │   ├── NotOnChain              the record that was asked for does not exist
    │   ├── FaucetRefused           a faucet of a test network does not pay now
    │   ├── TxRejected              the chain refused the transaction, with its code
    │   └── TxUnknown               sent, and neither included nor refused in time
    ├── KeyringError
    │   ├── KeyNotFound
    │   ├── KeyExists
    │   └── WrongPassphrase
    ├── ClaimDiffers                a value that is said to follow from others does not
    ├── ModelError                  a model folder cannot be used
    ├── RoundError
    │   ├── RoundClosed             the phase that an action needs is over (or not begun)
    │   ├── TooFewUpdates           fewer valid updates than the rule needs
    │   ├── InvalidAggregate        the rule and the outer step give no adapter, whoever computes them
    │   ├── WorkLost                workers of the cluster died again and again
    │   ├── NotFraud                an honest aggregate is not challenged
    │   ├── NoRound                 no round took an update in time
    │   ├── RoundBusy               another process works on the round
    │   └── JournalDamaged          a round's journal cannot be read
    ├── ServingError
    │   ├── ExpertNotFound
    │   ├── PromptTooLong
    │   ├── QueueFull               back-pressure: try again later
    │   ├── DeadlineExceeded
    │   ├── ServingUnavailable      starting or stopping: another try may succeed
    │   ├── SelfCheckFailed         an engine does not compute what an adapter says
    │   ├── GatewayUnreachable      no gateway answers at the address
    │   └── GatewayRefused          a gateway's own error, as its client sees it
    └── NodeError
        ├── PortBusy
        ├── SpillFailed             the temporary folder does not take what has no room in memory
        ├── AlreadyRunning
        ├── NotRunning
        ├── CommandFailed           a command that this one started ended with an error
        └── DemoFailed              the demo does not show what it claims

To add one: put it under the error whose handling it shares, inherit the matching standard error, pass every constructor
argument to `super().__init__` (an error that crosses Ray is pickled by its arguments), write the text in `__str__`, the
reader's next step in `hint`, and add it to the drawing. A test pickles every leaf.
"""

from r3mes_ray.errors.base import (
    ClaimDiffers,
    ConfigError,
    InvalidAddress,
    InvalidCid,
    InvalidInput,
    ModelError,
    PackageRejected,
    R3mesError,
)
from r3mes_ray.errors.chain import (
    ChainCorrupt,
    ChainError,
    ChainMismatch,
    ChainUnavailable,
    ChainWriteFailed,
    FaucetRefused,
    GenesisConflict,
    InvalidAggregate,
    JournalDamaged,
    KeyExists,
    KeyNotFound,
    KeyringError,
    NoRound,
    NotFraud,
    NotOnChain,
    RoundBusy,
    RoundClosed,
    RoundError,
    TooFewUpdates,
    TxRejected,
    TxUnknown,
    WorkLost,
    WrongPassphrase,
)
from r3mes_ray.errors.content import (
    ContentCorrupt,
    ContentError,
    ContentMalformed,
    ContentNotFound,
    ContentReadOnly,
    ContentTimeout,
    ContentTooLarge,
    ContentUnavailable,
    StoreFull,
)
from r3mes_ray.errors.node import (
    AlreadyRunning,
    CommandFailed,
    DeadlineExceeded,
    DemoFailed,
    ExpertNotFound,
    GatewayRefused,
    GatewayUnreachable,
    NodeError,
    NotRunning,
    PortBusy,
    PromptTooLong,
    QueueFull,
    SelfCheckFailed,
    ServingError,
    ServingUnavailable,
    SpillFailed,
)

__all__ = [
    "AlreadyRunning",
    "ChainCorrupt",
    "ChainError",
    "ChainMismatch",
    "ChainUnavailable",
    "ChainWriteFailed",
    "ClaimDiffers",
    "CommandFailed",
    "ConfigError",
    "ContentCorrupt",
    "ContentError",
    "ContentMalformed",
    "ContentNotFound",
    "ContentReadOnly",
    "ContentTimeout",
    "ContentTooLarge",
    "ContentUnavailable",
    "DeadlineExceeded",
    "DemoFailed",
    "ExpertNotFound",
    "FaucetRefused",
    "GatewayRefused",
    "GatewayUnreachable",
    "GenesisConflict",
    "InvalidAddress",
    "InvalidAggregate",
    "InvalidCid",
    "InvalidInput",
    "JournalDamaged",
    "KeyExists",
    "KeyNotFound",
    "KeyringError",
    "ModelError",
    "NoRound",
    "NodeError",
    "NotFraud",
    "NotOnChain",
    "NotRunning",
    "PackageRejected",
    "PortBusy",
    "PromptTooLong",
    "QueueFull",
    "R3mesError",
    "RoundBusy",
    "RoundClosed",
    "RoundError",
    "SelfCheckFailed",
    "ServingError",
    "ServingUnavailable",
    "SpillFailed",
    "StoreFull",
    "TooFewUpdates",
    "TxRejected",
    "TxUnknown",
    "WorkLost",
    "WrongPassphrase",
]
