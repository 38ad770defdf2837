//! `bench plot`: results beside those of others, as an SVG that any browser shows.
//!
//! In: the JSON of `bench load` and `bench query`. Out: three panels of bars. Axes are logarithmic: figures differ a hundredfold.

mod peers;

use serde_json::Value;

const WIDTH: f64 = 900.0;
const LEFT: f64 = 250.0;
const RIGHT: f64 = 90.0;
const BAR: f64 = 16.0;
const OURS: &str = "#c2410c";
const OTHERS: [&str; 3] = ["#64748b", "#94a3b8", "#cbd5e1"];

/// A bar: its name, its value, its colour.
type Bar = (String, f64, &'static str);

/// Draws them.
pub fn draw(results: &[Value]) -> String {
    let loads = || results.iter().filter(|r| r["kind"] == "load");
    let ingest = |member: &str, of: fn(&(&str, f64, f64)) -> f64| -> Vec<Bar> {
        let own = loads().filter_map(|r| Some((label(r), r[member].as_f64()?, OURS)));
        let others = peers::INGEST.iter();
        own.chain(others.map(|peer| (peer.0.to_owned(), of(peer), OTHERS[0])))
            .collect()
    };
    let mut page = Page::default();
    page.panel("spans a second", &ingest("spans_per_second", |p| p.1));
    page.panel(
        "CPU-seconds per million spans",
        &ingest("cpu_seconds_per_million", |p| p.2),
    );
    page.panel(
        "queries: median in ms, one client (others: traces of 16 spans)",
        &queries(results),
    );
    page.finish()
}

fn queries(results: &[Value]) -> Vec<Bar> {
    let mut bars = Vec::new();
    for (query, others) in peers::QUERIES {
        for result in results.iter().filter(|r| r["kind"] == "query") {
            let rows = result["rows"].as_array().map(Vec::as_slice);
            let mut rows = rows.unwrap_or_default().iter();
            let own = rows.find(|row| row["query"] == query && row["clients"] == 1);
            if let Some(ms) = own.and_then(|row| row["p50_ms"].as_f64()) {
                bars.push((format!("{query}: {}", label(result)), ms, OURS));
            }
        }
        let others = peers::STORES.iter().zip(others).zip(OTHERS);
        bars.extend(others.map(|((store, ms), colour)| ((*store).to_owned(), ms, colour)));
    }
    bars
}

fn label(result: &Value) -> String {
    result["label"].as_str().unwrap_or("ours").to_owned()
}

/// An SVG that grows downwards.
#[derive(Default)]
struct Page {
    body: String,
    height: f64,
}

// === impl Page ===

impl Page {
    fn panel(&mut self, title: &str, bars: &[Bar]) {
        let positive = || bars.iter().map(|b| b.1).filter(|v| *v > 0.0);
        let max = positive().fold(1.0, f64::max);
        // the shortest bar keeps some length
        let min = positive().fold(max, f64::min) / 2.0;
        self.height += 30.0;
        self.text(10.0, title, "start", "bold 14px sans-serif");
        self.height += 10.0;
        for (name, value, colour) in bars {
            let part = (value.max(min) / min).ln() / (max / min).ln();
            let width = (part * (WIDTH - LEFT - RIGHT)).max(1.0);
            self.rect(width, colour);
            self.height += BAR - 4.0;
            self.text(LEFT - 6.0, name, "end", "11px sans-serif");
            self.text(
                LEFT + width + 4.0,
                &number(*value),
                "start",
                "11px sans-serif",
            );
            self.height += 8.0;
        }
    }

    fn rect(&mut self, width: f64, colour: &str) {
        let y = self.height;
        self.body.push_str(&format!(
            "<rect x=\"{LEFT}\" y=\"{y}\" width=\"{width:.1}\" height=\"{BAR}\" fill=\"{colour}\"/>\n"
        ));
    }

    fn text(&mut self, x: f64, text: &str, anchor: &str, font: &str) {
        let y = self.height;
        let text = text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        self.body.push_str(&format!(
            "<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"{anchor}\" style=\"font:{font}\">{text}</text>\n"
        ));
    }

    fn finish(self) -> String {
        let height = self.height + 20.0;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{}</svg>\n",
            self.body
        )
    }
}

/// Three digits, thousands apart.
fn number(value: f64) -> String {
    if value < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_shows_own_results_and_those_of_others() {
        let results = [
            serde_json::json!({"kind": "load", "label": "a<b", "spans_per_second": 123_456.7, "cpu_seconds_per_million": null}),
            serde_json::json!({"kind": "query", "label": "c", "rows": [{"query": "Q6 services", "clients": 1, "p50_ms": 0.25}]}),
        ];
        let svg = draw(&results);
        for word in ["a&lt;b", "123,457", "Q6 services: c", "Jaeger 2.20, Badger"] {
            assert!(svg.contains(word), "{word}");
        }
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }
}
