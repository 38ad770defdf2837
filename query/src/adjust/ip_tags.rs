//! Shows IPv4 addresses that came as numbers as addresses.
//!
//! Rule: the tags `ip` and `peer.ipv4` of type int64 or float64 become text `a.b.c.d`, the low 32 bits big-endian; in span tags in their
//! place, in process tags, which are then sorted again.
//!
//! Source: `jaegertracing/jaeger: internal/model/adjuster ip_tag.go`.

use std::net::Ipv4Addr;

use model::Str;
use wire::jaeger::{Span, Tag, TagValue};

pub(super) fn adjust(spans: &mut [Span]) {
    for span in spans.iter_mut() {
        mend(&mut span.tags);
    }
    super::map_processes(spans, |process| {
        mend(&mut process.tags);
        super::sort::sort_tags(&mut process.tags);
    });
}

/// Whether a tag of this name holds an address.
pub(crate) fn is_address(key: &str) -> bool {
    matches!(key, "ip" | "peer.ipv4")
}

/// The address in the low 32 bits.
pub(crate) fn address(number: i64) -> Ipv4Addr {
    Ipv4Addr::from_bits(number as u32)
}

fn mend(tags: &mut [Tag]) {
    for tag in tags {
        if !is_address(&tag.key) {
            continue;
        }
        let number = match tag.value {
            TagValue::Int(value) => value,
            TagValue::Double(value) => value as i64,
            _ => continue,
        };
        tag.value = TagValue::String(Str::from(address(number).to_string()));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[track_caller]
    fn check(before: Tag, after: Tag) {
        let mut spans = vec![span(1, 0)];
        spans[0].tags = vec![before.clone()];
        spans[0].process = process("s", vec![before]);
        adjust(&mut spans);
        assert_eq!(spans[0].process.tags, spans[0].tags);
        assert_eq!(spans[0].tags, [after]);
    }

    #[test]
    fn numbers_become_addresses() {
        check(tag("ip", 0x0a00_0001), tag("ip", "10.0.0.1"));
        check(tag("ip", -1), tag("ip", "255.255.255.255"));
        check(tag("ip", (7_i64 << 32) | 1), tag("ip", "0.0.0.1"));
        check(
            tag("peer.ipv4", 2_130_706_433.0),
            tag("peer.ipv4", "127.0.0.1"),
        );
        check(tag("ip", f64::NAN), tag("ip", "0.0.0.0"));
    }

    #[test]
    fn other_tags_and_text_stay() {
        for same in [
            tag("ip", "x"),
            tag("ip", true),
            tag("port", 80),
            tag("peer.ipv6", 1),
        ] {
            check(same.clone(), same);
        }
    }
}
