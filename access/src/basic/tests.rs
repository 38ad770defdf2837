use std::fs;

use super::*;

fn header(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("htpasswd");
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn line(user: &str, password: &str) -> String {
    format!("{user}:{}\n", bcrypt::hash(password, 4).unwrap())
}

#[tokio::test]
async fn a_user_with_the_right_password_is_let_in_and_nobody_else() {
    let (_folder, path) = file(&line("internal", "s3cret:with:colons"));
    let passwords = Passwords::open(path).unwrap();
    for _ in 0..2 {
        let caller = passwords
            .caller(&header("internal", "s3cret:with:colons"))
            .await;
        let caller = caller.unwrap().unwrap();
        assert_eq!((caller.name.as_str(), caller.way), ("internal", Way::Basic));
    }
    for (user, password) in [
        ("internal", "s3cret"),
        ("internal", ""),
        ("Internal", "s3cret:with:colons"),
        ("", "s3cret:with:colons"),
        ("nobody", "s3cret:with:colons"),
    ] {
        let refused = passwords.caller(&header(user, password)).await;
        assert_eq!(refused, Err(WrongPassword::Wrong), "{user} {password}");
    }
    for malformed in [
        "Basic",
        "Basic ",
        "Basic %%%",
        "basic aW50ZXJuYWw=",
        "Basic /w==",
    ] {
        let refused = passwords.caller(malformed).await;
        let expect = match malformed {
            "Basic" | "Basic " => Ok(None),
            _ => Err(WrongPassword::Malformed),
        };
        assert_eq!(refused, expect, "{malformed}");
    }
    let long = header("internal", &"x".repeat(MAX_HEADER));
    assert_eq!(passwords.caller(&long).await, Err(WrongPassword::Malformed));
    assert_eq!(passwords.caller("Bearer abc").await, Ok(None));
}

/// Looks at the file as if a second had passed.
async fn caller_later(
    passwords: &Passwords,
    header: &str,
) -> Result<Option<Caller>, WrongPassword> {
    {
        let mut held = passwords.held.lock();
        held.looked = held.looked.checked_sub(LOOK).unwrap();
    }
    passwords.caller(header).await
}

#[tokio::test]
async fn a_file_that_changes_counts_and_one_that_cannot_be_used_does_not() {
    let (_folder, path) = file(&line("a", "one"));
    let passwords = Passwords::open(path.clone()).unwrap();
    let (a, b) = (header("a", "one"), header("b", "two"));
    assert!(caller_later(&passwords, &a).await.is_ok());
    assert!(caller_later(&passwords, &b).await.is_err());
    fs::write(&path, line("b", "two") + &line("c", "three")).unwrap();
    assert!(caller_later(&passwords, &a).await.is_err(), "remembered");
    assert!(caller_later(&passwords, &b).await.is_ok());
    fs::write(&path, "nothing of use").unwrap();
    assert!(caller_later(&passwords, &b).await.is_ok());
    fs::remove_file(&path).unwrap();
    assert!(caller_later(&passwords, &b).await.is_ok());
    fs::write(&path, line("a", "one")).unwrap();
    assert!(caller_later(&passwords, &b).await.is_err());
    assert!(caller_later(&passwords, &a).await.is_ok());
}

#[test]
fn a_file_without_anybody_is_told_at_the_start() {
    let (folder, path) = file("x:$apr1$a$b\n");
    let told = Passwords::open(path).unwrap_err().to_string();
    assert!(
        told.contains("the password of \"x\" is neither bcrypt nor {SHA}"),
        "{told}"
    );
    let told = Passwords::open(folder.path().join("none"))
        .unwrap_err()
        .to_string();
    assert!(told.contains("access.htpasswd"), "{told}");
}
