//! When two places are the same.

use super::*;

fn place() -> Place {
    let mut place = Place::default();
    place.connection.tls = Some(ClientTls {
        prefix: "instances[1].es.tls".to_owned(),
        ..ClientTls::default()
    });
    place.connection.password = Some(SecretString::from("one".to_owned()));
    place
}

#[test]
fn a_place_is_the_same_wherever_its_settings_are_written() {
    let mut moved = place();
    moved.connection.settings = "instances[0].es".to_owned();
    if let Some(tls) = &mut moved.connection.tls {
        tls.prefix = "instances[0].es.tls".to_owned();
    }
    assert!(place().is_same(&moved));
}

#[test]
fn what_is_reached_or_kept_otherwise_is_another_place() {
    let changes: [fn(&mut Place); 7] = [
        |place| place.connection.password = Some(SecretString::from("two".to_owned())),
        |place| place.connection.password = None,
        |place| place.connection.urls.push("http://other:9200".to_owned()),
        |place| place.connection.tls = None,
        |place| place.indices.prefix.push('x'),
        |place| place.limits.bulk_bytes += 1,
        |place| place.upkeep.lookback += Duration::from_secs(1),
    ];
    for (nth, change) in changes.into_iter().enumerate() {
        let mut other = place();
        change(&mut other);
        assert!(!place().is_same(&other), "change {nth}");
    }
}
