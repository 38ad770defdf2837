//! The two ways of writing metrics down.
//!
//! In: OpenMetrics, as the metrics library writes it, and what a scraper accepts. Out: one or the other. In the older text format a counter's
//! comments carry the name of its samples, `…_total` included; units, exemplars and the end mark do not exist. Source: Prometheus "Exposition formats"
//! (text format 0.0.4), OpenMetrics 1.0.

use std::fmt::Write;

/// The content type of the older format.
pub(super) const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The content type of OpenMetrics.
pub(super) const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Whether an `Accept` header wants OpenMetrics at least as much as plain text. Whoever does not name it gets the older format.
pub(super) fn asks_for_openmetrics(accept: &str) -> bool {
    let wanted = |media_type: &str| {
        let ranges = accept.split(',').filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let named = parts.next()?.eq_ignore_ascii_case(media_type);
            let quality = parts
                .find_map(|part| part.strip_prefix("q="))
                .map_or(Some(1.0), |q| q.parse::<f32>().ok());
            named.then_some(quality.unwrap_or(0.0))
        });
        ranges.fold(0.0, f32::max)
    };
    let openmetrics = wanted("application/openmetrics-text");
    openmetrics > 0.0 && openmetrics >= wanted("text/plain")
}

/// OpenMetrics made into text format 0.0.4.
pub(super) fn to_text_format(openmetrics: &str) -> String {
    let mut text = String::with_capacity(openmetrics.len());
    // The help stands before the type, and its name depends on it.
    let mut help = None;
    for line in openmetrics.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ');
        } else if let Some((name, kind)) = line
            .strip_prefix("# TYPE ")
            .and_then(|rest| rest.split_once(' '))
        {
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                other => ("", other),
            };
            let written = match help.take().filter(|(of, _)| *of == name) {
                Some((_, words)) => writeln!(
                    text,
                    "# HELP {name}{suffix} {words}\n# TYPE {name}{suffix} {kind}"
                ),
                None => writeln!(text, "# TYPE {name}{suffix} {kind}"),
            };
            debug_assert!(written.is_ok(), "writing to a string does not fail");
        } else if !line.starts_with('#') {
            text.push_str(without_exemplar(line));
            text.push('\n');
        }
    }
    text
}

/// A sample ends where ` # ` begins outside of a label's value.
fn without_exemplar(line: &str) -> &str {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in line.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'#' if !quoted => return line.get(..at).map_or(line, str::trim_end),
            _ => {}
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scraper_gets_the_format_that_it_prefers() {
        for (accept, expect) in [
            ("", false),
            ("*/*", false),
            ("text/plain", false),
            ("application/openmetrics-text", true),
            (
                "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                true,
            ),
            ("application/openmetrics-text;q=0.1,text/plain;q=0.9", false),
            ("application/openmetrics-text; q=0", false),
        ] {
            assert_eq!(asks_for_openmetrics(accept), expect, "{accept}");
        }
    }

    #[test]
    fn counters_keep_their_suffix_and_what_is_new_is_left_out() {
        let openmetrics = "# HELP a_spans Spans.\n# TYPE a_spans counter\na_spans_total{svc=\"x # {y\\\" # \"} 3 # {trace=\"1\"} 1.0\n\
            # HELP b_seconds Time.\n# TYPE b_seconds histogram\n# UNIT b_seconds seconds\nb_seconds_bucket{le=\"+Inf\"} 1\n\
            # HELP c Build.\n# TYPE c info\nc_info{v=\"1\"} 1\n# HELP d Open.\n# TYPE d gauge\nd 7\n# EOF\n";
        let expect = "# HELP a_spans_total Spans.\n# TYPE a_spans_total counter\na_spans_total{svc=\"x # {y\\\" # \"} 3\n\
            # HELP b_seconds Time.\n# TYPE b_seconds histogram\nb_seconds_bucket{le=\"+Inf\"} 1\n\
            # HELP c_info Build.\n# TYPE c_info gauge\nc_info{v=\"1\"} 1\n# HELP d Open.\n# TYPE d gauge\nd 7\n";
        assert_eq!(to_text_format(openmetrics), expect);
    }
}
