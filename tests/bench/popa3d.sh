#!/bin/sh
# popa3d.sh FOLDER: Debian does not let popa3d be installed beside Dovecot's pop3d; unpacked into FOLDER it will do.
set -eu

folder=$1
if [ -e "$folder/usr/sbin/popa3d" ] || command -v popa3d > /dev/null; then
	exit 0
fi
mkdir -p "$folder"
cd "$folder"
apt-get download popa3d > /dev/null 2>&1 && dpkg-deb -x popa3d_*.deb . || echo "popa3d could not be had through apt-get" >&2
