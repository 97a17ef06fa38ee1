//! POSIX errors: Linux's numbers, OTP's atoms.
//!
//! The numbers are those of Linux on x86-64, so that what the host says is passed on as it is. The names are those that OTP
//! gives its users in `{error, Reason}`.

use crate::memory::NoMemory;
use core::fmt;

/// An error of a file system.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Errno(pub i32);

macro_rules! errors {
    ($($name:ident $number:literal $atom:literal)*) => {
        /// The errors, by the names of `errno.h`.
        #[allow(missing_docs)]
        impl Errno {
            $(pub const $name: Errno = Errno($number);)*
        }

        const NAMES: &[(i32, &str)] = &[$(($number, $atom)),*];
    };
}

errors! {
    EPERM 1 "eperm"
    ENOENT 2 "enoent"
    ESRCH 3 "esrch"
    EINTR 4 "eintr"
    EIO 5 "eio"
    ENXIO 6 "enxio"
    E2BIG 7 "e2big"
    ENOEXEC 8 "enoexec"
    EBADF 9 "ebadf"
    ECHILD 10 "echild"
    EAGAIN 11 "eagain"
    ENOMEM 12 "enomem"
    EACCES 13 "eacces"
    EFAULT 14 "efault"
    ENOTBLK 15 "enotblk"
    EBUSY 16 "ebusy"
    EEXIST 17 "eexist"
    EXDEV 18 "exdev"
    ENODEV 19 "enodev"
    ENOTDIR 20 "enotdir"
    EISDIR 21 "eisdir"
    EINVAL 22 "einval"
    ENFILE 23 "enfile"
    EMFILE 24 "emfile"
    ENOTTY 25 "enotty"
    ETXTBSY 26 "etxtbsy"
    EFBIG 27 "efbig"
    ENOSPC 28 "enospc"
    ESPIPE 29 "espipe"
    EROFS 30 "erofs"
    EMLINK 31 "emlink"
    EPIPE 32 "epipe"
    EDOM 33 "edom"
    ERANGE 34 "erange"
    EDEADLK 35 "edeadlk"
    ENAMETOOLONG 36 "enametoolong"
    ENOLCK 37 "enolck"
    ENOSYS 38 "enosys"
    ENOTEMPTY 39 "enotempty"
    ELOOP 40 "eloop"
    ENOMSG 42 "enomsg"
    EIDRM 43 "eidrm"
    ECHRNG 44 "echrng"
    EL2NSYNC 45 "el2nsync"
    EL3HLT 46 "el3hlt"
    EL3RST 47 "el3rst"
    ELNRNG 48 "elnrng"
    EUNATCH 49 "eunatch"
    ENOCSI 50 "enocsi"
    EL2HLT 51 "el2hlt"
    EBADE 52 "ebade"
    EBADR 53 "ebadr"
    EXFULL 54 "exfull"
    ENOANO 55 "enoano"
    EBADRQC 56 "ebadrqc"
    EBADSLT 57 "ebadslt"
    EBFONT 59 "ebfont"
    ENOSTR 60 "enostr"
    ENODATA 61 "enodata"
    ETIME 62 "etime"
    ENOSR 63 "enosr"
    ENONET 64 "enonet"
    ENOPKG 65 "enopkg"
    EREMOTE 66 "eremote"
    ENOLINK 67 "enolink"
    EADV 68 "eadv"
    ESRMNT 69 "esrmnt"
    ECOMM 70 "ecomm"
    EPROTO 71 "eproto"
    EMULTIHOP 72 "emultihop"
    EDOTDOT 73 "edotdot"
    EBADMSG 74 "ebadmsg"
    EOVERFLOW 75 "eoverflow"
    ENOTUNIQ 76 "enotuniq"
    EBADFD 77 "ebadfd"
    EREMCHG 78 "eremchg"
    ELIBACC 79 "elibacc"
    ELIBBAD 80 "elibbad"
    ELIBSCN 81 "elibscn"
    ELIBMAX 82 "elibmax"
    ELIBEXEC 83 "elibexec"
    EILSEQ 84 "eilseq"
    ERESTART 85 "erestart"
    ESTRPIPE 86 "estrpipe"
    EUSERS 87 "eusers"
    ENOTSOCK 88 "enotsock"
    EDESTADDRREQ 89 "edestaddrreq"
    EMSGSIZE 90 "emsgsize"
    EPROTOTYPE 91 "eprototype"
    ENOPROTOOPT 92 "enoprotoopt"
    EPROTONOSUPPORT 93 "eprotonosupport"
    ESOCKTNOSUPPORT 94 "esocktnosupport"
    ENOTSUP 95 "enotsup"
    EPFNOSUPPORT 96 "epfnosupport"
    EAFNOSUPPORT 97 "eafnosupport"
    EADDRINUSE 98 "eaddrinuse"
    EADDRNOTAVAIL 99 "eaddrnotavail"
    ENETDOWN 100 "enetdown"
    ENETUNREACH 101 "enetunreach"
    ENETRESET 102 "enetreset"
    ECONNABORTED 103 "econnaborted"
    ECONNRESET 104 "econnreset"
    ENOBUFS 105 "enobufs"
    EISCONN 106 "eisconn"
    ENOTCONN 107 "enotconn"
    ESHUTDOWN 108 "eshutdown"
    ETOOMANYREFS 109 "etoomanyrefs"
    ETIMEDOUT 110 "etimedout"
    ECONNREFUSED 111 "econnrefused"
    EHOSTDOWN 112 "ehostdown"
    EHOSTUNREACH 113 "ehostunreach"
    EALREADY 114 "ealready"
    EINPROGRESS 115 "einprogress"
    ESTALE 116 "estale"
    EUCLEAN 117 "euclean"
    ENOTNAM 118 "enotnam"
    ENAVAIL 119 "enavail"
    EISNAM 120 "eisnam"
    EREMOTEIO 121 "eremoteio"
    EDQUOT 122 "edquot"
    ENOMEDIUM 123 "enomedium"
    EMEDIUMTYPE 124 "emediumtype"
    ECANCELED 125 "ecanceled"
    ENOKEY 126 "enokey"
    EKEYEXPIRED 127 "ekeyexpired"
    EKEYREVOKED 128 "ekeyrevoked"
    EKEYREJECTED 129 "ekeyrejected"
    EOWNERDEAD 130 "eownerdead"
    ENOTRECOVERABLE 131 "enotrecoverable"
    ERFKILL 132 "erfkill"
}

impl Errno {
    /// The atom that OTP's users see; `unknown` for numbers that Linux does not have.
    pub fn name(self) -> &'static str {
        let found = NAMES.binary_search_by_key(&self.0, |&(number, _)| number);
        found.map_or("unknown", |index| NAMES[index].1)
    }
}

impl From<NoMemory> for Errno {
    fn from(_: NoMemory) -> Errno {
        Errno::ENOMEM
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found() {
        assert!(NAMES.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(Errno::ENOENT.name(), "enoent");
        assert_eq!(Errno(95).name(), "enotsup");
        assert_eq!(Errno(0).name(), "unknown");
        assert_eq!(Errno(41).name(), "unknown");
    }
}
