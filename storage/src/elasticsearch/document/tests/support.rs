//! What the tests of documents share: the recorded corpus, and spans written and read.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use model::{Buffer, KeyValue, Span};
use serde_json::Value as Json;
use wire::thrift::{self, Protocol};
use wire::{Decoded, jaeger, otlp, zipkin};

use super::super::{Decoder, DocumentId, Encoder, KeyBook, Source, Undecodable};
use crate::elasticsearch::config::{Documents, Indices};
use crate::elasticsearch::index::Names;

/// The instant that the corpus counts from.
pub(super) const T0: u64 = 1_795_420_469_123_456_789;

/// A document as the corpus has it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Written {
    /// Where it lies.
    pub(super) index: String,
    /// What it says.
    pub(super) source: Json,
}

/// The corpus.
pub(super) fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/golden")
}

/// A recorded file.
pub(super) fn recorded(file: &str) -> Json {
    let path = corpus().join(file);
    let text = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_slice(&text).unwrap()
}

/// Recorded documents.
pub(super) fn documents(list: &Json) -> Vec<Written> {
    let written = |hit: &Json| Written {
        index: hit["_index"].as_str().unwrap().to_owned(),
        source: hit["_source"].clone(),
    };
    list.as_array().unwrap().iter().map(written).collect()
}

/// The cases: folder and the spans of its input, as a collector hands them to a store.
pub(super) fn cases(format_tag: &str) -> Vec<(String, Vec<Span>)> {
    let mut cases: Vec<_> = fs::read_dir(corpus())
        .unwrap()
        .filter_map(|entry| input(&entry.unwrap().path(), format_tag))
        .collect();
    cases.sort_by(|(a, _), (b, _)| a.cmp(b));
    assert_eq!(cases.len(), 22);
    cases
}

fn input(folder: &Path, format_tag: &str) -> Option<(String, Vec<Span>)> {
    let files = fs::read_dir(folder).ok()?;
    let mut files = files.map(|entry| entry.unwrap().path());
    let input = files.find(|f| {
        f.file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with("input.")
    })?;
    let name = input.file_name().unwrap().to_string_lossy().into_owned();
    let body = Bytes::from(fs::read(&input).unwrap());
    let (decoded, format) = match name.split('.').nth(1).unwrap() {
        "otlp-json" => (otlp::decode_json(body).unwrap(), None),
        "jaeger-grpc" => (
            jaeger::proto::decode_post_spans(body).unwrap(),
            Some("proto"),
        ),
        "jaeger-thrift-binary" => {
            let batch = thrift::decode_batch(body, Protocol::Binary).unwrap();
            (batch.decoded, Some("jaeger"))
        }
        "zipkin-v1-json" => (zipkin::decode_v1_json(body, T0).unwrap(), None),
        "zipkin-v2-json" => (zipkin::decode_v2_json(body, T0).unwrap(), None),
        other => panic!("{other}"),
    };
    let Decoded {
        mut spans,
        rejected,
    } = decoded;
    assert!(rejected.is_empty());
    for span in &mut spans {
        span.attributes
            .extend(format.map(|f| KeyValue::new(format_tag, f)));
    }
    model::sanitize::spans(&mut spans);
    let case = folder.file_name().unwrap().to_string_lossy().into_owned();
    Some((case, spans))
}

/// `spans` written down: each document once, with its id.
pub(super) fn write(
    spans: &[Span],
    indices: &Indices,
    documents: &Documents,
) -> Vec<(DocumentId, Written)> {
    let names = Names::new("es", indices).unwrap();
    let keys = KeyBook::new(documents.tags_as_fields.max_keys);
    let mut encoder = Encoder::new(documents, &keys);
    let mut written: Vec<(DocumentId, Written)> = Vec::new();
    for span in spans {
        let index = names.spans.write(span.start_ns);
        let mut json = Vec::new();
        let id = encoder.encode(&index, span, &mut json);
        assert!(!json.contains(&b'\n'), "a line of a bulk");
        let source = serde_json::from_slice(&json).unwrap();
        if !written.iter().any(|(known, _)| *known == id) {
            written.push((id, Written { index, source }));
        }
    }
    written
}

/// The span that a document is.
pub(super) fn read(json: &[u8], documents: &Documents) -> Result<Span, Undecodable> {
    let buffer = Buffer::new(Bytes::copy_from_slice(json)).unwrap();
    let source: Source<'_> = serde_json::from_slice(buffer.as_bytes()).unwrap();
    Decoder::new(&buffer, documents).span("i", "1", source)
}
