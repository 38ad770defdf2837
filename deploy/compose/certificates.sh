#!/bin/sh
# All certificates of the streaming topology: a folder for each program, with what that one needs and no more.
#
#   certificates.sh FOLDER [EXTRA-NAMES]
#
# Authorities: mesh signs what speaks to Spoor and to Kafka, and says in a client's URI which namespace it is of; prod and staging each sign
# what speaks to the store of that namespace, and nothing else is trusted there.
set -eu
umask 077
out=$1
local="DNS:localhost,IP:127.0.0.1,IP:::1${2:+,$2}"
make="sh $(dirname "$0")/../certificates.sh"

for name in mesh prod staging; do
  $make authority "$out/authorities/$name" "$name authority"
done

mesh=$out/authorities/mesh
$make leaf "$mesh" "$out/kafka" kafka "DNS:kafka,$local"
# Kafka reads key and certificate from one file
cat "$out/kafka/tls.key" "$out/kafka/tls.crt" > "$out/kafka/server.pem.new"
mv "$out/kafka/server.pem.new" "$out/kafka/server.pem"
$make leaf "$mesh" "$out/collector" collector "DNS:jaeger-collector,DNS:collector-1,DNS:collector-2,$local"
$make leaf "$mesh" "$out/ingester" ingester -
$make leaf "$mesh" "$out/query" query "DNS:jaeger-query,DNS:query,$local"

for namespace in prod staging; do
  authority=$out/authorities/$namespace
  $make leaf "$authority" "$out/opensearch-$namespace" opensearch "DNS:opensearch-$namespace,$local"
  $make leaf "$authority" "$out/opensearch-$namespace/admin" admin -
  for role in ingester query; do
    $make leaf "$authority" "$out/$role/$namespace" spoor -
  done
  $make leaf "$mesh" "$out/client/$namespace" "$namespace" "URI:spiffe://cluster.local/ns/$namespace/sa/shop"
done
