use super::*;

fn buffer(bytes: &'static [u8]) -> Buffer {
    Buffer::new(Bytes::from_static(bytes)).unwrap()
}

#[test]
fn handles_are_sixteen_bytes() {
    assert_eq!(size_of::<Str>(), 16);
    assert_eq!(size_of::<Slice>(), 16);
    assert_eq!(size_of::<Option<Str>>(), 24);
}

#[test]
fn slices_point_into_the_buffer() {
    let whole = buffer(b"hello world");
    let slice = whole.slice(6, 5).unwrap();
    assert_eq!(slice.as_bytes(), b"world");
    assert_eq!(slice.as_bytes().as_ptr(), whole.as_bytes()[6..].as_ptr());
    assert_eq!(slice.into_str().unwrap(), "world");
}

#[test]
fn a_slice_outside_the_buffer_is_none() {
    let whole = buffer(b"abc");
    assert!(whole.slice(2, 2).is_none());
    assert!(whole.slice(4, 0).is_none());
    assert!(whole.slice(usize::MAX, 2).is_none());
    assert_eq!(whole.slice(3, 0).unwrap().as_bytes(), b"");
}

#[test]
fn bytes_that_are_not_text_come_back() {
    let whole = buffer(b"a\xffb");
    let back = whole.slice(0, 3).unwrap().into_str().unwrap_err();
    assert_eq!(back.as_bytes(), b"a\xffb");
    assert_eq!(whole.slice(0, 1).unwrap().into_str().unwrap(), "a");
}

#[test]
fn a_detached_text_keeps_nothing_alive() {
    let whole = buffer(b"service and a long body");
    let name = whole.slice(0, 7).unwrap().into_str().unwrap();
    let weak = Arc::downgrade(&whole.0);
    let kept = name.detach();
    drop((whole, name));
    assert_eq!(weak.strong_count(), 0);
    assert_eq!(kept, "service");
}

#[test]
fn text_compares_hashes_and_prints_as_text() {
    let a = Str::from("b");
    assert!(*"a" < *a.as_str());
    assert_eq!(format!("{a} {a:?}"), "b \"b\"");
    let set: std::collections::HashSet<Str> = [a.clone(), Str::from("b")].into();
    assert!(set.contains("b"));
    assert_eq!(set.len(), 1);
    assert_eq!(Str::default(), "");
}
