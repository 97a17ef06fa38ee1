#![no_std]
#![no_main]
use core::arch::global_asm;
use core::ptr::NonNull;
use starling_xen::elfnote::{Note, NoteType, feature, text};
use starling_xen::start_info::{ConsoleKind, StartInfo};
use starling_xen::{console, mmu, sched};

unsafe extern "C" { fn starling_entry(); }
#[repr(C)]
struct Notes {
    a: Note<[u8; 8]>,
    b: Note<[u8; 16]>,
    c: Note<[u8; 8]>,
    d: Note<u64>,
    e: Note<u64>,
    f: Note<unsafe extern "C" fn()>,
    g: Note<[u8; 24]>,
    h: Note<u64>,
    i: Note<[u8;8]>,
}
unsafe impl Sync for Notes {}
#[used]
#[unsafe(link_section = ".note.Xen")]
static NOTES: Notes = Notes {
    a: Note::new(NoteType::Loader, text("generic")),
    b: Note::new(NoteType::GuestOs, text("starling")),
    c: Note::new(NoteType::XenVersion, text("xen-3.0")),
    d: Note::new(NoteType::VirtBase, 0),
    e: Note::new(NoteType::PaddrOffset, 0),
    f: Note::new(NoteType::Entry, starling_entry),
    g: Note::new(NoteType::Features, text("pae_pgdir_above_4gb")),
    h: Note::new(NoteType::SupportedFeatures, feature::PAE_PGDIR_ABOVE_4GB | feature::DOM0),
    i: Note::new(NoteType::PaeMode, text("yes")),
};
global_asm!(r#"
.section .text.entry, "ax"
.globl starling_entry
starling_entry:
    cld
    mov rdi, rsi
    lea rsp, [rip + __stack_top]
    xor ebp, ebp
    call hello
    ud2
"#);
#[unsafe(no_mangle)]
extern "C" fn hello(info: &StartInfo) -> ! {
    match info.console() {
        ConsoleKind::Hypervisor => { let _ = console::hypervisor_write(b"hello dom0\n"); sched::shutdown(sched::Shutdown::Reboot) }
        ConsoleKind::Ring { mfn, evtchn } => {
            let pfn = unsafe { mmu::machine_to_phys(mfn) };
            let p = NonNull::new((pfn.0 as usize * 4096) as *mut _).unwrap();
            let mut c = unsafe { console::RingConsole::new(p, evtchn) };
            c.write(b"hello domU\r\n"); let _ = c.notify();
            while c.unread_output() > 0 { let _ = sched::poll(&[evtchn], None); }
            sched::shutdown(sched::Shutdown::Poweroff)
        }
    }
}
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! { loop {} }
#[unsafe(no_mangle)] extern "C" fn rust_eh_personality() {}
#[unsafe(no_mangle)] extern "C" fn _Unwind_Resume() {}
