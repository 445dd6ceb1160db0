# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What differs from run to run: agentcg built for the kernel, the command, the
# copies, all on one small disk. Sourced.

# Sets KVER and VMLINUZ.
choose_kernel() {
	case $1 in
	6.12|7.3) KVER=$(<"$KERNELS/$1") ;;
	debug) choose_debug_kernel; return ;;
	*) KVER=$1 ;;
	esac
	VMLINUZ=$KERNELS/vmlinuz-$KVER
	[ -e "$VMLINUZ" ] ||
		die "there is no kernel '$1': use 6.12, 7.3, debug or one of $(cd "$KERNELS/lib/modules" && echo *)"
	# shellcheck disable=SC2034 # for the payload
	KDIR=/lib/modules/$KVER/build
}

# --- the disk ---

make_payload() {
	local tree=$run/payload path
	mkdir -p "$tree/mnt"
	install -m 755 "$HERE/init" "$HERE/guest" "$RUNNER" "$tree/"
	install -m 644 "$HERE/vm-command.service" "$tree/"
	printf '%s\0' "${command[@]}" >"$tree/argv"
	for path in ${copies[@]+"${copies[@]}"}; do
		cp -a --reflink=auto -- "$path" "$tree/mnt/$(basename -- "$(readlink -f -- "$path")")" ||
			die "cannot copy $path to $run: is the disk full?"
	done
	[ -n "$bare" ] || add_agentcg "$tree/root"
	pack "$tree" "$run/payload.img"
	rm -rf "$tree"
}

# Half as much again for the file system's own, and room to write.
pack() {
	local tree=$1 img=$2 kb
	kb=$(du -sk --apparent-size "$tree" | cut -f 1)
	kb=$((kb + kb / 2 + $(find "$tree" | wc -l) * 5 + 65536))
	mke2fs -q -t ext4 -O ^has_journal -L payload -d "$tree" "$img" "${kb}k" >/dev/null ||
		die "cannot make the payload disk in $run: is the disk full?"
}

# --disk: the guest's own writes, on top of the image, which stays as it is.
prepare_disk() {
	[ -n "$disk" ] || return 0
	disk=$(realpath -- "$disk")
	contained_quietly "$HERE/inside" make_overlay "$disk" "$IMAGE"
}

contained_quietly() {
	local rc=0 log=$run/step.log
	(contained "$@") </dev/null >"$log" 2>&1 || rc=$?
	[ "$rc" = 0 ] || die "$(grep -v '^$' "$log" | tail -n 1)"
}

# Runs contained.
make_overlay() {
	local img=$1 base=$2
	mount_root
	mount --bind "$(dirname "$img")" "$ROOT/mnt"
	if [ ! -e "$img" ]; then
		in_root_here /mnt qemu-img create -q -f qcow2 -F raw -b "$base" "$(basename "$img")"
	fi
	in_root_here /mnt qemu-img info --output=json "$(basename "$img")" |
		grep -qF "\"backing-filename\": \"$base\"" ||
		die "$img was made on another guest image: remove it"
}

run_qemu() {
	local disk=$2
	cd "$1"
	shift 2
	export ROOT_ENV=("TMPDIR=$PWD")
	mount_root
	[ -z "$disk" ] || mount --bind "$(dirname "$disk")" "$ROOT/mnt"
	in_root_here "$PWD" "$@"
}

# --- the tree's copy, in which everything is built ---

build_dir() {
	BUILD=$CACHE/build/$(sha256sum <<<"$TOP" | cut -c1-12)
	mkdir -p "$BUILD"
}

# update_copy NAME: sets COPY. A copy for each kernel, so that going from one to
# the other compiles nothing anew; only what changed is copied.
update_copy() {
	build_dir
	COPY=$BUILD/$1
	with_lock "$BUILD/$1.lock" refresh_copy "$1"
}

refresh_copy() {
	local list=$BUILD/$1.list changed log=$BUILD/$1.changes
	mkdir -p "$COPY"
	list_tree >"$list.new"
	[ -e "$list" ] || : >"$list"
	# What is gone from the tree goes from the copy.
	comm -z -23 "$list" "$list.new" >"$log.gone"
	(cd "$COPY" && xargs -0 -r rm -f -- <"$log.gone")
	(contained "$HERE/inside" copy_tree "$COPY" "$list.new") >"$log" </dev/null ||
		die "copying the tree to $COPY failed: is the disk full?"
	mv "$list.new" "$list"
	changed=$(cat "$log" "$log.gone" | wc -c)
	[ "$changed" = 0 ] || rm -f "$BUILD/$1.built"
}

list_tree() {
	if [ -e "$TOP/.git" ] && command -v git >/dev/null; then
		git -C "$TOP" -c safe.directory="$TOP" ls-files -z -co --exclude-standard
	else
		(cd "$TOP" && find . -path ./.git -prune -o \( -type f -o -type l \) -printf '%P\0')
	fi | sort -zu
}

# Runs contained.
copy_tree() {
	mount_root
	mount --bind "$TOP" "$ROOT/src"
	in_root_here /src rsync -a -i --files-from="$2" --from0 --ignore-missing-args /src/ "$1/"
}

run_in_root() {
	local src=$1
	shift
	export ROOT_ENV=("KVER=$KVER" "KDIR=$KDIR")
	mount_root
	mount --bind "$src" "$ROOT/src"
	in_root_here /src "$@"
}
