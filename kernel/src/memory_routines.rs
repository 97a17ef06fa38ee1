//! The C memory routines that compilers call: memcpy, memmove, memset, memcmp, bcmp; and strlen, which `core::ffi::CStr` calls.
//!
//! In assembler, because a compiler would turn a Rust loop of this kind into a call to itself. SSE with
//! unaligned accesses: up to 64 bytes without a loop, then 64 bytes a turn. `rep movsb` is not used: it is
//! slow to start on many processors and very slow under emulation.
//!
//! memmove and memcpy are one routine: everything that an overlap could destroy is loaded before the first
//! store. The macro takes a prefix, so that the tests can have the routines under other names than the ones
//! Linux needs for itself.

/// Defines the routines with `$prefix` before their names.
#[macro_export]
macro_rules! memory_routines {
    ($prefix:literal) => {
        core::arch::global_asm!(
            concat!(".globl ", $prefix, "memcpy"),
            concat!(".globl ", $prefix, "memmove"),
            concat!(".globl ", $prefix, "memset"),
            concat!(".globl ", $prefix, "memcmp"),
            concat!(".globl ", $prefix, "bcmp"),
            concat!(".globl ", $prefix, "strlen"),
            // strlen(rdi string) -> rax length; nothing that matters calls it
            ".p2align 4",
            concat!($prefix, "strlen:"),
            "xor eax, eax",
            "2: cmp byte ptr [rdi + rax], 0",
            "je 3f",
            "inc rax",
            "jmp 2b",
            "3: ret",
            // memcpy(rdi to, rsi from, rdx count) -> rax to
            ".p2align 4",
            concat!($prefix, "memcpy:"),
            concat!($prefix, "memmove:"),
            "mov rax, rdi",
            "cmp rdx, 16",
            "jb 4f",
            "cmp rdx, 32",
            "ja 1f",
            "movups xmm0, [rsi]",
            "movups xmm1, [rsi + rdx - 16]",
            "movups [rdi], xmm0",
            "movups [rdi + rdx - 16], xmm1",
            "ret",
            "1: cmp rdx, 64",
            "ja 2f",
            "movups xmm0, [rsi]",
            "movups xmm1, [rsi + 16]",
            "movups xmm2, [rsi + rdx - 32]",
            "movups xmm3, [rsi + rdx - 16]",
            "movups [rdi], xmm0",
            "movups [rdi + 16], xmm1",
            "movups [rdi + rdx - 32], xmm2",
            "movups [rdi + rdx - 16], xmm3",
            "ret",
            // More than 64: backwards if the target starts inside the source.
            "2: mov rcx, rdi",
            "sub rcx, rsi",
            "cmp rcx, rdx",
            "jb 3f",
            // Forwards: the last 64 bytes are loaded first and stored last.
            "movups xmm4, [rsi + rdx - 64]",
            "movups xmm5, [rsi + rdx - 48]",
            "movups xmm6, [rsi + rdx - 32]",
            "movups xmm7, [rsi + rdx - 16]",
            "lea r8, [rdi + rdx - 64]",
            "22: movups xmm0, [rsi]",
            "movups xmm1, [rsi + 16]",
            "movups xmm2, [rsi + 32]",
            "movups xmm3, [rsi + 48]",
            "movups [rdi], xmm0",
            "movups [rdi + 16], xmm1",
            "movups [rdi + 32], xmm2",
            "movups [rdi + 48], xmm3",
            "add rsi, 64",
            "add rdi, 64",
            "cmp rdi, r8",
            "jb 22b",
            "movups [r8], xmm4",
            "movups [r8 + 16], xmm5",
            "movups [r8 + 32], xmm6",
            "movups [r8 + 48], xmm7",
            "ret",
            // Backwards: the first 64 bytes are loaded first and stored last.
            "3: movups xmm4, [rsi]",
            "movups xmm5, [rsi + 16]",
            "movups xmm6, [rsi + 32]",
            "movups xmm7, [rsi + 48]",
            "33: movups xmm0, [rsi + rdx - 16]",
            "movups xmm1, [rsi + rdx - 32]",
            "movups xmm2, [rsi + rdx - 48]",
            "movups xmm3, [rsi + rdx - 64]",
            "movups [rdi + rdx - 16], xmm0",
            "movups [rdi + rdx - 32], xmm1",
            "movups [rdi + rdx - 48], xmm2",
            "movups [rdi + rdx - 64], xmm3",
            "sub rdx, 64",
            "cmp rdx, 64",
            "ja 33b",
            "movups [rdi], xmm4",
            "movups [rdi + 16], xmm5",
            "movups [rdi + 32], xmm6",
            "movups [rdi + 48], xmm7",
            "ret",
            // Fewer than 16.
            "4: cmp edx, 8",
            "jb 5f",
            "mov r8, [rsi]",
            "mov r9, [rsi + rdx - 8]",
            "mov [rdi], r8",
            "mov [rdi + rdx - 8], r9",
            "ret",
            "5: cmp edx, 4",
            "jb 6f",
            "mov r8d, [rsi]",
            "mov r9d, [rsi + rdx - 4]",
            "mov [rdi], r8d",
            "mov [rdi + rdx - 4], r9d",
            "ret",
            "6: test edx, edx",
            "jz 7f",
            "movzx r8d, byte ptr [rsi]",
            "cmp edx, 1",
            "je 8f",
            "movzx r9d, word ptr [rsi + rdx - 2]",
            "mov [rdi + rdx - 2], r9w",
            "8: mov [rdi], r8b",
            "7: ret",
            // memset(rdi to, sil byte, rdx count) -> rax to
            ".p2align 4",
            concat!($prefix, "memset:"),
            "mov rax, rdi",
            "movzx esi, sil",
            "movabs rcx, 0x0101010101010101",
            "imul rsi, rcx",
            "cmp rdx, 16",
            "jb 4f",
            "movq xmm0, rsi",
            "punpcklqdq xmm0, xmm0",
            "cmp rdx, 64",
            "ja 2f",
            "movups [rdi], xmm0",
            "movups [rdi + rdx - 16], xmm0",
            "cmp rdx, 32",
            "jbe 1f",
            "movups [rdi + 16], xmm0",
            "movups [rdi + rdx - 32], xmm0",
            "1: ret",
            "2: lea r8, [rdi + rdx - 64]",
            "22: movups [rdi], xmm0",
            "movups [rdi + 16], xmm0",
            "movups [rdi + 32], xmm0",
            "movups [rdi + 48], xmm0",
            "add rdi, 64",
            "cmp rdi, r8",
            "jb 22b",
            "movups [r8], xmm0",
            "movups [r8 + 16], xmm0",
            "movups [r8 + 32], xmm0",
            "movups [r8 + 48], xmm0",
            "ret",
            "4: cmp edx, 8",
            "jb 5f",
            "mov [rdi], rsi",
            "mov [rdi + rdx - 8], rsi",
            "ret",
            "5: cmp edx, 4",
            "jb 6f",
            "mov [rdi], esi",
            "mov [rdi + rdx - 4], esi",
            "ret",
            "6: test edx, edx",
            "jz 7f",
            "mov [rdi], sil",
            "mov [rdi + rdx - 1], sil",
            "shr edx, 1",
            "mov [rdi + rdx], sil",
            "7: ret",
            // memcmp(rdi left, rsi right, rdx count) -> eax: negative, zero, positive
            ".p2align 4",
            concat!($prefix, "memcmp:"),
            concat!($prefix, "bcmp:"),
            "xor ecx, ecx",
            "mov r8, rdx",
            "sub r8, 16",
            "jb 4f",
            "2: cmp rcx, r8",
            "cmova rcx, r8",
            "movdqu xmm0, [rdi + rcx]",
            "movdqu xmm1, [rsi + rcx]",
            "pcmpeqb xmm0, xmm1",
            "pmovmskb eax, xmm0",
            "xor eax, 0xffff",
            "jnz 3f",
            "add rcx, 16",
            "cmp rcx, rdx",
            "jb 2b",
            "xor eax, eax",
            "ret",
            "3: bsf eax, eax",
            "add rcx, rax",
            "movzx eax, byte ptr [rdi + rcx]",
            "movzx edx, byte ptr [rsi + rcx]",
            "sub eax, edx",
            "ret",
            "4: cmp rcx, rdx",
            "je 7f",
            "5: movzx eax, byte ptr [rdi + rcx]",
            "movzx r8d, byte ptr [rsi + rcx]",
            "sub eax, r8d",
            "jnz 6f",
            "inc rcx",
            "cmp rcx, rdx",
            "jb 5b",
            "6: ret",
            "7: xor eax, eax",
            "ret",
        );
    };
}

#[cfg(test)]
mod tests {
    use core::cmp::Ordering;
    use std::vec;
    use std::vec::Vec;

    memory_routines!("starling_test_");

    unsafe extern "C" {
        fn starling_test_memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8;
        fn starling_test_memmove(to: *mut u8, from: *const u8, count: usize) -> *mut u8;
        fn starling_test_memset(to: *mut u8, byte: i32, count: usize) -> *mut u8;
        fn starling_test_memcmp(left: *const u8, right: *const u8, count: usize) -> i32;
        fn starling_test_bcmp(left: *const u8, right: *const u8, count: usize) -> i32;
        fn starling_test_strlen(string: *const core::ffi::c_char) -> usize;
    }

    #[test]
    fn strlen_stops_at_the_first_zero() {
        for (string, length) in [(c"", 0), (c"a", 1), (c"a longer string", 15)] {
            // SAFETY: the string ends in a zero.
            let found = unsafe { starling_test_strlen(string.as_ptr()) };
            assert_eq!(found, length);
        }
    }

    fn pattern(length: usize) -> Vec<u8> {
        (0..length).map(|i| (i * 7 + i / 256) as u8).collect()
    }

    fn counts() -> impl Iterator<Item = usize> {
        (0..200).chain([255, 256, 257, 1000, 4095, 4096, 4097, 70_001])
    }

    #[test]
    fn memcpy_copies_exactly() {
        for count in counts() {
            let from = pattern(count + 2);
            let mut to = vec![0xee; count + 2];
            let target = to[1..].as_mut_ptr();
            // SAFETY: both buffers hold `count` bytes from offset 1.
            let returned = unsafe { starling_test_memcpy(target, from[1..].as_ptr(), count) };
            assert_eq!(returned, target);
            assert_eq!(to[1..=count], from[1..=count]);
            assert_eq!((to[0], to[count + 1]), (0xee, 0xee));
        }
    }

    #[test]
    fn memmove_survives_every_overlap() {
        for count in counts() {
            for distance in [1, 3, 8, 15, 16, 17, 31, 63, 64, 65, 127, 500] {
                let original = pattern(count + distance);
                let mut forwards = original.clone();
                let mut backwards = original.clone();
                // SAFETY: both buffers hold `count + distance` bytes.
                unsafe {
                    let base = forwards.as_mut_ptr();
                    starling_test_memmove(base, base.add(distance), count);
                    let base = backwards.as_mut_ptr();
                    starling_test_memmove(base.add(distance), base, count);
                }
                assert_eq!(
                    forwards[..count],
                    original[distance..],
                    "{count} by -{distance}"
                );
                assert_eq!(
                    backwards[distance..],
                    original[..count],
                    "{count} by {distance}"
                );
                assert_eq!(
                    backwards[..distance.min(count)],
                    original[..distance.min(count)]
                );
            }
        }
    }

    #[test]
    fn memset_sets_exactly() {
        for count in counts() {
            let mut to = vec![0x11; count + 2];
            // SAFETY: the buffer holds `count` bytes from offset 1. Only the low byte counts.
            unsafe { starling_test_memset(to[1..].as_mut_ptr(), 0x1a5, count) };
            assert!(to[1..=count].iter().all(|&byte| byte == 0xa5));
            assert_eq!((to[0], to[count + 1]), (0x11, 0x11), "{count}");
        }
    }

    #[test]
    fn memcmp_finds_the_first_difference() {
        for count in counts() {
            let left = pattern(count);
            // SAFETY: both buffers hold `count` bytes.
            let compare = |right: &[u8]| unsafe {
                starling_test_memcmp(left.as_ptr(), right.as_ptr(), count)
            };
            assert_eq!(compare(&left), 0);
            for position in (0..count).step_by(1 + count / 50) {
                let mut right = left.clone();
                right[position] ^= 0x80;
                if position + 1 < count {
                    right[count - 1] ^= 0xff;
                }
                let expected = left.cmp(&right);
                assert_eq!(compare(&right).cmp(&0), expected, "{count} at {position}");
                assert_ne!(expected, Ordering::Equal);
                // SAFETY: as above.
                let unequal = unsafe { starling_test_bcmp(left.as_ptr(), right.as_ptr(), count) };
                assert_ne!(unequal, 0);
            }
        }
    }
}
