//! What a node says it is capable of when it connects (`DFLAG_*`), as numbers of the handshake.
//!
//! Names and values are those of "Distribution Flags" in the document "Distribution Protocol" of erts. The handshake itself is Erlang code
//! (`dist_util`), which asks [`DEFAULT`] and the sets below of `erts_internal:get_dflags/0`.

/// The node is visible to others: `nodes/0` has it.
pub const PUBLISHED: u64 = 0x1;
const ATOM_CACHE: u64 = 0x2;
const EXTENDED_REFERENCES: u64 = 0x4;
const DIST_MONITOR: u64 = 0x8;
const FUN_TAGS: u64 = 0x10;
const DIST_MONITOR_NAME: u64 = 0x20;
const HIDDEN_ATOM_CACHE: u64 = 0x40;
const NEW_FUN_TAGS: u64 = 0x80;
const EXTENDED_PIDS_PORTS: u64 = 0x100;
const EXPORT_PTR_TAG: u64 = 0x200;
const BIT_BINARIES: u64 = 0x400;
const NEW_FLOATS: u64 = 0x800;
/// It understands Unicode in the I/O protocol.
pub const UNICODE_IO: u64 = 0x1000;
/// Messages begin with a header that refers to a cache of atoms.
pub const DIST_HDR_ATOM_CACHE: u64 = 0x2000;
const SMALL_ATOM_TAGS: u64 = 0x4000;
const UTF8_ATOMS: u64 = 0x1_0000;
const MAP_TAG: u64 = 0x2_0000;
const BIG_CREATION: u64 = 0x4_0000;
/// Messages name their sender.
pub const SEND_SENDER: u64 = 0x8_0000;
const BIG_SEQTRACE_LABELS: u64 = 0x10_0000;
/// Exit reasons stand behind the control message.
pub const EXIT_PAYLOAD: u64 = 0x40_0000;
/// Long messages come in pieces.
pub const FRAGMENTS: u64 = 0x80_0000;
const HANDSHAKE_23: u64 = 0x100_0000;
/// Ends of links are acknowledged.
pub const UNLINK_ID: u64 = 0x200_0000;
const MANDATORY_25_DIGEST: u64 = 0x400_0000;
/// It starts processes on request.
pub const SPAWN: u64 = 1 << 32;
const V4_NC: u64 = 4 << 32;
/// It has aliases.
pub const ALIAS: u64 = 8 << 32;

const MANDATORY_25: u64 = EXTENDED_REFERENCES
    | FUN_TAGS
    | EXTENDED_PIDS_PORTS
    | UTF8_ATOMS
    | NEW_FUN_TAGS
    | BIG_CREATION
    | NEW_FLOATS
    | MAP_TAG
    | EXPORT_PTR_TAG
    | BIT_BINARIES
    | HANDSHAKE_23;

/// What a node of `release` must be capable of to be talked to.
pub const fn mandatory(release: u32) -> u64 {
    if release >= 26 {
        MANDATORY_25 | V4_NC | UNLINK_ID
    } else {
        MANDATORY_25
    }
}

/// All that this machine is capable of.
pub const DEFAULT: u64 = MANDATORY_25
    | V4_NC
    | UNLINK_ID
    | DIST_MONITOR
    | DIST_MONITOR_NAME
    | SPAWN
    | ALIAS
    | UNICODE_IO
    | DIST_HDR_ATOM_CACHE
    | SMALL_ATOM_TAGS
    | SEND_SENDER
    | BIG_SEQTRACE_LABELS
    | EXIT_PAYLOAD
    | FRAGMENTS
    | MANDATORY_25_DIGEST;

/// What a carrier of the protocol may do without.
pub const REJECTABLE: u64 = DIST_HDR_ATOM_CACHE | HIDDEN_ATOM_CACHE | FRAGMENTS | ATOM_CACHE;

/// What needs a carrier that keeps the order.
pub const STRICT_ORDER: u64 = DIST_HDR_ATOM_CACHE;
