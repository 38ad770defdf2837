//! Whether everything would work, asked of the stores themselves: Elasticsearch, Kafka, and a store in another process.
//!
//! In: a configuration, and what is wrong with it; first the bundles of authorities. Out: what was found, one a line or as JSON, and whether there was no problem. Nothing is changed anywhere.

use std::io::{self, Write};

use serde_json::{Value, json};
use settings::{Problem, Warning};
use storage::finding::{Finding, Verdict};
use storage::{elasticsearch, kafka, remote};

use crate::cli::Output;
use crate::commands::validate;
use crate::config::Config;
use crate::logs;

/// Says what was found; true means that nothing is a problem.
///
/// # Errors
/// When it can not be written.
pub fn run(
    config: Option<&Config>,
    warnings: &[Warning],
    problems: &[Problem],
    output: Output,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<bool> {
    let files = config.map(validate::unusable).unwrap_or_default();
    let problems = problems.iter().map(ToString::to_string);
    let problems: Vec<String> = problems
        .chain(files.iter().map(ToString::to_string))
        .collect();
    let mut findings = config.map(bundles).unwrap_or_default();
    let asked = config.map(ask).transpose()?.unwrap_or_default();
    let is_nobody_asked = asked.is_empty();
    findings.extend(asked);
    let is_well = problems.is_empty()
        && findings
            .iter()
            .all(|found| found.verdict != Verdict::Problem);
    match output {
        Output::Json => {
            let of = |verdict: Verdict, texts: &mut dyn Iterator<Item = String>| -> Vec<Value> {
                let settings = |text| json!({"subject": "settings", "verdict": verdict.as_str(), "text": text});
                texts.map(settings).collect()
            };
            let mut all = of(
                Verdict::Warning,
                &mut warnings.iter().map(ToString::to_string),
            );
            all.extend(of(Verdict::Problem, &mut problems.into_iter()));
            all.extend(findings.iter().map(as_json));
            writeln!(out, "{:#}", json!({"ok": is_well, "findings": all}))?;
        }
        Output::Text => {
            for warning in warnings {
                writeln!(err, "warning: {warning}")?;
            }
            for problem in &problems {
                writeln!(err, "problem: {problem}")?;
            }
            say(&findings, out)?;
            if is_nobody_asked && config.is_some() {
                writeln!(
                    out,
                    "neither span-storage.type nor the role names a cluster: none was asked"
                )?;
            }
            let count = |verdict| {
                let found = findings.iter().filter(|found| found.verdict == verdict);
                found.count()
            };
            let wrong = several(count(Verdict::Problem) + problems.len(), "problem");
            let told = several(count(Verdict::Warning) + warnings.len(), "warning");
            writeln!(out, "{wrong}, {told}")?;
        }
    }
    Ok(is_well)
}

fn ask(config: &Config) -> io::Result<Vec<Finding>> {
    // what the client has to say is said in lines for a person
    let encoding = "console".parse().unwrap_or(logs::Encoding::Json);
    logs::start(logs::Level::Error, encoding);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(async {
        let mut findings = elasticsearch::check::check(&config.storage.elasticsearch).await;
        findings.extend(kafka::check::check(&config.storage.kafka).await);
        let instance = &config.certificates.instance;
        findings.extend(remote::check::check(&config.storage.remote, instance).await);
        if let Some(ingester) = &config.ingester {
            let instance = &config.certificates.instance;
            findings.extend(ingester::check::check(ingester, instance).await);
        }
        findings
    }))
}

/// What `trust.bundles` holds, and what of it is not used.
fn bundles(config: &Config) -> Vec<Finding> {
    if config.trust.bundles().is_empty() {
        return Vec::new();
    }
    let report = config.trust.report();
    let find = |verdict, text| Finding {
        instance: config.certificates.instance.clone(),
        store: "trust",
        subject: "bundles",
        verdict,
        text,
    };
    let (files, authorities) = (
        several(report.files, "file"),
        several(report.authorities, "certificate"),
    );
    let text =
        format!("{files} (trust.bundles) with {authorities} of authorities that are trusted");
    let flaws = report.flaws.iter().map(|flaw| {
        let verdict = match flaw.why.is_harmless() {
            true => Verdict::Note,
            false => Verdict::Warning,
        };
        find(verdict, format!("{} (trust.bundles)", flaw))
    });
    let mut found = vec![find(Verdict::Good, text)];
    found.extend(flaws);
    found
}

/// A heading for each store, and a line for each finding.
fn say(findings: &[Finding], out: &mut impl Write) -> io::Result<()> {
    let mut at = None;
    for found in findings {
        let store = Some((&found.instance, found.store));
        if at != store {
            let what = match found.store {
                "archive" => ", the archive",
                "producer" => ", Kafka that is written to",
                "consumer" => ", Kafka that is read",
                "trust" => ", whom its connections trust",
                "remote" => ", the store in another process",
                "remote archive" => ", the archive in another process",
                _ => "",
            };
            writeln!(out, "{}{what}", found.instance)?;
            at = store;
        }
        writeln!(
            out,
            "  {:<8} {:<12} {}",
            found.verdict.as_str(),
            found.subject,
            found.text
        )?;
    }
    Ok(())
}

fn as_json(found: &Finding) -> Value {
    json!({
        "instance": found.instance.as_str(),
        "store": found.store,
        "subject": found.subject,
        "verdict": found.verdict.as_str(),
        "text": found.text,
    })
}

fn several(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        many => format!("{many} {what}s"),
    }
}
