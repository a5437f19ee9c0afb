# Sources files of variables, each in a shell of its own, and prints what children of that shell are given.
#
# usage: bash read.bash FOLDER OUT [export]     files 0, 1, 2, … of the folder; `export` exports all that is set.
# For each file, OUT/N.env holds the variables, and OUT/N.err what the shell complained of.
folder="$1" out="$2" all="${3:-}"
set -f
# Complaints in the same words everywhere; nothing in a file is to find a program.
for file in $(ls "$folder"); do
  env -i LC_ALL=C PATH=/nonexistent /bin/bash --norc --noprofile -c '
    if [ -n "$3" ]; then set -a; fi
    cd /
    . "$1" < /dev/null > /dev/null 2> "$2"
    exec /usr/bin/env -0
  ' sh "$folder/$file" "$out/$file.err" "$all" > "$out/$file.env" 2> /dev/null
done
exit 0
