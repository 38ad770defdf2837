#!/bin/sh
# Makes the topics of both namespaces, and says who may do what with them: collectors write, ingesters read.
#
#   topics.sh BROKER PROGRAMS CLIENT-PROPERTIES
#
# PROGRAMS is the folder with kafka-topics.sh and kafka-acls.sh. It can be run again at any time.
set -eu
broker=$1 programs=$2 properties=$3

acl() { "$programs/kafka-acls.sh" --bootstrap-server "$broker" --command-config "$properties" --add --force "$@" > /dev/null; }

for namespace in prod staging; do
  for topic in "$namespace-jaeger-spans" "$namespace-jaeger-spans-dead-letters"; do
    "$programs/kafka-topics.sh" --bootstrap-server "$broker" --command-config "$properties" --create --if-not-exists \
      --topic "$topic" --partitions 12 --replication-factor 1
    acl --allow-principal User:collector --producer --topic "$topic"
  done
done
acl --allow-principal User:ingester --operation Read --operation Describe --topic prod-jaeger-spans --topic staging-jaeger-spans
acl --allow-principal User:ingester --operation Read --group jaeger-ingester
