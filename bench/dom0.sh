# What bench/network and bench/soak share: a dom0 that runs a script, guests for it, and the tool and load generator that they use.
# To be sourced, with `here` (this directory) and `work` (an empty directory) set, and a function `fail`.
#
# dom0 is Debian's kernel with Xen's tools from the installed packages, busybox, the load generator, and `starling` as xl's vif-bridge script. Its bridge xenbr0 holds
# vifs, dom0's own address, 10.0.2.100, and an interface that leads nowhere: no packet leaves the machine.

starling=${STARLING:-$here/../target/release/starling}
newest() { ls "$@" 2> /dev/null | sort -V | tail -n 1; }
version_of() { basename "$1" | sed 's/^vmlinuz-//'; }

# Debian's kernel, unpacked by the tool that will boot it otherwise; Xen's own unpacking would be emulated.
linux=$(for config in /boot/config-*; do grep -qsx CONFIG_XEN_DOM0=y "$config" && echo "/boot/vmlinuz-${config#/boot/config-}"; done | sort -V | tail -n 1)
xen=$(newest /boot/xen-*-amd64.gz)
xl=$(newest /usr/lib/xen-*/bin/xl)

check_host() {
    local what
    [ -n "$linux" ] && [ -n "$xen" ] && [ -n "$xl" ] || fail "no Xen, no tools of it, or no kernel for dom0; run scripts/setup"
    [ -x "$starling" ] || fail "no $starling; build it, or name it in STARLING"
    for what in qemu-system-x86_64 busybox cpio erlc cargo; do
        command -v $what > /dev/null || fail "no $what here"
    done
}

# copy_program FROM TO-BELOW-ROOT ROOT: with the libraries that it needs
copy_program() {
    local library
    mkdir -p "$3/$(dirname "$2")"
    cp -L "$1" "$3/$2"
    for library in $(ldd "$1" 2> /dev/null | grep -o '/[^ ]*' | grep -v ':$'); do
        mkdir -p "$3$(dirname "$library")"
        [ -e "$3$library" ] || cp -L "$library" "$3$library"
    done
}

# copy_modules ROOT MODULE...: as /modules/*.ko, in the order of /modules/list
copy_modules() {
    local root=$1 module file
    shift
    mkdir -p "$root/modules"
    for module in "$@"; do
        for file in $(modprobe -S "$(version_of "$linux")" --show-depends "$module" 2> /dev/null | sed -n 's/^insmod \([^ ]*\).*/\1/p'); do
            [ -e "$root/modules/$(basename "$file")" ] && continue
            cp "$file" "$root/modules/"
            echo "/modules/$(basename "$file")" >> "$root/modules/list"
        done
    done
}

applets() { # ROOT APPLET...
    local root=$1 applet
    shift
    mkdir -p "$root/bin"
    cp -L "$(command -v busybox)" "$root/bin/busybox"
    for applet in "$@"; do ln -sf busybox "$root/bin/$applet"; done
}

archive() { # DIRECTORY FILE
    (cd "$1" && find . | cpio --quiet -o -H newc) > "$2"
}

unpack_kernel() { # FILE
    # The kernel is an ELF file, compressed within the bzImage; `starling boot` has the same in its cache.
    local cached
    cached=$(newest "${XDG_CACHE_HOME:-$HOME/.cache}"/starling/linux-*)
    if [ -n "$cached" ]; then cp "$cached" "$1"; else cp "$linux" "$1"; fi
}

make_load() { # FILE: the load generator, static
    local target
    target=$(rustc -vV | sed -n 's/^host: //p')
    (cd "$here/.." && CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$here/../target}/load" RUSTFLAGS="-C target-feature=+crt-static" \
        cargo build --quiet --release --package starling-load --target "$target" --message-format=json-render-diagnostics) \
        | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1 | { read -r built && cp "$built" "$1"; } || fail "cannot build the load generator"
}

# dom0's files in $work/dom0; the script in $1 is what it runs.
make_dom0() { # SCRIPT
    local root=$work/dom0 program tools
    tools=$(dirname "$xl")
    mkdir -p "$root"/{dev,proc,sys,run/xen,run/xenstored,run/lock,var/lib/xen,var/lib/xenstored,var/log/xen/console,etc/xen/scripts,tmp,lib/x86_64-linux-gnu,guests}
    ln -s /run "$root/var/run"
    touch "$root/etc/xen/xl.conf"
    applets "$root" sh mount insmod mkdir cat echo ls sleep arp ip brctl ifconfig grep poweroff cut sed awk tail head seq tr date kill rm
    for program in xenstored xenconsoled xl xen-init-dom0; do copy_program "$tools/$program" "xen/$program" "$root"; done
    # glibc loads it by name when a thread is cancelled, which xl does at its end.
    cp -L /lib/x86_64-linux-gnu/libgcc_s.so.1 "$root/lib/x86_64-linux-gnu/"
    copy_program "$starling" etc/xen/scripts/vif-bridge "$root"
    copy_modules "$root" xen-privcmd xen-evtchn xen-gntdev xen-gntalloc xenfs bridge dummy xen-netback
    make_load "$root/bin/load"
    cp "$1" "$root/run-this"
    cat > "$root/init" << 'END'
#!/bin/sh
export PATH=/bin:/xen
mount -t devtmpfs dev /dev; mount -t proc proc /proc; mount -t sysfs sys /sys; mkdir -p /dev/pts; mount -t devpts pts /dev/pts
while read module; do insmod $module; done < /modules/list
mount -t xenfs xenfs /proc/xen
xenstored --pid-file /run/xen/xenstored.pid
until [ -S /run/xenstored/socket ]; do sleep 0.1; done
xen-init-dom0 > /dev/null 2>&1
xenconsoled --pid-file=/run/xen/xenconsoled.pid --log=guest --log-dir=/var/log/xen/console
echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6
brctl addbr xenbr0
ip link set lo up
ip addr add 10.0.2.100/24 dev xenbr0
ip link set xenbr0 up
# A bridge whose first port comes up is heard of by Linux up to a second later; a real dom0's has a network card in it all the time.
brctl addif xenbr0 dummy0
ip link set dummy0 up
sh /run-this
echo "RIG: end"
poweroff -f
END
    chmod +x "$root/init"
}

# Debian's kernel, Debian's erl and one module of ours, which is started; in $work/dom0/guests/linux.{kernel,ramdisk}.
make_linux() { # BEAM MODULE ADDRESS
    local root=$work/linux erlang file programs=() beam=$1 module=$2 address=$3
    erlang=$(erl -noshell -eval 'io:put_chars(code:root_dir()), halt().')
    mkdir -p "$root"/{proc,dev,sys,tmp,root}
    applets "$root" sh mount insmod ip sleep
    copy_modules "$root" xen-netfront
    for file in $(cd / && ls -d "${erlang#/}"/erts-*/bin/{beam.smp,erlexec,erl_child_setup,inet_gethost} "${erlang#/}"/bin/{start,start_clean,no_dot_erlang}.boot \
        "${erlang#/}"/lib/{kernel,stdlib}-*/ebin/*); do
        case $file in
            */erts-*/bin/*) copy_program "/$file" "$file" "$root" ;;
            *) mkdir -p "$root/$(dirname "$file")" && cp -L "/$file" "$root/$file" ;;
        esac
    done
    cp "$beam" "$root/root/"
    cat > "$root/init" << END
#!/bin/sh
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
insmod /modules/xen-netfront.ko
ip link set lo up
until [ -e /sys/class/net/eth0 ]; do sleep 0.01; done
ip addr add $address/24 dev eth0
ip link set eth0 up
cd /root
export ROOTDIR=$erlang BINDIR=$(ls -d "$erlang"/erts-*/bin) EMU=beam PROGNAME=erl HOME=/root
export PATH=\$BINDIR:/bin
\$BINDIR/erlexec -noshell -noinput +S 1 -pa /root -s $module start
echo "linux: erl ended"
END
    chmod +x "$root/init"
    unpack_kernel "$work/dom0/guests/linux.kernel"
    archive "$root" "$work/dom0/guests/linux.ramdisk"
}

mac_of() { # NAME: the Ethernet address of the guest's interface
    printf '00:16:3e:53:4d:%02x' "${#1}"
}

# guest NAME KERNEL MEMORY EXTRA...: a configuration in $work/dom0/guests/NAME.cfg
guest() {
    local name=$1 kernel=$2 memory=$3
    shift 3
    {
        printf 'name = "%s"\ntype = "pv"\nkernel = "/guests/%s"\nmemory = %s\nvcpus = 1\ntsc_mode = "native"\n' "$name" "$kernel" "$memory"
        printf 'vif = ["bridge=xenbr0,mac=%s"]\n' "$(mac_of "$name")"
        printf 'on_poweroff = "destroy"\non_reboot = "destroy"\non_crash = "preserve"\n'
        [ "$processors" -lt 2 ] || printf 'cpus = "1"\n'
        printf '%s\n' "$@"
    } > "$work/dom0/guests/$name.cfg"
}

# Boots Xen and dom0 and prints what dom0's script prints: lines that begin with "RIG: ", without it.
run_dom0() { # MEMORY-OF-GUESTS ACCELERATOR-ARGUMENTS...
    local guests=$1 size dom0
    shift
    gzip -dc "$xen" > "$work/xen"
    unpack_kernel "$work/vmlinux"
    archive "$work/dom0" "$work/initramfs"
    size=$(($(stat -c %s "$work/initramfs") >> 20))
    # Packed and unpacked; and Linux lets files have half of its memory.
    dom0=$((256 + 3 * size))
    local xen_args="com1=115200,8n1 console=com1 no-real-mode edd=off bootscrub=0 xpti=0 spec-ctrl=0 cpufreq=none xsave=no dom0_mem=${dom0}M"
    [ "$processors" -lt 2 ] || xen_args+=" dom0_max_vcpus=1 dom0_vcpus_pin"
    timeout "${RIG_LIMIT:-3000}" qemu-system-x86_64 -nodefaults -no-reboot -display none -machine pc -cpu max,-smap,-smep -smp "$processors" \
        -m $((dom0 + guests + guests / 32 + 128)) -serial stdio "$@" -kernel "$work/xen" -append "$xen_args" \
        -initrd "$work/vmlinux console=hvc0 quiet panic=-1 mitigations=off cryptomgr.notests,$work/initramfs" \
        < /dev/null 2> "$work/qemu-errors" | sed -u 's/\r*$//' | tee "${RIG_LOG:-$work/console}" | sed -un 's/^RIG: //p'
}
