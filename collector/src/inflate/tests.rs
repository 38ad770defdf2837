//! Round trips, bombs, cut and foreign bytes, for every encoding.

use std::io::Write;

use super::*;
use crate::admission::Admission;

const LIMIT: Limit = Limit {
    bytes: 1 << 20,
    setting: "a.setting",
};
const ALL: [Encoding; 5] = [
    Encoding::Gzip,
    Encoding::Zstd,
    Encoding::Zlib,
    Encoding::Snappy,
    Encoding::Lz4,
];

fn deflate(encoding: Encoding, plain: &[u8]) -> Vec<u8> {
    let fast = flate2::Compression::fast();
    match encoding {
        Encoding::Identity => plain.to_vec(),
        Encoding::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), fast);
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }
        Encoding::Zlib => {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), fast);
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }
        Encoding::Zstd => zstd::encode_all(plain, 1).unwrap(),
        Encoding::Snappy => snap::raw::Encoder::new().compress_vec(plain).unwrap(),
        Encoding::Lz4 => {
            let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }
    }
}

fn run(encoding: Encoding, input: Vec<u8>, budget: usize) -> (Result<Vec<u8>, Fault>, usize) {
    let admission = Admission::new(
        budget,
        budget,
        crate::Config::default().guard.rules().clone(),
    );
    let mut permit = admission.open(model::Instance::default());
    let result = inflate(encoding, input, LIMIT, &mut permit);
    (result, permit.held())
}

#[test]
fn what_was_compressed_comes_back_and_is_charged() {
    let plain: Vec<u8> = (0..300_000u32).map(|i| (i / 7 % 251) as u8).collect();
    for encoding in ALL {
        let (inflated, held) = run(encoding, deflate(encoding, &plain), 8 << 20);
        assert!(inflated.as_ref() == Ok(&plain), "{encoding:?}");
        assert!(held >= plain.len(), "{encoding:?} held {held}");
    }
    let mut framed = snap::write::FrameEncoder::new(Vec::new());
    framed.write_all(&plain).unwrap();
    let framed = framed.into_inner().unwrap();
    assert!(run(Encoding::Snappy, framed, 8 << 20).0 == Ok(plain));
}

#[test]
fn a_bomb_is_stopped_at_the_limit_and_never_charged_beyond_it() {
    let bomb = vec![0; 64 << 20];
    for encoding in ALL {
        let (result, held) = run(encoding, deflate(encoding, &bomb), 64 << 20);
        assert_eq!(
            result,
            Err(LIMIT.exceeded("inflated request")),
            "{encoding:?}"
        );
        assert!(
            held <= LIMIT.bytes * 3 / 2 + (64 << 10),
            "{encoding:?} held {held}"
        );
    }
}

#[test]
fn a_body_exactly_at_the_limit_is_taken() {
    let plain = vec![7; LIMIT.bytes];
    for encoding in ALL {
        let (result, _) = run(encoding, deflate(encoding, &plain), 8 << 20);
        assert!(result.as_ref() == Ok(&plain), "{encoding:?}");
    }
}

#[test]
fn inflating_is_refused_when_the_budget_has_no_room() {
    let plain = vec![7; 500_000];
    for encoding in ALL {
        let admission = Admission::new(
            200_000,
            200_000,
            crate::Config::default().guard.rules().clone(),
        );
        let mut other = admission.open(model::Instance::default());
        other.add(1).unwrap();
        let mut permit = admission.open(model::Instance::default());
        let result = inflate(encoding, deflate(encoding, &plain), LIMIT, &mut permit);
        assert!(matches!(result, Err(Fault::Full(_))), "{encoding:?}");
    }
}

#[test]
fn cut_and_foreign_bytes_are_undecodable() {
    let plain: Vec<u8> = (0..100_000u32).map(|i| (i * 31 % 256) as u8).collect();
    for encoding in ALL {
        let mut cut = deflate(encoding, &plain);
        cut.truncate(cut.len() * 2 / 3);
        let (result, _) = run(encoding, cut, 8 << 20);
        assert!(matches!(result, Err(Fault::Undecodable(_))), "{encoding:?}");
        let (result, _) = run(encoding, b"no such format".to_vec(), 8 << 20);
        assert!(matches!(result, Err(Fault::Undecodable(_))), "{encoding:?}");
    }
}

#[test]
fn a_zstd_window_beyond_the_bound_is_refused() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    encoder
        .write_all(b"small, but with a large window")
        .unwrap();
    let (result, _) = run(Encoding::Zstd, encoder.finish().unwrap(), 8 << 20);
    assert!(matches!(result, Err(Fault::Undecodable(_))), "{result:?}");
}

#[test]
fn an_encoding_that_is_not_known_is_a_fault_of_its_own() {
    let name = "br".parse().unwrap();
    assert_eq!(encoding(Some(&name)), Err(Fault::Encoding("br".into())));
}
