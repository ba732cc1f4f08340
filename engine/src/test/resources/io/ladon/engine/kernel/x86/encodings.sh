#!/bin/sh
# Makes encodings.txt anew from its own first column, with GNU as: "instruction | bytes".
# usage: sh encodings.sh < encodings.txt > new.txt
grep -v '^#' | sed 's/ | .*//' > /tmp/encodings.$$
echo "# Bytes that GNU as makes, by: sh encodings.sh < encodings.txt (see there)"
echo "# $(as --version | head -1)"
while IFS= read -r line; do
  printf '%s | ' "$line"
  printf '.intel_syntax noprefix\n%s\n' "$line" | as -o /tmp/encodings.$$.o - || exit 1
  objcopy -O binary -j .text /tmp/encodings.$$.o /tmp/encodings.$$.bin
  od -An -v -tx1 /tmp/encodings.$$.bin | tr -d ' \n' | tr a-f A-F
  echo
done < /tmp/encodings.$$
rm -f /tmp/encodings.$$ /tmp/encodings.$$.o /tmp/encodings.$$.bin
