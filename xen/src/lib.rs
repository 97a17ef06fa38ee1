//! Xen PV interface (see the file-level essays of each module).
#![no_std]
