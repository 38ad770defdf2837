use std::time::Instant;

use http::Request;

use super::*;
use crate::{BasePath, Ui};

const PAGE: &str = "<head><base href=\"/\"></head>\n// JAEGER_CONFIG_JS\n\nconst JAEGER_CONFIG = DEFAULT_CONFIG;\nconst JAEGER_VERSION = DEFAULT_VERSION;\n";

/// A folder with a small bundle, and its settings.
fn bundle() -> (tempfile::TempDir, Config) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("ui");
    std::fs::create_dir_all(root.join("static/media")).unwrap();
    write(&root.join("index.html"), PAGE);
    write(&root.join("static/index-BjK3.js"), "let a = 1;");
    write(&root.join("static/media/logo.svg"), "<svg/>");
    write(&folder.path().join("secret"), "hidden");
    let config = Config {
        ui: Ui {
            static_files: Some(root),
            ..Ui::default()
        },
        ..Config::default()
    };
    (folder, config)
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}

fn with_config(config: &mut Config, name: &str, text: &str) -> PathBuf {
    let path = config
        .ui
        .static_files
        .as_ref()
        .unwrap()
        .with_file_name(name);
    write(&path, text);
    config.ui.config = Some(path.clone());
    path
}

async fn text(response: Response) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await;
    String::from_utf8(bytes.unwrap().to_vec()).unwrap()
}

async fn html(site: &Site) -> String {
    text(site.html(None)).await
}

fn asked(tag: Option<&HeaderValue>) -> Parts {
    let mut request = Request::new(());
    if let Some(tag) = tag {
        request.headers_mut().insert(IF_NONE_MATCH, tag.clone());
    }
    request.into_parts().0
}

#[tokio::test]
async fn files_have_their_type_and_are_sent_once() {
    let (_folder, config) = bundle();
    let site = Site::open(&config).unwrap();
    for (name, content_type, holds) in [
        (
            "index-BjK3.js",
            "text/javascript; charset=utf-8",
            "let a = 1;",
        ),
        ("media/logo.svg", "image/svg+xml", "<svg/>"),
        ("media%2Flogo%2Esvg", "image/svg+xml", "<svg/>"),
    ] {
        let first = site.asset(name, &asked(None));
        assert_eq!(first.status(), 200, "{name}");
        let headers = first.headers().clone();
        assert_eq!(headers[CONTENT_TYPE], content_type);
        assert_eq!(headers[CACHE_CONTROL], "no-cache");
        assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(text(first).await, holds);
        let again = site.asset(name, &asked(Some(&headers[ETAG])));
        assert_eq!(again.status(), 304);
        assert_eq!(text(again).await, "");
        let other = HeaderValue::from_static("W/\"other\"");
        assert_eq!(site.asset(name, &asked(Some(&other))).status(), 200);
    }
    let page = site.html(None);
    assert_eq!(page.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
}

#[tokio::test]
async fn no_path_leads_out_of_the_folder() {
    let (folder, config) = bundle();
    let root = config.ui.static_files.clone().unwrap();
    std::os::unix::fs::symlink(folder.path().join("secret"), root.join("static/link")).unwrap();
    std::os::unix::fs::symlink(folder.path(), root.join("static/out")).unwrap();
    let site = Site::open(&config).unwrap();
    for name in [
        "",
        ".",
        "..",
        "../index.html",
        "../../secret",
        "..%2F..%2Fsecret",
        "%2e%2e/%2e%2e/secret",
        "media/../../../secret",
        "/etc/passwd",
        "//etc/passwd",
        "%00",
        "..\\..\\secret",
        "media",
        "media/",
        "link",
        "out/secret",
        "%zz",
    ] {
        let answer = site.asset(name, &asked(None));
        assert_eq!(answer.status(), 404, "{name}");
    }
}

#[tokio::test]
async fn links_within_the_folder_are_followed() {
    let (_folder, config) = bundle();
    let root = config.ui.static_files.clone().unwrap();
    // as Kubernetes mounts a ConfigMap
    std::fs::create_dir(root.join("..data")).unwrap();
    write(&root.join("..data/mounted.css"), "a{}");
    std::os::unix::fs::symlink(
        root.join("..data/mounted.css"),
        root.join("static/mounted.css"),
    )
    .unwrap();
    let site = Site::open(&config).unwrap();
    assert_eq!(text(site.asset("mounted.css", &asked(None))).await, "a{}");
}

#[tokio::test]
async fn what_is_there_packed_alone_is_unpacked() {
    use std::io::Write as _;
    let (_folder, config) = bundle();
    let root = config.ui.static_files.clone().unwrap();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(b"packed").unwrap();
    std::fs::write(root.join("static/a.js.gz"), encoder.finish().unwrap()).unwrap();
    let site = Site::open(&config).unwrap();
    let answer = site.asset("a.js", &asked(None));
    assert_eq!(
        answer.headers()[CONTENT_TYPE],
        "text/javascript; charset=utf-8"
    );
    assert_eq!(text(answer).await, "packed");
}

#[tokio::test]
async fn configuration_stands_in_the_page_escaped() {
    let (_folder, mut config) = bundle();
    config.base_path = BasePath::parse("/jaeger").unwrap();
    let json = "{\"z\": \"</script><!-- & \u{2028}\", \"a\": {\"$1\": 1.0}}";
    with_config(&mut config, "ui.json", json);
    let html = html(&Site::open(&config).unwrap()).await;
    let expect = "const JAEGER_CONFIG = {\"a\":{\"$1\":1},\"z\":\"\\u003c/script\\u003e\\u003c!-- \\u0026 \\u2028\"};";
    assert!(html.contains(expect), "{html}");
    assert!(html.contains("<base href=\"/jaeger/\">"));
    assert!(html.contains("const JAEGER_VERSION = {\"gitCommit\":\"\","));
}

#[test]
fn what_cannot_be_used_ends_the_start_in_jaegers_words() {
    let (folder, config) = bundle();
    for (name, text, expect) in [
        ("ui.json", "{", "cannot parse UI config file "),
        ("ui.json", "[]", "cannot parse UI config file "),
        (
            "ui.js",
            "const a = 1;",
            "UI config file must define function UIConfig(): ",
        ),
        (
            "ui.yaml",
            "a: 1",
            "unrecognized UI config file format, expecting .js or .json file: ",
        ),
    ] {
        let mut config = config.clone();
        let path = with_config(&mut config, name, text);
        let error = Site::open(&config).err().unwrap().to_string();
        assert!(error.starts_with(expect), "{error}");
        assert!(error.contains(&path.display().to_string()), "{error}");
    }
    let mut absent = config.clone();
    absent.ui.config = Some(folder.path().join("nothing.json"));
    let error = Site::open(&absent).err().unwrap().to_string();
    assert!(error.starts_with("cannot read UI config file "), "{error}");
    absent.ui.config = None;
    absent.ui.static_files = Some(folder.path().join("nothing"));
    let error = Site::open(&absent).err().unwrap().to_string();
    assert!(error.contains("query.static-files"), "{error}");
}

#[tokio::test]
async fn a_change_is_followed_and_a_bad_one_is_not() {
    let (_folder, mut config) = bundle();
    let path = with_config(&mut config, "ui.json", "{\"n\":1}");
    let site = Site::open(&config).unwrap();
    let shutdown = CancellationToken::new();
    let steps = async {
        assert!(html(&site).await.contains("JAEGER_CONFIG = {\"n\":1};"));
        write(&path, "{\"n\":2}");
        becomes(&site, "JAEGER_CONFIG = {\"n\":2};").await;
        write(&path, "{");
        let Shown::Bundle(bundle) = &site.0 else {
            panic!("a bundle is shown");
        };
        assert!(matches!(bundle.compare(), Err(SiteError::NoJson { .. })));
        let root = config.ui.static_files.as_ref().unwrap();
        write(&root.join("static/new.js"), "1");
        assert!(bundle.compare().is_err());
        assert!(html(&site).await.contains("JAEGER_CONFIG = {\"n\":2};"));
        assert_eq!(site.asset("new.js", &asked(None)).status(), 404);
        write(&path, "{\"n\":3}");
        becomes(&site, "JAEGER_CONFIG = {\"n\":3};").await;
        assert_eq!(site.asset("new.js", &asked(None)).status(), 200);
        shutdown.cancel();
    };
    tokio::join!(site.keep(&shutdown), steps);
}

async fn becomes(site: &Site, wanted: &str) {
    let until = Instant::now() + Duration::from_secs(10);
    while !html(site).await.contains(wanted) {
        assert!(
            Instant::now() < until,
            "no {wanted} in {}",
            html(site).await
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
