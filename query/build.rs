//! Tells cargo that the web UI's files are part of this crate. They lie in `ui/dist`, which may be absent: then there is a plain page in their place.

fn main() {
    println!("cargo::rerun-if-changed=../ui/dist");
}
