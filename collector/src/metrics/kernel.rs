//! Datagrams that the kernel dropped because nobody had read those before them: what a receiver never sees, and its senders are never told.
//!
//! In: the addresses that datagrams are taken at. Out: `spoor_collector_datagrams_lost_in_kernel_total`, read from the kernel when asked for. Where the kernel does
//! not tell, there is no such metric.

use std::fs;
use std::net::SocketAddr;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;

/// Each receiver with its addresses.
#[derive(Debug)]
pub(crate) struct LostInKernel(pub(crate) Vec<(&'static str, Vec<SocketAddr>)>);

// === impl LostInKernel ===

impl LostInKernel {
    /// For each receiver; none where the kernel does not tell.
    fn counts(&self) -> Option<Vec<(&'static str, u64)>> {
        let four = fs::read_to_string("/proc/self/net/udp").ok()?;
        let six = fs::read_to_string("/proc/self/net/udp6").unwrap_or_default();
        let lost = |at: &SocketAddr| {
            let sockets = if at.is_ipv4() { &four } else { &six };
            drops_at(sockets, at.port())
        };
        let of = |addrs: &Vec<SocketAddr>| addrs.iter().map(lost).sum();
        Some(
            self.0
                .iter()
                .map(|(name, addrs)| (*name, of(addrs)))
                .collect(),
        )
    }
}

impl Collector for LostInKernel {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(counts) = self.counts() else {
            return Ok(());
        };
        let mut family = encoder.encode_descriptor(
            "spoor_collector_datagrams_lost_in_kernel",
            "Datagrams that the kernel dropped, for its buffer was full",
            None,
            MetricType::Counter,
        )?;
        for (receiver, count) in counts {
            ConstCounter::new(count).encode(family.encode_family(&[("receiver", receiver)])?)?;
        }
        Ok(())
    }
}

/// The last column of the sockets at `port`: the second column is `address:port`, in hexadecimal digits.
fn drops_at(sockets: &str, port: u16) -> u64 {
    let wanted = format!(":{port:04X}");
    sockets
        .lines()
        .filter(|line| {
            let local = line.split_ascii_whitespace().nth(1);
            local.is_some_and(|local| local.ends_with(&wanted))
        })
        .filter_map(|line| {
            line.split_ascii_whitespace()
                .next_back()?
                .parse::<u64>()
                .ok()
        })
        .sum()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn what_nobody_reads_is_counted_by_its_port() {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        let at = receiver.local_addr().unwrap();
        let lost = LostInKernel(vec![("here", vec![at]), ("elsewhere", vec![])]);
        assert_eq!(lost.counts().unwrap(), [("here", 0), ("elsewhere", 0)]);
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        // more than any buffer holds
        for _ in 0..4_000 {
            sender.send_to(&[0; 16_000], at).unwrap();
        }
        let [(_, here), (_, elsewhere)] = lost.counts().unwrap()[..] else {
            panic!("two were asked for");
        };
        assert!(here > 0);
        assert_eq!(elsewhere, 0);
    }

    #[test]
    fn a_table_of_the_kernel_is_read_by_port() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
             1: 0100007F:1AAF 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 5 2 0 17\n\
             2: 00000000:1AAF 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 6 2 0 3\n\
             3: 00000000:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 7 2 0 9\n";
        assert_eq!(drops_at(table, 6831), 20);
        assert_eq!(drops_at(table, 53), 9);
        assert_eq!(drops_at("", 53), 0);
    }
}
