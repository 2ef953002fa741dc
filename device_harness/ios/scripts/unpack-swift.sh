#!/usr/bin/env bash
# Unpacks Debian 13's swiftlang and what it needs into FOLDER, on any Debian-like x86-64 machine, without installing it
# (550 MB of packages, 2.5 GB unpacked). Then: check-sources.sh FOLDER. Usage: unpack-swift.sh FOLDER
set -euo pipefail
folder=$(mkdir -p "$1" && cd "$1" && pwd)
[ -x "$folder/usr/libexec/swift/bin/swift-frontend" ] && exit 0
apt=$(mktemp -d)
trap 'rm -rf "$apt"' EXIT
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
: >"$apt/status"
keys=/usr/share/keyrings/debian-archive-keyring.gpg
# The mirror of this machine's own configuration, with the suite changed.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m1 '/debian/\?$')
echo "deb [signed-by=$keys] $mirror trixie main" >"$apt/sources.list"
options=(-o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null -o "Dir::State::lists=$apt/lists"
  -o "Dir::Cache=$apt/cache" -o "Dir::State::status=$apt/status" -o APT::Architecture=amd64 -o Debug::NoLocking=1)
apt-get "${options[@]}" -qq update
apt-get "${options[@]}" -qq -y --no-install-recommends --download-only install \
  swiftlang libc6-dev linux-libc-dev libgcc-14-dev libstdc++-14-dev >/dev/null
for package in "$apt"/cache/archives/*.deb; do
  dpkg-deb -x "$package" "$folder"
done
