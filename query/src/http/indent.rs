//! `prettyPrint`: JSON with four spaces for each level.
//!
//! In: compact JSON that we wrote ourselves. Out: the same, spread over lines; an empty list or object stays on its line.
//!
//! Source: Go 1.24 `encoding/json`, `Indent`.

const STEP: &[u8] = b"    ";

/// `compact`, indented.
pub(super) fn indent(compact: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(compact.len() * 2);
    let mut depth = 0_usize;
    let (mut in_string, mut escaped) = (false, false);
    let mut bytes = compact.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if in_string {
            out.push(byte);
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'{' | b'[' => {
                out.push(byte);
                if let Some(close) = bytes.next_if(|b| matches!(b, b'}' | b']')) {
                    out.push(close);
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                new_line(&mut out, depth);
            }
            b':' => out.extend_from_slice(b": "),
            _ => {
                in_string = byte == b'"';
                out.push(byte);
            }
        }
    }
    out
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
            assert_eq!(indent(&compact), wire::go_json::to_vec_pretty(&value));
        }
    }
}
