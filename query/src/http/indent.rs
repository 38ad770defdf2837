//! `prettyPrint`: JSON with four spaces for each level.
//!
//! In: compact JSON that we wrote ourselves, piece by piece. Out: the same, spread over lines; an empty list or object stays on its line.
//!
//! Source: Go 1.24 `encoding/json`, `Indent`.

const STEP: &[u8] = b"    ";

/// Where in the JSON it is.
#[derive(Debug, Default)]
pub(super) struct Indent {
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// A list or object has begun, and whether anything is in it is not known yet.
    opened: bool,
}

// === impl Indent ===

impl Indent {
    /// The next piece of `compact`, indented. Pieces may end anywhere.
    pub(super) fn add(&mut self, compact: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(compact.len() * 2);
        for &byte in compact {
            if self.in_string {
                out.push(byte);
                self.in_string = self.escaped || byte != b'"';
                self.escaped = !self.escaped && byte == b'\\';
                continue;
            }
            let is_close = matches!(byte, b'}' | b']');
            if std::mem::take(&mut self.opened) {
                if is_close {
                    out.push(byte);
                    continue;
                }
                self.depth += 1;
                new_line(&mut out, self.depth);
            }
            match byte {
                _ if is_close => {
                    self.depth = self.depth.saturating_sub(1);
                    new_line(&mut out, self.depth);
                    out.push(byte);
                }
                b',' => {
                    out.push(byte);
                    new_line(&mut out, self.depth);
                }
                b':' => out.extend_from_slice(b": "),
                _ => {
                    self.opened = matches!(byte, b'{' | b'[');
                    self.in_string = byte == b'"';
                    out.push(byte);
                }
            }
        }
        out
    }
}

fn new_line(out: &mut Vec<u8>, depth: usize) {
    out.push(b'\n');
    for _ in 0..depth {
        out.extend_from_slice(STEP);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_as_the_pretty_formatter_writes() {
        for value in [
            serde_json::json!({"a": [1, {"b": "x\"{,:}\\"}, []], "c": {}, "d": null}),
            serde_json::json!([]),
            serde_json::json!("\\"),
            serde_json::json!({"a\\\"": "\\\\\"", "b": [[], [[1]]]}),
        ] {
            let compact = wire::go_json::to_vec(&value);
            let wanted = wire::go_json::to_vec_pretty(&value);
            for at_once in 1..=compact.len() {
                let mut indent = Indent::default();
                let pieces = compact.chunks(at_once).map(|piece| indent.add(piece));
                assert_eq!(pieces.collect::<Vec<_>>().concat(), wanted, "{at_once}");
            }
        }
    }
}
