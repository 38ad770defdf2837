use super::*;
#[test]
fn an_empty_message_holds_nothing() {
    let decoded = decode(Bytes::new()).unwrap();
    assert!(decoded.spans.is_empty() && decoded.rejected.is_empty());
}
