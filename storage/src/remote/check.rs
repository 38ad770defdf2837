//! Whether a store in another process would work: what an operator wants to know before a start, and when something does not.
//!
//! In: how it is reached. Out: findings, each with what is wrong in plain words and which setting mends it. Nothing is changed there.

use model::Instance;
use settings::GoDuration;

use super::{Config, Remote};
use crate::finding::{Finding, Verdict};

/// Looks whether each of `stores` is there, on behalf of `instance`.
pub async fn check(stores: &[Config], instance: &Instance) -> Vec<Finding> {
    let mut findings = Vec::new();
    for config in stores {
        let store = match config.prefix {
            "grpc-storage" => "remote",
            _ => "remote archive",
        };
        let servers: Vec<String> = config.servers.iter().map(ToString::to_string).collect();
        let servers = servers.join(",");
        let (verdict, text) = match Remote::new(config.clone(), None) {
            Err(problem) => (Verdict::Problem, problem),
            Ok(remote) => match remote.find(instance).await {
                Ok(protocol) => (
                    Verdict::Good,
                    format!(
                        "{servers} ({}.server) answers within {} and speaks {protocol}",
                        config.prefix,
                        GoDuration::from(config.patience)
                    ),
                ),
                Err(problem) => (Verdict::Problem, problem),
            },
        };
        findings.push(Finding {
            instance: instance.clone(),
            store,
            subject: "connection",
            verdict,
            text,
        });
    }
    findings
}
