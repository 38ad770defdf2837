#!/bin/sh
# Lays out the root of the image: the program, the libraries that it is linked to, the authorities of the web, and a folder for data.
#
#   rootfs.sh PROGRAM FOLDER
set -eu
program=$1 root=$2

install -D -m 0755 "$program" "$root/usr/bin/spoor"
# lines of ldd: "libc.so.6 => /lib/…/libc.so.6 (0x…)", "/lib64/ld-linux-x86-64.so.2 (0x…)"; the vdso has no file
ldd "$program" | sed -n 's/^.*[[:space:]]\(\/[^[:space:]]*\) (0x.*$/\1/p' | while read -r library; do
  install -D -m 0755 "$library" "$root$library"
done
install -D -m 0644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
mkdir -p "$root/etc" "$root/tmp"
printf 'hosts: files dns\n' > "$root/etc/nsswitch.conf"
printf 'spoor:x:10001:0:spoor:/var/lib/spoor:/nonexistent\n' > "$root/etc/passwd"
printf 'root:x:0:\n' > "$root/etc/group"
chmod 1777 "$root/tmp"
# whoever runs it is of the group 0
install -d -m 0775 "$root/var/lib/spoor"
