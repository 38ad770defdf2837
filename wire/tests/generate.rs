//! The generated code under `src/gen` is what the `.proto` files say. `SPOOR_UPDATE=1` rewrites it, after which the test has to pass.

#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;
use std::path::Path;

use protox::file::{
    ChainFileResolver, DescriptorSetFileResolver, GoogleFileResolver, IncludeFileResolver,
};

const JAEGER: [&str; 4] = [
    "api_v2/model.proto",
    "api_v2/collector.proto",
    "api_v2/sampling.proto",
    "api_v2/query.proto",
];

#[track_caller]
fn check(path: &Path, made: &[u8]) {
    if update() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, made).unwrap();
    }
    let kept = fs::read(path).unwrap_or_default();
    assert!(
        kept == made,
        "{} is not what the .proto files make; run this test with SPOOR_UPDATE=1",
        path.display()
    );
}

#[allow(clippy::disallowed_methods)] // a switch of this test, no setting
fn update() -> bool {
    std::env::var("SPOOR_UPDATE").is_ok()
}

/// Compiles `files` and compares the code of `package`; gives the descriptors.
fn check_package(files: &[&str], package: &str) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // OpenTelemetry's files come with the library that has its types
    let mut known = ChainFileResolver::new();
    known.add(IncludeFileResolver::new(root.join("proto")));
    known.add(DescriptorSetFileResolver::decode(wire::r#gen::OTLP_DESCRIPTORS).unwrap());
    known.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(known);
    compiler.include_imports(true).include_source_info(false);
    compiler.open_files(files).unwrap();
    let descriptors = compiler.encode_file_descriptor_set();

    let out = tempfile::tempdir().unwrap();
    tonic_prost_build::configure()
        .build_transport(false)
        .emit_rerun_if_changed(false)
        .extern_path(".opentelemetry.proto", "::opentelemetry_proto::tonic")
        // tags in an order, so that a search is the same each time
        .btree_map(".jaeger")
        .out_dir(out.path())
        .compile_fds(compiler.file_descriptor_set())
        .unwrap();
    let file = format!("{package}.rs");
    let made = fs::read(out.path().join(&file)).unwrap();
    check(&root.join("src/gen").join(&file), &made);
    descriptors
}

/// The same, and compares the descriptors too.
fn check_described(files: &[&str], package: &str) {
    let descriptors = check_package(files, package);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = format!("src/gen/{package}.bin");
    check(&root.join(file), &descriptors);
}

#[test]
fn committed_code_is_what_the_protos_make() {
    check_described(&JAEGER, "jaeger.api_v2");
    check_described(&["metrics/metricsquery.proto"], "jaeger.api_v2.metrics");
    check_described(&["api_v3/query_service.proto"], "jaeger.api_v3");
    check_described(&["storage/v1/storage.proto"], "jaeger.storage.v1");
    check_described(&["storage/v2/storage.proto"], "jaeger.storage.v2");
    check_package(&["spoor/storage.proto"], "spoor.storage.v1");
    check_package(&["zipkin/zipkin.proto"], "zipkin.proto3");
}
