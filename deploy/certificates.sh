#!/bin/sh
# Makes authorities and certificates with openssl, for trials and for clusters that have nothing that does.
#
#   certificates.sh authority FOLDER COMMON-NAME          FOLDER/ca.crt, FOLDER/ca.key
#   certificates.sh leaf AUTHORITY FOLDER COMMON-NAME NAMES
#       FOLDER/tls.crt, tls.key and ca.crt, laid out as a Kubernetes TLS secret; good for a server and for a client.
#       NAMES as openssl writes them: DNS:localhost,IP:127.0.0.1,URI:spiffe://…; "-": none
#
# What is there and lasts for another 30 days stays as it is, so it can be run again at any time. Needs nothing but openssl and sh.
set -eu
umask 077

LEAF_DAYS=${LEAF_DAYS:-90}
AUTHORITY_DAYS=3650
SPARE_SECONDS=2592000

fresh() { [ -s "$1" ] && [ -s "$2" ] && openssl x509 -in "$1" -noout -checkend "$SPARE_SECONDS" > /dev/null 2>&1; }

key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2> /dev/null; }

authority() {
  folder=$1
  if fresh "$folder/ca.crt" "$folder/ca.key"; then return; fi
  if [ -e "$folder/ca.key" ]; then
    echo "certificates: $folder/ca.key is there but its certificate is not, or ends soon: replace both by hand, for all clients trust it" >&2
    exit 1
  fi
  mkdir -p "$folder"
  key "$folder/ca.key"
  openssl req -x509 -new -key "$folder/ca.key" -sha256 -days "$AUTHORITY_DAYS" -subj "/CN=$2" \
    -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign" -out "$folder/ca.crt.new"
  mv "$folder/ca.crt.new" "$folder/ca.crt"
  chmod 644 "$folder/ca.crt"
}

leaf() {
  authority=$1 folder=$2
  mkdir -p "$folder"
  if fresh "$folder/tls.crt" "$folder/tls.key" &&
    openssl verify -CAfile "$authority/ca.crt" "$folder/tls.crt" > /dev/null 2>&1; then return; fi
  work=$(mktemp -d)
  {
    echo "basicConstraints=critical,CA:FALSE"
    echo "keyUsage=critical,digitalSignature"
    echo "extendedKeyUsage=serverAuth,clientAuth"
    echo "subjectKeyIdentifier=hash"
    echo "authorityKeyIdentifier=keyid"
    [ "$4" = "-" ] || echo "subjectAltName=$4"
  } > "$work/extensions"
  key "$work/tls.key"
  openssl req -new -key "$work/tls.key" -subj "/CN=$3" -out "$work/request"
  openssl x509 -req -in "$work/request" -CA "$authority/ca.crt" -CAkey "$authority/ca.key" -set_serial "0x$(openssl rand -hex 16 | sed 's/^./4/')" \
    -sha256 -days "$LEAF_DAYS" -extfile "$work/extensions" -out "$work/tls.crt" 2> /dev/null
  # side by side first: a reader never sees half a file
  cp "$authority/ca.crt" "$folder/ca.crt.new"
  mv "$work/tls.key" "$folder/tls.key.new"
  mv "$work/tls.crt" "$folder/tls.crt.new"
  for file in ca.crt tls.key tls.crt; do mv "$folder/$file.new" "$folder/$file"; done
  chmod 644 "$folder/ca.crt" "$folder/tls.crt"
  rm -r "$work"
}

usage() {
  sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
  exit 64
}

case "${1:-} $#" in
  "authority 3") authority "$2" "$3" ;;
  "leaf 5") leaf "$2" "$3" "$4" "$5" ;;
  *) usage ;;
esac
