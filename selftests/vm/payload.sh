# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Names are shared with the scripts that source this; they run under set -e.
# shellcheck disable=SC2034,SC2154,SC2164
# What differs from run to run: agentcg built for the kernel, the command, the
# copies, all on one small disk. Sourced.

# Sets KVER, KDIR and MODULES, under which its lib/modules stands.
choose_kernel() {
	case $1 in
	6.12|7.3) KVER=$(<"$KERNELS/$1") ;;
	debug|*-agentcg-debug) choose_built_kernel debug; return ;;
	ext|*-agentcg-ext) choose_built_kernel ext; return ;;
	*) KVER=$1 ;;
	esac
	[ -e "$KERNELS/vmlinuz-$KVER" ] ||
		die "there is no kernel '$1': use 6.12, 7.3, debug, ext or one of $(cd "$KERNELS/lib/modules" && echo *)"
	KDIR=/lib/modules/$KVER/build
	MODULES=$KERNELS
	export KVER KDIR MODULES
}

choose_built_kernel() {
	need_built "$1"
	KVER=$(<"$BUILT/release")
	KDIR=$BUILT/build
	MODULES=$BUILT
	export KVER KDIR MODULES
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
	# The words keep copies of another making apart, see copy_tree.
	BUILD=$CACHE/build/$(sha256sum <<<"$TOP dated when copied" | cut -c1-12)
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

# By content, and dated when it is copied: a source that was changed while the one
# before was being compiled is older than the object of that.  Runs contained.
copy_tree() {
	mount_root
	in_root_here / rsync -rlpgoD --checksum -i --files-from="$2" --from0 --ignore-missing-args /tree/ "$1/"
}

run_in_root() {
	local src=$1
	shift
	export ROOT_ENV=("KVER=$KVER" "KDIR=$KDIR")
	mount_root
	mount --bind "$src" "$ROOT/src"
	in_root_here /src "$@"
}

# --- agentcg, built and installed as its user would have it ---

# add_agentcg DIR: the installed tree for KVER.
add_agentcg() {
	[ -e "$TOP/kmod/Kbuild" ] || { say "there is no kmod/Kbuild: the guest is bare"; return; }
	update_copy "$kernel"
	with_lock "$BUILD/$kernel.lock" stage_agentcg "$1"
}

stage_agentcg() {
	local stage=$BUILD/$kernel.stage built=$BUILD/$kernel.built log=$BUILD/$kernel.log what="modules bpf userspace"
	# The tests need a kernel source for the harness; users of the vm do not.
	[ -z "$tests" ] || what="$what selftests"
	if [ "$(cat "$built" 2>/dev/null)" != "$what $KVER" ]; then
		rm -rf "$stage" "$built"
		[ -z "$tests" ] || need_source 7.3
		export HARNESS=${SOURCE:-}/tools/testing/selftests
		(contained "$HERE/inside" build_agentcg "$COPY" "$stage" "$what") >"$log" 2>&1 </dev/null || build_failed "$log"
		echo "$what $KVER" >"$built"
	fi
	# Hard links: the stage may be built anew while this run still packs.
	cp -al "$stage" "$1"
}

build_failed() {
	grep -aE 'error|warning|Error|\*\*\*' "$1" | head -n 40 >&2 || tail -n 20 "$1" >&2
	die "agentcg does not build for $KVER; the whole log: $1"
}

# Runs contained.
build_agentcg() {
	local src=$1 stage=$2 part targets=()
	mount_root
	mount --bind "$src" "$ROOT/src"
	for part in $3; do
		[ "$part" != modules ] && [ ! -e "$src/$part/Makefile" ] || targets+=("$part")
	done
	[[ " ${targets[*]} " == *' selftests '* ]] && unset 'targets[-1]' && local selftests=1
	export ROOT_ENV=("KVER=$KVER" "KDIR=$KDIR" "HARNESS=$HARNESS")
	in_root_here /src make -j"$(nproc)" "${targets[@]}"
	in_root_here /src make install DESTDIR="$stage"
	[ -z "${selftests:-}" ] || in_root_here /src make -C selftests -j"$(nproc)" all install DESTDIR="$stage"
	index_modules "$stage"
	merge_usr "$stage"
}

# In the guest /lib and /sbin are links into /usr; cp would not follow them.
merge_usr() {
	local name
	for name in bin sbin lib; do
		[ -d "$1/$name" ] || continue
		mkdir -p "$1/usr/$name"
		cp -al "$1/$name/." "$1/usr/$name/"
		rm -rf "${1:?}/$name"
	done
}

# modprobe reads only the index, and the guest would take long to make one.
index_modules() {
	local all=$1/modindex
	mkdir -p "$all/lib/modules"
	cp -al "$MODULES/lib/modules/$KVER" "$all/lib/modules/"
	cp -a "$1/lib/modules/$KVER/updates" "$all/lib/modules/$KVER/"
	# depmod writes anew, it does not write through the links.
	in_root_here / depmod -b "$all" "$KVER"
	cp "$all/lib/modules/$KVER"/modules.* "$1/lib/modules/$KVER/"
	rm -rf "$all"
}
