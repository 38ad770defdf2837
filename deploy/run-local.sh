#!/usr/bin/env bash
# The streaming topology of docker-compose.yml as plain processes on this machine, from the same configuration: one Kafka, a store for each of
# two namespaces, two collectors, three ingesters and a query, all of them over TLS. Sends one trace for each namespace, reads it back, sees
# that the other namespace does not, and ends everything by its process id. With --keep it stays up until Ctrl-C.
#
#   SPOOR=target/release/spoor deploy/run-local.sh [--keep]
#
# Needs bash, curl, openssl, Java 17 to 23, and what it can't find is downloaded by Maven:
#   SPOOR            the program (target/release/spoor, else target/debug/spoor)
#   KAFKA_LIBS       a folder with Kafka's jars, those of kafka-tools included
#   OPENSEARCH_HOME  an OpenSearch 2.19 with its security plugin
#   JAVA_HOME        the Java of both (that of the PATH)
#   PORT_BASE        the first of the ports that are used (23000)
#   SPOOR_CACHE      where downloads are kept (~/.cache/spoor)
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
keep=${1:-}
spoor=${SPOOR:-$root/target/release/spoor}
[ -x "$spoor" ] || spoor=$root/target/debug/spoor
[ -x "$spoor" ] || { echo "no program: build one, or name it in SPOOR" >&2; exit 64; }
cache=${SPOOR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/spoor}/run-local
base=${PORT_BASE:-23000}
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
kafka_version=3.9.1
opensearch_version=2.19.1
maven_dependency=org.apache.maven.plugins:maven-dependency-plugin:3.8.1

folder=$(mktemp -d "${TMPDIR:-/tmp}/spoor-local.XXXXXX")
certs=$folder/certs
pids=()

say() { printf '== %s (%s s)\n' "$*" "$SECONDS"; }

# Ends what was started, the last first: each by its id, and none by its name.
finish() {
  local code=$? pid until
  trap - EXIT INT TERM
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
    pid=${pids[i]}
    kill -TERM "$pid" 2> /dev/null || continue
    until=$((SECONDS + 30))
    while kill -0 "$pid" 2> /dev/null; do
      if ((SECONDS > until)); then kill -KILL "$pid" 2> /dev/null || true; fi
      sleep 0.1
    done
    wait "$pid" 2> /dev/null || true
  done
  if ((code == 0)); then
    rm -rf "$folder"
    say "done"
  else
    say "failed: the logs are in $folder/logs"
  fi
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT TERM

# start NAME COMMAND…: in the background, with a log of its own
start() {
  local name=$1
  shift
  "$@" < /dev/null > "$folder/logs/$name.log" 2>&1 &
  pids+=("$!")
}

# eventually SECONDS WHAT COMMAND…: until it succeeds and none of our processes has ended
eventually() {
  local until=$((SECONDS + $1)) what=$2 pid
  shift 2
  until "$@" > "$folder/last" 2>&1; do
    for pid in "${pids[@]}"; do
      kill -0 "$pid" 2> /dev/null || { echo "$what: process $pid has ended" >&2; tail -n 5 "$folder"/logs/*.log >&2; exit 1; }
    done
    if ((SECONDS > until)); then
      echo "$what: not within its time; the last answer was:" >&2
      cat "$folder/last" >&2
      exit 1
    fi
    sleep 0.2
  done
}

maven() { mvn -q -B "$maven_dependency:$1" "-Dartifact=$2" "-DoutputDirectory=$3"; }

# --- what is not ours ---------------------------------------------------------------------------------------------------------

fetch_kafka() {
  local libs=$cache/kafka-$kafka_version
  if [ ! -e "$libs.done" ]; then
    say "download Kafka $kafka_version"
    mkdir -p "$libs"
    local tools="<groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>$kafka_version</version>"
    # one place for its log is enough
    local without="<exclusions><exclusion><groupId>org.slf4j</groupId><artifactId>slf4j-reload4j</artifactId></exclusion></exclusions>"
    sed "s#</dependencies>#<dependency>$tools$without</dependency></dependencies>#" "$root/tests/servers/kafka-3-9.xml" > "$libs.xml"
    mvn -q -B -C -f "$libs.xml" dependency:copy-dependencies -DincludeScope=runtime "-DoutputDirectory=$libs"
    touch "$libs.done"
  fi
  KAFKA_LIBS=$libs
}

fetch_opensearch() {
  local home=$cache/opensearch-$opensearch_version
  if [ ! -e "$home.done" ]; then
    say "download OpenSearch $opensearch_version"
    rm -rf "$home"
    mkdir -p "$home"
    # Maven leaves marks of what it unpacked where it runs
    (cd "$folder" && maven unpack "org.opensearch.distribution.integ-test-zip:opensearch:$opensearch_version:zip" "$home")
    (cd "$folder" && maven copy "org.opensearch.plugin:opensearch-security:$opensearch_version.0:zip" "$folder")
    OPENSEARCH_JAVA_HOME=$("$java" -XshowSettings:properties -version 2>&1 | sed -n 's/^ *java.home = //p') \
      "$home/opensearch-$opensearch_version/bin/opensearch-plugin" install --batch "file://$folder/opensearch-security-$opensearch_version.0.zip" > "$folder/logs/opensearch-plugin.log" 2>&1
    touch "$home.done"
  fi
  OPENSEARCH_HOME=$home/opensearch-$opensearch_version
}

# A server that refuses to be root runs as nobody. In the place of the shell that was started for it, whose id is known.
as_server() {
  if [ "$(id -u)" = 0 ]; then exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; else exec "$@"; fi
}

# A tool of Kafka's as its distribution calls it.
kafka_tool() {
  printf '#!/bin/sh\nexec "%s" -cp "%s/*" -Dorg.slf4j.simpleLogger.defaultLogLevel=error %s "$@"\n' "$java" "$KAFKA_LIBS" "$2" > "$folder/bin/$1"
  chmod +x "$folder/bin/$1"
}

start_kafka() {
  local here=$folder/kafka
  mkdir -p "$here"
  for file in kafka.properties kafka-client.properties; do
    sed -e "s#/etc/kafka/certs#$certs/kafka#; s#/var/lib/kafka/data#$here/data#" \
      -e "s#CLIENTS://:9093#CLIENTS://localhost:$((base + 93))#; s#kafka:9093#localhost:$((base + 93))#; s#localhost:9094#localhost:$((base + 94))#" \
      "$root/deploy/compose/$file" > "$here/$file"
  done
  kafka_tool kafka-topics.sh org.apache.kafka.tools.TopicCommand
  kafka_tool kafka-acls.sh kafka.admin.AclCommand
  kafka_tool kafka-storage.sh kafka.tools.StorageTool
  "$folder/bin/kafka-storage.sh" format -t U3Bvb3ItY29tcG9zZS1vbg -c "$here/kafka.properties" > "$folder/logs/kafka-format.log"
  start kafka "$java" -Xms256m -Xmx512m -cp "$KAFKA_LIBS/*" -Dorg.slf4j.simpleLogger.defaultLogLevel=warn kafka.Kafka "$here/kafka.properties"
}

# start_opensearch NAMESPACE PORT
start_opensearch() {
  local here=$folder/opensearch-$1 home
  mkdir -p "$here/config" "$here/data" "$here/logs" "$here/tmp"
  # hard links where they can be: others may not reach a cache in root's home
  cp -al "$OPENSEARCH_HOME" "$here/home" 2> /dev/null || cp -a "$OPENSEARCH_HOME" "$here/home"
  home=$here/home
  cp "$home/config/log4j2.properties" "$here/config/"
  # its log of garbage collection would lie where it may not write
  grep -v -i gclog "$home/config/jvm.options" | grep -v -e gc.log -e Xlog > "$here/config/jvm.options"
  cp -r "$home/config/opensearch-security" "$here/config/"
  cp "$root"/deploy/compose/opensearch-security/*.yml "$here/config/opensearch-security/"
  cp -r "$certs/opensearch-$1" "$here/config/certs"
  {
    grep -v '^network.host' "$root/deploy/compose/opensearch.yml"
    printf 'network.host: 127.0.0.1\nhttp.port: %s\ntransport.port: %s\npath.data: %s\npath.logs: %s\n' "$2" "$(($2 + 1))" "$here/data" "$here/logs"
  } > "$here/config/opensearch.yml"
  if [ "$(id -u)" = 0 ]; then chown -R 65534:65534 "$here/config" "$here/data" "$here/logs" "$here/tmp"; chmod 755 "$folder" "$here"; fi
  OPENSEARCH_PATH_CONF=$here/config OPENSEARCH_TMPDIR=$here/tmp OPENSEARCH_JAVA_OPTS="-Xms512m -Xmx512m" \
    OPENSEARCH_JAVA_HOME=$("$java" -XshowSettings:properties -version 2>&1 | sed -n 's/^ *java.home = //p') \
    start "opensearch-$1" as_server "$home/bin/opensearch"
}

# --- ours -----------------------------------------------------------------------------------------------------------------------

# start_spoor NAME ROLE ADMIN-PORT FLAGS…: with the role's file of docker-compose.yml, its places and hosts put in place. Each has a file of its own: another's may be half written.
start_spoor() {
  local name=$1 role=$2 admin=$3
  shift 3
  sed -e "s#/etc/spoor/certs#$certs/$role#; s#kafka:9093#localhost:$((base + 93))#" \
    -e "s#opensearch-prod:9200#localhost:$((base + 200))#; s#opensearch-staging:9200#localhost:$((base + 210))#" \
    "$root/deploy/compose/$role.yaml" > "$folder/$name.yaml"
  start "$name" "$spoor" "$role" "--config-file=$folder/$name.yaml" "--admin.http.host-port=127.0.0.1:$admin" "--certs.directory=$folder/own" "$@"
}

# curl as a client of a namespace
as_client() {
  local namespace=$1
  shift
  curl -sS --max-time 10 --cacert "$certs/client/$namespace/ca.crt" --cert "$certs/client/$namespace/tls.crt" --key "$certs/client/$namespace/tls.key" "$@"
}

# curl as the administrator of a namespace's store
as_admin() {
  local namespace=$1 own=$certs/opensearch-$1
  shift
  curl -sS --fail --max-time 10 --cacert "$own/ca.crt" --cert "$own/admin/tls.crt" --key "$own/admin/tls.key" "$@"
}

ready() { curl -sS --fail --max-time 5 "http://127.0.0.1:$1/ready"; }

# send NAMESPACE COLLECTOR-PORT TRACE: one span, by OTLP
send() {
  local now
  now=$(date +%s)
  as_client "$1" --fail "https://localhost:$2/v1/traces" -H 'Content-Type: application/json' -d '{"resourceSpans":[{
    "resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop-'"$1"'"}}]},
    "scopeSpans":[{"spans":[{"traceId":"'"$3"'","spanId":"eee19b7ec3c1b174","name":"checkout","kind":2,
      "startTimeUnixNano":"'"$now"'000000000","endTimeUnixNano":"'"$now"'250000000"}]}]}]}'
}

query_port=$((base + 686))

# finds NAMESPACE TRACE
finds() { as_client "$1" --fail "https://localhost:$query_port/api/traces/$2" | grep -q '"checkout"'; }

# --- the run --------------------------------------------------------------------------------------------------------------------

mkdir -p "$folder/logs" "$folder/bin" "$cache"
say "certificates"
"$root/deploy/compose/certificates.sh" "$certs"
[ -n "${KAFKA_LIBS:-}" ] || fetch_kafka
[ -n "${OPENSEARCH_HOME:-}" ] || fetch_opensearch

say "Kafka and a store for each namespace"
start_kafka
start_opensearch prod $((base + 200))
start_opensearch staging $((base + 210))
eventually 90 "topics" "$root/deploy/compose/topics.sh" "localhost:$((base + 93))" "$folder/bin" "$folder/kafka/kafka-client.properties"
for namespace in prod staging; do
  port=$((base + 200 + ($([ $namespace = prod ] && echo 0 || echo 10))))
  eventually 120 "the store of $namespace" as_admin $namespace "https://localhost:$port/_cluster/health?wait_for_status=yellow&timeout=1s"
done

say "collectors, ingesters and query"
for i in 1 2; do
  at() { echo "127.0.0.1:$((base + 300 + 10 * i + $1))"; }
  start_spoor "collector-$i" collector $((base + 300 + 10 * i + 9)) "--collector.otlp.grpc.host-port=$(at 0)" "--collector.otlp.http.host-port=$(at 1)" \
    "--collector.grpc-server.host-port=$(at 2)" "--collector.http-server.host-port=$(at 3)" "--collector.zipkin.host-port=$(at 4)"
done
for i in 1 2 3; do
  start_spoor "ingester-$i" ingester $((base + 400 + i)) "--kafka.consumer.group-instance-id=ingester-$i"
done
start_spoor query query $((base + 687)) "--query.http-server.host-port=127.0.0.1:$query_port" "--query.grpc-server.host-port=127.0.0.1:$((base + 685))"
for port in $((base + 319)) $((base + 329)) $((base + 401)) $((base + 402)) $((base + 403)) $((base + 687)); do
  eventually 60 "the process with admin port $port" ready "$port"
done

say "a trace in each namespace"
declare -A trace
for namespace in prod staging; do
  trace[$namespace]=$(openssl rand -hex 16)
done
eventually 30 "sending to prod" send prod $((base + 311)) "${trace[prod]}"
eventually 30 "sending to staging" send staging $((base + 321)) "${trace[staging]}"
for namespace in prod staging; do
  eventually 60 "the trace of $namespace" finds $namespace "${trace[$namespace]}"
  echo "found in $namespace: ${trace[$namespace]}"
done
for pair in "prod staging" "staging prod"; do
  read -r reader owner <<< "$pair"
  if finds "$reader" "${trace[$owner]}" 2> /dev/null; then
    echo "$reader reads the trace of $owner" >&2
    exit 1
  fi
done
# a certificate of one namespace at the other's store: refused by TLS
if curl -sS --fail --max-time 10 -o "$folder/last" --cacert "$certs/opensearch-staging/ca.crt" --cert "$certs/ingester/prod/tls.crt" --key "$certs/ingester/prod/tls.key" \
  "https://localhost:$((base + 210))/" 2> /dev/null; then
  echo "the store of staging takes a certificate of prod" >&2
  exit 1
fi
say "each namespace reads its own trace, and not the other's"

if [ "$keep" = --keep ]; then
  echo "query: https://localhost:$query_port, certificates: $certs/client/{prod,staging}; Ctrl-C ends it"
  wait
fi
