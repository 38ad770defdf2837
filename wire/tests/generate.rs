//! The generated code under `src/gen` is what the `.proto` files say. `SPOOR_UPDATE=1` rewrites it, after which the test has to pass.

#![allow(clippy::unwrap_used, missing_docs)]

use std::fs;
use std::path::Path;

const JAEGER: [&str; 3] = [
    "api_v2/model.proto",
    "api_v2/collector.proto",
    "api_v2/sampling.proto",
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
    let mut compiler = protox::Compiler::new([root.join("proto")]).unwrap();
    compiler.include_imports(true).include_source_info(false);
    compiler.open_files(files).unwrap();
    let descriptors = compiler.encode_file_descriptor_set();

    let out = tempfile::tempdir().unwrap();
    tonic_prost_build::configure()
        .build_transport(false)
        .emit_rerun_if_changed(false)
        .out_dir(out.path())
        .compile_fds(compiler.file_descriptor_set())
        .unwrap();
    let file = format!("{package}.rs");
    let made = fs::read(out.path().join(&file)).unwrap();
    check(&root.join("src/gen").join(&file), &made);
    descriptors
}

#[test]
fn committed_code_is_what_the_protos_make() {
    let descriptors = check_package(&JAEGER, "jaeger.api_v2");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    check(&root.join("src/gen/jaeger.api_v2.bin"), &descriptors);
    check_package(&["zipkin/zipkin.proto"], "zipkin.proto3");
}
