//! The simulated disk keeps what was synced and may lose all else.

use super::*;

fn written(seed: u64, sync_file: bool, sync_folder: bool) -> Option<Vec<u8>> {
    let disk = SimulatedDisk::new(seed);
    let (folder, path) = (Path::new("/d"), Path::new("/d/a"));
    disk.create_folder(folder).unwrap();
    let file = disk.create(path).unwrap();
    file.write_at(&[7; 4096], 0).unwrap();
    if sync_file {
        file.sync().unwrap();
    }
    if sync_folder {
        disk.sync_folder(folder).unwrap();
    }
    disk.reboot().bytes(path)
}

#[test]
fn synced_bytes_under_a_synced_name_survive_every_cut() {
    for seed in 0..200 {
        assert_eq!(written(seed, true, true), Some(vec![7; 4096]));
    }
}

#[test]
fn unsynced_bytes_survive_in_part() {
    let outcomes: Vec<_> = (0..200).map(|s| written(s, false, true).unwrap()).collect();
    assert!(outcomes.iter().any(Vec::is_empty));
    assert!(
        outcomes
            .iter()
            .any(|b| b.contains(&0) && b.contains(&7) && b.len() == 4096)
    );
    assert!(outcomes.iter().any(|b| !b.is_empty() && b.len() < 4096));
}

#[test]
fn an_unsynced_name_may_vanish() {
    let outcomes: Vec<_> = (0..50).map(|s| written(s, true, false).is_some()).collect();
    assert!(outcomes.contains(&true) && outcomes.contains(&false));
}

#[test]
fn an_unsynced_rename_may_be_undone_but_loses_neither_file() {
    let mut undone = 0;
    for seed in 0..50 {
        let disk = SimulatedDisk::new(seed);
        let folder = Path::new("/d");
        disk.create_folder(folder).unwrap();
        let file = disk.create(&folder.join("a")).unwrap();
        file.write_at(b"x", 0).unwrap();
        file.sync().unwrap();
        disk.sync_folder(folder).unwrap();
        disk.rename(&folder.join("a"), &folder.join("b")).unwrap();
        let names = disk.reboot().files();
        assert_eq!(names.len(), 1);
        undone += usize::from(names[0].ends_with("a"));
    }
    assert!((1..50).contains(&undone));
}

#[test]
fn a_lying_sync_keeps_nothing_for_sure() {
    let mut lost = 0;
    for seed in 0..50 {
        let disk = SimulatedDisk::new(seed);
        disk.ignore_syncs();
        disk.create_folder(Path::new("/d")).unwrap();
        let file = disk.create(Path::new("/d/a")).unwrap();
        file.write_at(&[7; 512], 0).unwrap();
        file.sync().unwrap();
        disk.sync_folder(Path::new("/d")).unwrap();
        let kept = disk.reboot().bytes(Path::new("/d/a"));
        lost += usize::from(kept != Some(vec![7; 512]));
    }
    assert!(lost > 10);
}

#[test]
fn power_goes_in_the_middle_of_an_operation_and_stays_away() {
    let disk = SimulatedDisk::new(3);
    disk.create_folder(Path::new("/d")).unwrap();
    let file = disk.create(Path::new("/d/a")).unwrap();
    disk.lose_power_after(1);
    assert!(file.write_at(b"abc", 0).is_err());
    assert!(disk.is_off());
    assert!(file.sync().is_err());
    assert!(disk.reboot().list(Path::new("/d")).is_ok());
}

#[test]
fn a_full_disk_says_so_and_takes_more_once_there_is_room() {
    let disk = SimulatedDisk::new(3);
    disk.create_folder(Path::new("/d")).unwrap();
    let file = disk.create(Path::new("/d/a")).unwrap();
    disk.limit_room(1000);
    file.write_at(&[1; 1000], 0).unwrap();
    assert!(super::super::is_full(
        &file.write_at(&[1; 10], 1000).unwrap_err()
    ));
    assert!(super::super::is_full(&file.preallocate(2000).unwrap_err()));
    file.write_at(&[2; 10], 0).unwrap();
    disk.mend();
    file.write_at(&[1; 10], 1000).unwrap();
}

#[test]
fn a_removed_file_takes_room_until_nobody_has_it_open() {
    let disk = SimulatedDisk::new(3);
    let folder = Path::new("/d");
    disk.create_folder(folder).unwrap();
    disk.limit_room(1000);
    let file = disk.create(&folder.join("a")).unwrap();
    file.write_at(&[1; 300], 0).unwrap();
    let free = || disk.room(folder).unwrap().free;
    assert_eq!((free(), disk.room(folder).unwrap().size), (700, 1000));
    disk.remove(&folder.join("a")).unwrap();
    assert_eq!(free(), 700);
    drop(file);
    assert_eq!(free(), 1000);
}
