use super::*;

#[track_caller]
fn check(text: &str, expect: Result<(u64, u64), &str>) {
    let got = TraceId::parse(text)
        .map(|id| (id.high(), id.low()))
        .map_err(|e| e.to_string());
    assert_eq!(got, expect.map_err(str::to_owned));
}

#[test]
fn trace_ids_are_read_as_jaeger_reads_them() {
    check("a1b2c", Ok((0, 0xa1b2c)));
    check("00000000000000000000000000a1B2C", Ok((0, 0xa1b2c)));
    check(
        "a2000000000000000000000000000001",
        Ok((0xa200_0000_0000_0000, 1)),
    );
    check(
        "xyz",
        Err("strconv.ParseUint: parsing \"xyz\": invalid syntax"),
    );
    check("", Err("strconv.ParseUint: parsing \"\": invalid syntax"));
    check(
        "+1",
        Err("strconv.ParseUint: parsing \"+1\": invalid syntax"),
    );
    check(
        "g0000000000000001",
        Err("strconv.ParseUint: parsing \"g\": invalid syntax"),
    );
    let long = "a".repeat(33);
    check(
        &long,
        Err(&format!(
            "TraceID cannot be longer than 32 hex characters: {long}"
        )),
    );
    // cut inside a character: an error, not a panic
    check(
        "ä000000000000000",
        Err("strconv.ParseUint: parsing \"ä000000000000000\": invalid syntax"),
    );
}

#[test]
fn ids_are_written_as_jaeger_writes_them() {
    assert_eq!(
        TraceId::from_halves(0, 0xa1b2c).to_string(),
        "00000000000a1b2c"
    );
    assert_eq!(
        TraceId::from_halves(1, 2).to_string(),
        "00000000000000010000000000000002"
    );
    assert_eq!(SpanId::from_u64(0xd4e).to_string(), "0000000000000d4e");
    assert_eq!(SpanId::parse("D4e"), Ok(SpanId::from_u64(0xd4e)));
}
