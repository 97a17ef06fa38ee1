//! The atom table, and the atoms that the machine itself knows by name.
//!
//! An atom is an index into one growing table. [`predefined!`](crate) lists the names that Rust code uses
//! as constants of [`am`]; they are the first entries of every table, so
//! their indices are known when the machine is compiled.
//!
//! Invariant: an entry never changes or goes away; a name occurs once.

use crate::term::Atom;
use crate::term::external::Node;
use alloc::boxed::Box;
use alloc::vec::Vec;
use hashbrown::HashTable;

/// Most atoms a table may have (OTP's default of `+t`).
pub const ATOM_LIMIT: usize = 1_048_576;

/// Most characters of an atom (OTP: `MAX_ATOM_CHARACTERS`).
pub const MAX_ATOM_CHARACTERS: usize = 255;

/// Why there is no such atom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtomError {
    /// More than [`MAX_ATOM_CHARACTERS`] characters.
    TooLong,
    /// The table has as many entries as its limit allows: the end of the machine, as on OTP.
    TableFull,
    /// There is no memory for one more.
    NoMemory,
}

struct Entry {
    name: &'static str,
    hash: u32,
}

/// All atoms.
pub struct AtomTable {
    entries: Vec<Entry>,
    index: HashTable<u32>,
    /// Most atoms.
    pub limit: usize,
    /// The node that this machine is: here, because whoever prints, compares or writes terms has the table at hand.
    pub node: Node,
}

/// OTP's hash of an atom's name: the PJW hash over its bytes, where a two-byte UTF-8
/// sequence of a Latin-1 character counts as that one byte. `phash2` of an atom is this number.
pub fn atom_hash(name: &str) -> u32 {
    let mut hash: u32 = 0;
    let mut bytes = name.bytes().peekable();
    while let Some(byte) = bytes.next() {
        let mut value = byte as u32;
        if byte & 0xfe == 0xc2
            && let Some(second) = bytes.next()
        {
            value = ((byte as u32) << 6 | (second as u32 & 0x3f)) & 0xff;
        }
        hash = (hash << 4).wrapping_add(value);
        let high = hash & 0xf000_0000;
        if high != 0 {
            hash ^= high >> 24;
            hash ^= high;
        }
    }
    hash
}

/// OTP's hash spread over 64 bits: the index looks at the top ones, which the 28-bit hash leaves empty.
#[inline]
fn spread(hash: u32) -> u64 {
    (hash as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Atoms that a machine has soon after it has started: room for them is made at once.
const FIRST_ATOMS: usize = 1280;

impl AtomTable {
    /// A table with the predefined atoms.
    pub fn new() -> AtomTable {
        let mut table = AtomTable {
            limit: ATOM_LIMIT,
            node: Node::NONE,
            entries: Vec::with_capacity(FIRST_ATOMS),
            index: HashTable::with_capacity(FIRST_ATOMS),
        };
        for name in am::NAMES {
            // The predefined names are few, short and in memory already.
            let _ = table.insert_static(name);
        }
        table
    }

    fn position(&self, name: &str, hash: u32) -> Option<Atom> {
        self.index
            .find(spread(hash), |&i| self.entries[i as usize].name == name)
            .map(|&i| Atom(i))
    }

    /// As [`AtomTable::insert`], for a name of at most [`MAX_ATOM_CHARACTERS`] that is in memory for good.
    pub fn insert_static(&mut self, name: &'static str) -> Result<Atom, AtomError> {
        let hash = atom_hash(name);
        match self.position(name, hash) {
            Some(atom) => Ok(atom),
            None => self.add(name, hash),
        }
    }

    /// Adds a name that is not there.
    fn add(&mut self, name: &'static str, hash: u32) -> Result<Atom, AtomError> {
        if self.entries.len() >= self.limit {
            return Err(AtomError::TableFull);
        }
        let entries = &mut self.entries;
        entries.try_reserve(1).map_err(|_| AtomError::NoMemory)?;
        self.index
            .try_reserve(1, |&i| spread(entries[i as usize].hash))
            .map_err(|_| AtomError::NoMemory)?;
        let index = entries.len() as u32;
        entries.push(Entry { name, hash });
        self.index
            .insert_unique(spread(hash), index, |&i| spread(entries[i as usize].hash));
        Ok(Atom(index))
    }

    /// The atom called `name`, made if it is new.
    pub fn insert(&mut self, name: &str) -> Result<Atom, AtomError> {
        let hash = atom_hash(name);
        if let Some(atom) = self.position(name, hash) {
            return Ok(atom);
        }
        if name.len() > MAX_ATOM_CHARACTERS && name.chars().count() > MAX_ATOM_CHARACTERS {
            return Err(AtomError::TooLong);
        }
        // An atom lives as long as the machine.
        self.add(Box::leak(Box::from(name)), hash)
    }

    /// The atom called `name`, if there is one.
    pub fn find(&self, name: &str) -> Option<Atom> {
        self.position(name, atom_hash(name))
    }

    /// The name of `atom`.
    #[inline]
    pub fn name(&self, atom: Atom) -> &'static str {
        self.entries
            .get(atom.0 as usize)
            .map_or("", |entry| entry.name)
    }

    /// OTP's hash of the atom's name, see [`atom_hash`].
    pub fn hash(&self, atom: Atom) -> u32 {
        self.entries
            .get(atom.0 as usize)
            .map_or(0, |entry| entry.hash)
    }

    /// Bytes of the table and of the names in it.
    pub fn memory(&self) -> usize {
        let names: usize = self.entries.iter().map(|entry| entry.name.len()).sum();
        self.entries.capacity() * size_of::<Entry>() + self.index.capacity() * 4 + names
    }

    /// How many atoms there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Never true: the predefined atoms are always there.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl Default for AtomTable {
    fn default() -> Self {
        AtomTable::new()
    }
}

macro_rules! predefined {
    ($($constant:ident $name:literal)*) => {
        /// The predefined atoms.
        #[expect(missing_docs, reason = "each is the atom of its name")]
        pub mod am {
            use crate::term::Atom;
            #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "numbers the constants below")]
            #[repr(u32)]
            enum Index { $($constant),* }
            $(pub const $constant: Atom = Atom(Index::$constant as u32);)*
            pub(super) const NAMES: &[&str] = &[$($name),*];
        }
    };
}

// One line an atom, in the order of their names; add freely.
predefined! {
    FALSE "false"
    TRUE "true"
    EMPTY ""
    ALL "all"
    ALREADY_STARTED "already_started"
    APPLY "apply"
    ARGS "args"
    ASYNC "async"
    BADARG "badarg"
    BADARITH "badarith"
    BADARITY "badarity"
    BADFUN "badfun"
    BADKEY "badkey"
    BADMAP "badmap"
    BADMATCH "badmatch"
    BADRECORD "badrecord"
    BIG "big"
    BINARY "binary"
    CASE_CLAUSE "case_clause"
    CHARACTERS_TO_BINARY_INT "characters_to_binary_int"
    CHARACTERS_TO_LIST_INT "characters_to_list_int"
    CLOCK_SERVICE "clock_service"
    COMPACT "compact"
    COMPRESSED "compressed"
    DECIMALS "decimals"
    DETERMINISTIC "deterministic"
    DOWN "DOWN"
    DOWN_LOWER "down"
    ERLANG "erlang"
    ERROR "error"
    ERROR_HANDLER "error_handler"
    EXIT "EXIT"
    EXIT_LOWER "exit"
    FILE "file"
    FLUSH "flush"
    FUNCTION_CLAUSE "function_clause"
    HIGH "high"
    IF_CLAUSE "if_clause"
    INCOMPLETE "incomplete"
    INFINITY "infinity"
    INFO "info"
    INIT "init"
    IOVEC "iovec"
    ITERATOR "iterator"
    KILL "kill"
    KILLED "killed"
    LATIN1 "latin1"
    LINE "line"
    LINK "link"
    LITTLE "little"
    LOCAL "local"
    LOW "low"
    MAP_GET "map_get"
    MAX "max"
    MINOR_VERSION "minor_version"
    MONITOR "monitor"
    NOCATCH "nocatch"
    NOCONNECTION "noconnection"
    NONODE_NOHOST "nonode@nohost"
    NOPROC "noproc"
    NO_INTEGER "no_integer"
    NOT_A_LIST "not_a_list"
    NORMAL "normal"
    OK "ok"
    PROCESS "process"
    SAFE "safe"
    SCIENTIFIC "scientific"
    SYSTEM_LIMIT "system_limit"
    THROW "throw"
    TIMEOUT "timeout"
    TIMEOUT_VALUE "timeout_value"
    TRY_CLAUSE "try_clause"
    UNDEF "undef"
    BAND "band"
    BNOT "bnot"
    BOR "bor"
    BSL "bsl"
    BSR "bsr"
    BXOR "bxor"
    DIV "div"
    ELEMENT "element"
    HD "hd"
    MINUS "-"
    PLUS "+"
    REM "rem"
    TIMES "*"
    TL "tl"
    TUPLE_SIZE "tuple_size"
    MODULE "module"
    ERROR_INFO "error_info"
    ERL_ERTS_ERRORS "erl_erts_errors"
    ERL_STDLIB_ERRORS "erl_stdlib_errors"
    ERL_KERNEL_ERRORS "erl_kernel_errors"
    NONE "none"
    ATOMICS "atomics"
    COUNTERS "counters"
    PERSISTENT_TERM "persistent_term"
    ERTS_INTERNAL "erts_internal"
    ETS "ets"
    LISTS "lists"
    MAPS "maps"
    MATH "math"
    RE "re"
    UNICODE "unicode"
    OS "os"
    CAUSE "cause"
    FORMAT_BS_FAIL "format_bs_fail"
    FUNCTION "function"
    INTEGER "integer"
    FLOAT "float"
    USED "used"
    UTF8 "utf8"
    UTF16 "utf16"
    UTF32 "utf32"
    TYPE "type"
    SIZE "size"
    NO_FLOAT "no_float"
    INVALID "invalid"
    SHORT "short"
    UNIT "unit"
    AC "ac"
    BM "bm"
    GLOBAL "global"
    NOMATCH "nomatch"
    SCOPE "scope"
    TRIM "trim"
    TRIM_ALL "trim_all"
    PID "pid"
    NEW_INDEX "new_index"
    NEW_UNIQ "new_uniq"
    INDEX "index"
    UNIQ "uniq"
    NAME "name"
    ARITY "arity"
    ENV "env"
    EXTERNAL "external"
    ABORT "abort"
    ABS "abs"
    ALIAS "alias"
    ASYNCHRONOUS "asynchronous"
    ASYNC_DIST "async_dist"
    ATOM "atom"
    ATOM_USED "atom_used"
    BADOPT "badopt"
    BADTYPE "badtype"
    BIN_VHEAP_BLOCK_SIZE "bin_vheap_block_size"
    BIN_VHEAP_SIZE "bin_vheap_size"
    CANCEL_TIMER "cancel_timer"
    CATCHLEVEL "catchlevel"
    CODE "code"
    CONNECTED "connected"
    CURRENT_FUNCTION "current_function"
    CURRENT_LOCATION "current_location"
    CURRENT_STACKTRACE "current_stacktrace"
    DEMONITOR "demonitor"
    DICTIONARY "dictionary"
    ERROR_LOGGER "error_logger"
    ERROR_ONLY "error_only"
    EXITING "exiting"
    EXPLICIT_UNALIAS "explicit_unalias"
    FULLSWEEP_AFTER "fullsweep_after"
    GARBAGE_COLLECT "garbage_collect"
    GARBAGE_COLLECTION "garbage_collection"
    GARBAGE_COLLECTION_INFO "garbage_collection_info"
    GROUP_LEADER "group_leader"
    HEAP_BLOCK_SIZE "heap_block_size"
    HEAP_SIZE "heap_size"
    HIDDEN "hidden"
    INITIAL_CALL "initial_call"
    INPUT "input"
    INTERNAL "internal"
    KNOWN "known"
    LAST_CALLS "last_calls"
    LINKS "links"
    MAGIC_REF "magic_ref"
    MAJOR "major"
    MAX_HEAP_SIZE "max_heap_size"
    MBUF_SIZE "mbuf_size"
    MEMORY "memory"
    MESSAGES "messages"
    MESSAGE_QUEUE_DATA "message_queue_data"
    MESSAGE_QUEUE_LEN "message_queue_len"
    MINOR "minor"
    MINOR_GCS "minor_gcs"
    MIN_BIN_VHEAP_SIZE "min_bin_vheap_size"
    MIN_HEAP_SIZE "min_heap_size"
    MONITORED_BY "monitored_by"
    MONITORS "monitors"
    MONOTONIC "monotonic"
    NO "no"
    NOCONNECT "noconnect"
    NODEDOWN "nodedown"
    NOSUSPEND "nosuspend"
    NOTALIVE "notalive"
    OFF_HEAP "off_heap"
    OLD_HEAP_BLOCK_SIZE "old_heap_block_size"
    OLD_HEAP_SIZE "old_heap_size"
    ON_HEAP "on_heap"
    OUTPUT "output"
    PARENT "parent"
    PORT "port"
    POSITIVE "positive"
    PRIORITY "priority"
    PROCESSES "processes"
    PROCESSES_USED "processes_used"
    READ_TIMER "read_timer"
    RECENT_SIZE "recent_size"
    REDUCTIONS "reductions"
    REGISTERED_NAME "registered_name"
    REPLY "reply"
    REPLY_DEMONITOR "reply_demonitor"
    REPLY_TAG "reply_tag"
    RUNNABLE "runnable"
    RUNNING "running"
    SAVE_CALLS "save_calls"
    SCHEDULER "scheduler"
    SCHEDULERS_ONLINE "schedulers_online"
    SEND "send"
    SENSITIVE "sensitive"
    SEQUENTIAL_TRACE_TOKEN "sequential_trace_token"
    SPAWN_REPLY "spawn_reply"
    STACK_SIZE "stack_size"
    STATUS "status"
    SUCCESS_ONLY "success_only"
    SUSPENDED "suspended"
    SUSPENDING "suspending"
    SYSTEM "system"
    TAG "tag"
    THIS "this"
    TIME "time"
    TIME_OFFSET "time_offset"
    TOTAL "total"
    TOTAL_HEAP_SIZE "total_heap_size"
    TRACE "trace"
    TRAP_EXIT "trap_exit"
    UNLESS_SUSPENDING "unless_suspending"
    VISIBLE "visible"
    WAITING "waiting"
    WORDSIZE "wordsize"
    YES "yes"
    BLOCK "block"
    BLOCK_NORMAL "block_normal"
    MULTI_SCHEDULING "multi_scheduling"
    UNBLOCK "unblock"
    UNBLOCK_NORMAL "unblock_normal"

    // What the machine says, and requests between processes.
    INHERIT "inherit"
    LOGGER "logger"
    NOTSUP "notsup"
    BACKTRACE "backtrace"
    GL "gl"
    LOG "log"
    EMULATOR "emulator"
    WARNING_MSG "warning_msg"
    BIN_OLD_VHEAP_SIZE "bin_old_vheap_size"
    BIN_OLD_VHEAP_BLOCK_SIZE "bin_old_vheap_block_size"

    HIBERNATE "hibernate"
    EXPORTS "exports"
    ATTRIBUTES "attributes"
    COMPILE "compile"
    MD5 "md5"
    NATIVE "native"
    NIFS "nifs"
    FUNCTIONS "functions"
    UNDEFINED "undefined"
    VALUE "value"
    COUNT "count"
    MIN "min"
    SIGNED "signed"
    WRITE_CONCURRENCY "write_concurrency"

    // Terminals.
    STDIN "stdin"
    STDOUT "stdout"
    STDERR "stderr"
    EBADF "ebadf"
    CANON "canon"
    ECHO "echo"
    CONT "cont"
    WINCH "winch"
    NOT_PRINTABLE "not_printable"
    SELECT "select"
    READY_INPUT "ready_input"

    CHECK_GC "check_gc"

    // The boot of OTP.
    START "start"
    ERL_INIT "erl_init"
    ERTS_CODE_PURGER "erts_code_purger"
    ERTS_LITERAL_AREA_COLLECTOR "erts_literal_area_collector"
    ERTS_DIRTY_PROCESS_SIGNAL_HANDLER "erts_dirty_process_signal_handler"
    ERTS_TRACE_CLEANER "erts_trace_cleaner"

    // Management of code.
    BAD_LIB "bad_lib"
    LOAD_FAILED "load_failed"
    RELOAD "reload"
    UNDEFINED_FUNCTION "undefined_function"
    UNDEFINED_LAMBDA "undefined_lambda"
    DUPLICATED "duplicated"
    CHECK_PROCESS_CODE "check_process_code"
    NOT_PURGED "not_purged"
    ON_LOAD "on_load"
    BADFILE "badfile"
    PREPARE "prepare"
    PREPARE_ON_LOAD "prepare_on_load"
    COMPLETE "complete"
    COPY_LITERALS "copy_literals"
    NEED_GC "need_gc"
    NATIVE_ADDRESSES "native_addresses"

    // Files.
    APPEND "append"
    BOF "bof"
    CONTINUE "continue"
    CUR "cur"
    DEVICE "device"
    DIRECTORY "directory"
    DONT_NEED "dont_need"
    EOF "eof"
    EXCLUSIVE "exclusive"
    FILE_INFO "file_info"
    IGNORE "ignore"
    NO_REUSE "no_reuse"
    OTHER "other"
    RANDOM "random"
    READ "read"
    READ_WRITE "read_write"
    REGULAR "regular"
    SEQUENTIAL "sequential"
    SKIP_TYPE_CHECK "skip_type_check"
    SYMLINK "symlink"
    SYNC "sync"
    WARNING "warning"
    WILL_NEED "will_need"
    WRITE "write"

    // Byte buffers: prim_buffer.
    ACQUIRED "acquired"
    BUSY "busy"
    LOCK_ORDER_VIOLATION "lock_order_violation"
    NOT_FOUND "not_found"

    // Compression streams: zlib.
    NOT_ON_CONTROLLING_PROCESS "not_on_controlling_process"
    NOT_INITIALIZED "not_initialized"
    ALREADY_INITIALIZED "already_initialized"
    FINISHED "finished"
    NEED_DICTIONARY "need_dictionary"
    EMPTY_WORD "empty"
    STREAM_ERROR "stream_error"
    DATA_ERROR "data_error"
    BUF_ERROR "buf_error"
    MEM_ERROR "mem_error"

    // Trace messages, and the absence of a network.
    TRACE_STATUS "trace_status"
    REMOVE "remove"
    DISCARD "discard"
    EXTRA "extra"
    SEQ_TRACE "seq_trace"
    MATCH_SPEC_RESULT "match_spec_result"
    SCHEDULER_ID "scheduler_id"
    TIMESTAMP "timestamp"
    TRACE_TS "trace_ts"
    STRICT_MONOTONIC "strict_monotonic"
    CPU_TIMESTAMP "cpu_timestamp"
    ENODEV "enodev"
    ENXIO "enxio"
    ENOTSUP "enotsup"

    // Ports.
    STREAM "stream"
    USE_STDIO "use_stdio"
    NOUSE_STDIO "nouse_stdio"
    STDERR_TO_STDOUT "stderr_to_stdout"
    IN "in"
    OUT "out"
    EXIT_STATUS "exit_status"
    HIDE "hide"
    OVERLAPPED_IO "overlapped_io"
    PACKET "packet"
    ARG0 "arg0"
    CD "cd"
    PARALLELISM "parallelism"
    BUSY_LIMITS_PORT "busy_limits_port"
    BUSY_LIMITS_MSGQ "busy_limits_msgq"
    DISABLED "disabled"
    FD "fd"
    SPAWN "spawn"
    SPAWN_EXECUTABLE "spawn_executable"
    SPAWN_DRIVER "spawn_driver"
    DATA "data"
    EOL "eol"
    NOEOL "noeol"
    CLOSE "close"
    CLOSED "closed"
    COMMAND "command"
    CONNECT "connect"
    BADSIG "badsig"
    FORCE "force"
    ID "id"
    OS_PID "os_pid"
    LOCKING "locking"
    QUEUE_SIZE "queue_size"
    EINVAL "einval"

    // Regular expressions: re.
    RE_PATTERN "re_pattern"
    ANCHORED "anchored"
    NOTEMPTY "notempty"
    NOTEMPTY_ATSTART "notempty_atstart"
    NOTBOL "notbol"
    NOTEOL "noteol"
    NO_START_OPTIMIZE "no_start_optimize"
    CASELESS "caseless"
    DOLLAR_ENDONLY "dollar_endonly"
    DOTALL "dotall"
    EXTENDED "extended"
    FIRSTLINE "firstline"
    MULTILINE "multiline"
    NO_AUTO_CAPTURE "no_auto_capture"
    DUPNAMES "dupnames"
    UNGREEDY "ungreedy"
    UCP "ucp"
    NEVER_UTF "never_utf"
    REPORT_ERRORS "report_errors"
    BSR_ANYCRLF "bsr_anycrlf"
    BSR_UNICODE "bsr_unicode"
    CAPTURE "capture"
    OFFSET "offset"
    MATCH_LIMIT "match_limit"
    MATCH_LIMIT_RECURSION "match_limit_recursion"
    NEWLINE "newline"
    CR "cr"
    CRLF "crlf"
    LF "lf"
    ANYCRLF "anycrlf"
    ANY "any"
    LIST "list"
    ALL_BUT_FIRST "all_but_first"
    FIRST "first"
    ALL_NAMES "all_names"
    GRUN "grun"
    URUN "urun"
    UCOMPILE "ucompile"
    NAMELIST "namelist"
    MATCHED "match"
    INTERNAL_ERROR "internal_error"
    // ETS and match specifications
    ETS_TRANSFER "ETS-TRANSFER"
    END_OF_TABLE "$end_of_table"
    ACCESS "access"
    ALREADY_EXISTS "already_exists"
    AUTO "auto"
    BAG "bag"
    DECENTRALIZED_COUNTERS "decentralized_counters"
    DUPLICATE_BAG "duplicate_bag"
    EXCEPTION_TRACE "exception_trace"
    FIXED "fixed"
    HEIR "heir"
    KEYPOS "keypos"
    NAMED_TABLE "named_table"
    NODE "node"
    NOT_OWNER "not_owner"
    ORDERED_SET "ordered_set"
    OWNER "owner"
    POSITION "position"
    PRIVATE "private"
    PROTECTED "protected"
    PROTECTION "protection"
    PUBLIC "public"
    READ_CONCURRENCY "read_concurrency"
    RETURN_TRACE "return_trace"
    SAFE_FIXED "safe_fixed"
    SAFE_FIXED_MONOTONIC_TIME "safe_fixed_monotonic_time"
    SET "set"
    STATS "stats"
    TABLE "table"
    TABLE_TYPE "table_type"

    // Signals of the host; erl_ddll.
    ERL_SIGNAL_SERVER "erl_signal_server"
    NOTIFY "notify"
    DEFAULT "default"
    HANDLE "handle"
    LINKED_IN_DRIVER "linked_in_driver"
    OPEN_ERROR "open_error"
    INCONSISTENT "inconsistent"
    PERMANENT "permanent"
    NOT_LOADED "not_loaded"
    NOT_LOADED_BY_THIS_PROCESS "not_loaded_by_this_process"
    NOT_PENDING "not_pending"
    ALREADY_LOADED "already_loaded"
    PENDING_RELOAD "pending_reload"
    PENDING_PROCESS "pending_process"
    AWAITING_LOAD "awaiting_load"
    AWAITING_UNLOAD "awaiting_unload"
    PORT_COUNT "port_count"
    DRIVER_OPTIONS "driver_options"
    DRIVER "driver"
    LOADED "loaded"
    UNLOADED "unloaded"
    UNLOADED_ONLY "unloaded_only"
    UP "UP"
    PENDING "pending"
    PENDING_DRIVER "pending_driver"
    KILL_PORTS "kill_ports"

    // Distribution.
    NET_KERNEL "net_kernel"
    AUTO_CONNECT "auto_connect"
    CONNECTION_CLOSED "connection_closed"
    NET_KERNEL_TERMINATED "net_kernel_terminated"
    ABANDONED "abandoned"
    ALLOW_PASSIVE_CONNECT "allow_passive_connect"
    NODEUP "nodeup"
    NODEDOWN_REASON "nodedown_reason"
    CONNECTION_ID "connection_id"
    NODE_TYPE "node_type"
    DIST_CTRLR "dist_ctrlr"
    DIST_DATA "dist_data"
    SPAWN_REQUEST "spawn_request"
    GET_SIZE "get_size"

    // Items of process_info since OTP 27.
    LABEL "label"
    PROCESS_LABEL "$process_label"

    // Tracing.
    CONTROL "control"
    OPEN "open"
    BREAKPOINT "breakpoint"
    LEGACY "legacy"
    TRACER "tracer"
    ERL_TRACER "erl_tracer"
    RETURN_FROM "return_from"
    RETURN_TO "return_to"
    EXCEPTION_FROM "exception_from"
    CALL "call"
    SEND_TO_NON_EXISTING_PROCESS "send_to_non_existing_process"
    RECEIVE "receive"
    SPAWNED "spawned"
    GETTING_LINKED "getting_linked"
    GETTING_UNLINKED "getting_unlinked"
    UNLINK "unlink"
    REGISTER "register"
    UNREGISTER "unregister"
    OUT_EXITED "out_exited"
    OUT_EXITING "out_exiting"
    IN_EXITING "in_exiting"
    GC_MINOR_START "gc_minor_start"
    GC_MINOR_END "gc_minor_end"
    GC_MAJOR_START "gc_major_start"
    GC_MAJOR_END "gc_major_end"
    META "meta"
    CALL_COUNT "call_count"
    CALL_TIME "call_time"
    CALL_MEMORY "call_memory"
    MATCH_SPEC "match_spec"
    META_MATCH_SPEC "meta_match_spec"
    TRACED "traced"
    RESTART "restart"
    PAUSE "pause"
    UNDERSCORE "_"
    SESSION "session"
    FLAGS "flags"

    // What sockets send.
    INET_ASYNC "inet_async"
    INET_REPLY "inet_reply"
    EMPTY_OUT_Q "empty_out_q"
    TCP "tcp"
    TCP_CLOSED "tcp_closed"
    TCP_ERROR "tcp_error"
    TCP_PASSIVE "tcp_passive"
    UDP "udp"
    UDP_ERROR "udp_error"
    UDP_PASSIVE "udp_passive"
    HTTP "http"
    HTTPS "https"
    HTTP_REQUEST "http_request"
    HTTP_RESPONSE "http_response"
    HTTP_HEADER "http_header"
    HTTP_EOH "http_eoh"
    HTTP_ERROR "http_error"
    ABS_PATH "abs_path"
    ABSOLUTE_URI "absoluteURI"
    SCHEME "scheme"
    SSL_TLS "ssl_tls"

    // What comes beside messages of sockets, and a family.
    TOS "tos"
    TCLASS "tclass"
    TTL "ttl"
    UNSPEC "unspec"

    // Changes of the time offset.
    CHANGE "CHANGE"
    SYSTEM_TASK_TEST "system_task_test"
    PENDING_PURGE_LAMBDA "pending_purge_lambda"

    // Options of tables.
    DEBUG_HASH_FIXED_NUMBER_OF_LOCKS "debug_hash_fixed_number_of_locks"

    // fun_info/2.
    REFC "refc"
    // The runtime system's own: max_heap_size of OTP 27, system_monitor, system_profile, seq_trace, erts_debug.
    INCLUDE_SHARED_BINARIES "include_shared_binaries"
    LONG_GC "long_gc"
    LARGE_HEAP "large_heap"
    LONG_SCHEDULE "long_schedule"
    LONG_MESSAGE_QUEUE "long_message_queue"
    BUSY_PORT "busy_port"
    BUSY_DIST_PORT "busy_dist_port"
    PROFILE "profile"
    PRINT "print"
    SEQUENTIAL_TRACER "sequential_tracer"
    ACTIVE "active"
    INACTIVE "inactive"
    // Calls that `process_flag(save_calls, _)` leaves out.
    YIELD "yield"
    // port_info(_, locking).
    PORT_LEVEL "port_level"
    DRIVER_LEVEL "driver_level"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predefined_atoms_are_where_the_constants_say() {
        let table = AtomTable::new();
        assert_eq!(table.name(am::UNDEFINED), "undefined");
        assert_eq!(table.find("true"), Some(am::TRUE));
        assert_eq!(table.len(), am::NAMES.len());
    }

    #[test]
    fn a_name_has_one_atom_and_a_limit() {
        let mut table = AtomTable::new();
        let new = table.insert("new atom").unwrap();
        assert_eq!(table.insert("new atom"), Ok(new));
        assert_eq!(
            table.insert(&"å".repeat(255)).map(|a| table.name(a).len()),
            Ok(510)
        );
        assert_eq!(table.insert(&"a".repeat(256)), Err(AtomError::TooLong));
    }
}
