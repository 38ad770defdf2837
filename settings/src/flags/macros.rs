//! Blocks of settings that repeat under several prefixes.
//!
//! In: a prefix. Out: its rows. A macro and not a function, because a name must be known when the table is compiled. Source: `jaegertracing/jaeger:
//! internal/config/tlscfg/flags.go`, `internal/storage/kafka/auth/options.go` at v1.76.0 and their forerunners at v1.20.0.

/// The server TLS block that acts.
macro_rules! server_tls {
    ($prefix:literal, $reader:expr) => {
        [
            Flag::acts(concat!($prefix, ".tls.enabled"), Kind::Bool, "false", "speak TLS on this listener").by($reader),
            Flag::acts(concat!($prefix, ".tls.cert"), Kind::Text, "", "path of the certificate chain, PEM; read again when it changes; empty, as the key: the one that is made, see certs.directory").by($reader),
            Flag::acts(concat!($prefix, ".tls.key"), Kind::Text, "", "path of the private key, PEM; read again when it changes").by($reader),
            Flag::acts(concat!($prefix, ".tls.client-ca"), Kind::Text, "", "path of the authorities that sign clients' certificates, PEM; with it every client must show one").by($reader),
            Flag::acts(concat!($prefix, ".tls.client-auth"), Kind::Text, "", "required or optional: whether a client may come without a certificate where there is a client-ca, which checks those that are shown; empty: required").by($reader),
            Flag::acts(concat!($prefix, ".tls.cipher-suites"), Kind::List, "", "cipher suites allowed, by Go's names; empty: the library's choice").by($reader),
            Flag::acts(concat!($prefix, ".tls.min-version"), Kind::Text, "", "lowest version of TLS: 1.2 or 1.3; empty: 1.2").by($reader),
            Flag::acts(concat!($prefix, ".tls.max-version"), Kind::Text, "", "highest version of TLS: 1.2 or 1.3; empty: 1.3").by($reader),
            Flag::acts(concat!($prefix, ".tls.reload-interval"), Kind::Duration, "0s", "how often the files are compared with what is in use; 0: the built-in interval, for they are always watched").by($reader),
            Flag::alias(concat!($prefix, ".tls"), Kind::Bool, concat!($prefix, ".tls.enabled")).by($reader),
            Flag::alias(concat!($prefix, ".tls.client.ca"), Kind::Text, concat!($prefix, ".tls.client-ca")).by($reader),
        ]
    };
}

/// The client TLS block, all rows with one effect.
macro_rules! client_tls {
    ($prefix:literal, $make:path, $note:expr) => {
        [
            $make(concat!($prefix, ".tls.enabled"), Kind::Bool, "false", $note),
            $make(concat!($prefix, ".tls.ca"), Kind::Text, "", $note),
            $make(concat!($prefix, ".tls.cert"), Kind::Text, "", $note),
            $make(concat!($prefix, ".tls.key"), Kind::Text, "", $note),
            $make(concat!($prefix, ".tls.server-name"), Kind::Text, "", $note),
            $make(
                concat!($prefix, ".tls.skip-host-verify"),
                Kind::Bool,
                "false",
                $note,
            ),
            Flag::alias(
                concat!($prefix, ".tls"),
                Kind::Bool,
                concat!($prefix, ".tls.enabled"),
            ),
        ]
    };
}

/// Everything but the TLS block that `kafka.producer` and `kafka.consumer` share.
macro_rules! kafka_common {
    ($prefix:literal, $reader:expr, $topic:literal, $encoding:literal) => {
        [
            Flag::acts(concat!($prefix, ".brokers"), Kind::List, "127.0.0.1:9092", "some brokers of the cluster, as host:port; they name the others").by($reader),
            Flag::acts(concat!($prefix, ".topic"), Kind::Text, "jaeger-spans", $topic).by($reader),
            Flag::acts(concat!($prefix, ".encoding"), Kind::Text, "protobuf", $encoding).by($reader),
            Flag::accepted(concat!($prefix, ".protocol-version"), Kind::Text, "", "client and broker agree on the versions of their protocol by themselves").by($reader),
            Flag::acts(concat!($prefix, ".authentication"), Kind::Text, "none", "who we say we are: none; tls, by a certificate, which switches TLS on; plaintext, by name and password, with or without TLS. kerberos is not spoken").by($reader),
            Flag::acts(concat!($prefix, ".plaintext.username"), Kind::Text, "", "name, for authentication=plaintext").by($reader),
            Flag::acts(concat!($prefix, ".plaintext.password"), Kind::Secret, "", "its password").by($reader),
            Flag::acts(concat!($prefix, ".plaintext.password-file"), Kind::Text, "", "path of a file with the password, read again when it changes; wins over the password").by($reader),
            Flag::acts(concat!($prefix, ".plaintext.mechanism"), Kind::Text, "PLAIN", "how the password is shown to the broker: PLAIN, as it is; SCRAM-SHA-256 or SCRAM-SHA-512, as an answer to a challenge").by($reader),
            Flag::accepted(concat!($prefix, ".kerberos.service-name"), Kind::Text, "kafka", concat!("Spoor does not speak Kerberos, and does not start with ", $prefix, ".authentication=kerberos: use plaintext with a mechanism of SCRAM, or tls")).by($reader),
            Flag::accepted(concat!($prefix, ".kerberos.realm"), Kind::Text, "", concat!("Spoor does not speak Kerberos, and does not start with ", $prefix, ".authentication=kerberos: use plaintext with a mechanism of SCRAM, or tls")).by($reader),
            Flag::accepted(concat!($prefix, ".kerberos.username"), Kind::Text, "", concat!("Spoor does not speak Kerberos, and does not start with ", $prefix, ".authentication=kerberos: use plaintext with a mechanism of SCRAM, or tls")).by($reader),
            Flag::accepted(concat!($prefix, ".kerberos.password"), Kind::Secret, "", concat!("Spoor does not speak Kerberos, and does not start with ", $prefix, ".authentication=kerberos: use plaintext with a mechanism of SCRAM, or tls")).by($reader),
            Flag::accepted(concat!($prefix, ".kerberos.use-keytab"), Kind::Bool, "false", concat!("Spoor does not speak Kerberos, and does not start with ", $prefix, ".authentication=kerberos: use plaintext with a mechanism of SCRAM, or tls")).by($reader),
            Flag::accepted(concat!($prefix, ".kerberos.keytab-file"), Kind::Text, "/etc/security/kafka.keytab", concat!("Spoor does not speak Kerberos, and does not start with ", $prefix, ".authentication=kerberos: use plaintext with a mechanism of SCRAM, or tls")).by($reader),
            Flag::accepted(concat!($prefix, ".kerberos.config-file"), Kind::Text, "/etc/krb5.conf", concat!("Spoor does not speak Kerberos, and does not start with ", $prefix, ".authentication=kerberos: use plaintext with a mechanism of SCRAM, or tls")).by($reader),
            Flag::accepted(concat!($prefix, ".kerberos.disable-fast-negotiation"), Kind::Bool, "false", concat!("Spoor does not speak Kerberos, and does not start with ", $prefix, ".authentication=kerberos: use plaintext with a mechanism of SCRAM, or tls")).by($reader),
        ]
    };
}

/// The client TLS block of `kafka.producer` or `kafka.consumer`.
macro_rules! kafka_tls {
    ($prefix:literal, $reader:expr) => {
        [
            Flag::acts(concat!($prefix, ".tls.enabled"), Kind::Bool, "false", concat!("speak TLS to brokers; ", $prefix, ".authentication=tls switches it on too")).by($reader),
            Flag::acts(concat!($prefix, ".tls.ca"), Kind::Text, "", "path of the authorities that may have signed the brokers' certificates, PEM; read again when it changes; empty: those of the system and of trust.bundles").by($reader),
            Flag::acts(concat!($prefix, ".tls.cert"), Kind::Text, "", "path of our certificate chain, PEM, for brokers that ask for one; read again when it changes").by($reader),
            Flag::acts(concat!($prefix, ".tls.key"), Kind::Text, "", "path of its private key, PEM; read again when it changes").by($reader),
            Flag::acts(concat!($prefix, ".tls.server-name"), Kind::Text, "", "must be empty: each broker is called by its own name, which its certificate has to hold").by($reader),
            Flag::acts(concat!($prefix, ".tls.skip-host-verify"), Kind::Bool, "false", "take any certificate: whoever stands in between can read and change spans").by($reader),
            Flag::alias(concat!($prefix, ".tls"), Kind::Bool, concat!($prefix, ".tls.enabled")).by($reader),
        ]
    };
}

/// One UDP server, which in Jaeger was the agent's.
macro_rules! processor {
    ($prefix:literal, $port:literal) => {
        [
            Flag::acts(concat!($prefix, ".server-host-port"), Kind::HostPort, "", concat!("address for datagrams; empty: in all-in-one and agent ", $port, " of this machine, or of listen.host where plaintext.listeners allows that, and off in collector")).by(Reader::CollectorAndAgent),
            Flag::acts(concat!($prefix, ".server-max-packet-size"), Kind::Bytes, "65000", "largest datagram; a longer one is dropped and counted").by(Reader::CollectorAndAgent),
            Flag::acts(concat!($prefix, ".server-queue-size"), Kind::Int, "1000", "datagrams that may be under way; one more is dropped and counted").by(Reader::CollectorAndAgent),
            Flag::acts(concat!($prefix, ".server-socket-buffer-size"), Kind::Bytes, "4MiB", "room in the kernel for datagrams that were not read yet, as far as the system allows (net.core.rmem_max); 0: as the system has it").by(Reader::CollectorAndAgent),
            Flag::accepted(concat!($prefix, ".workers"), Kind::Int, "10", "datagrams are decoded as they come, as many at once as server-queue-size allows").by(Reader::CollectorAndAgent),
        ]
    };
}

pub(super) use {client_tls, kafka_common, kafka_tls, processor, server_tls};
