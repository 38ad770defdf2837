//! Words as a shell takes them, and lines `NAME=value`.
//!
//! In: a text. Out: variables, and the words of a command line. Quotes, backslashes and comments are as in a shell; nothing is expanded.

/// What a command line is made of.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Words {
    /// `NAME=value`, in order.
    pub(super) variables: Vec<(String, String)>,
    /// All else, in order.
    pub(super) arguments: Vec<String>,
}

// === impl Words ===

impl Words {
    pub(super) fn of_text(text: &str) -> Self {
        let mut words = Self::default();
        let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
        let mut command = Vec::new();
        for line in joined.lines() {
            let line = line.trim();
            let bare = line.strip_prefix("export ").unwrap_or(line).trim_start();
            match whole_line(bare) {
                Some(variable) => words.variables.push(variable),
                None => command.extend(split(line)),
            }
        }
        words.add(&command);
        words
    }

    pub(super) fn of_arguments(arguments: &[String]) -> Self {
        let mut words = Self::default();
        words.add(arguments);
        words
    }

    fn add(&mut self, command: &[String]) {
        // the value of a flag may look like a variable, and stands behind a flag
        let mut rest = command.iter().peekable();
        while let Some(word) = rest.next() {
            let next = rest.peek().and_then(|next| variable(next));
            match (word.as_str(), next, variable(word)) {
                // as Docker takes them
                ("-e" | "--env", Some(variable), _) => {
                    self.variables.push(variable);
                    rest.next();
                }
                (_, _, Some(variable)) => self.variables.push(variable),
                _ => self.arguments.push(word.clone()),
            }
        }
    }
}

/// A line that is a variable alone, as in a file of Docker's: blanks belong to its value.
fn whole_line(line: &str) -> Option<(String, String)> {
    let (name, value) = variable(line)?;
    let words = split(&value);
    let is_command = words.iter().skip(1).any(|word| {
        word.starts_with("--") || variable(word).is_some() || super::program(word).is_some()
    });
    if is_command {
        return None;
    }
    let is_quoted = value.starts_with(['"', '\'']);
    let value = match words.as_slice() {
        [one] if is_quoted => one.clone(),
        _ => value,
    };
    Some((name, value))
}

fn variable(word: &str) -> Option<(String, String)> {
    let (name, value) = word.split_once('=')?;
    let is_name = name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    is_name.then(|| (name.to_owned(), value.to_owned()))
}

fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\\', None | Some('"')) => word.get_or_insert_default().extend(chars.next()),
            (c, Some(end)) if c == end => quote = None,
            (c, Some(_)) => word.get_or_insert_default().push(c),
            ('"' | '\'', None) => {
                word.get_or_insert_default();
                quote = Some(c);
            }
            ('#', None) if word.is_none() => break,
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, None) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, variables: &[(&str, &str)], arguments: &[&str]) {
        let words = Words::of_text(text);
        let pairs = words
            .variables
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()));
        assert_eq!(pairs.collect::<Vec<_>>(), variables, "{text}");
        assert_eq!(words.arguments, arguments, "{text}");
    }

    #[test]
    fn a_command_line_is_split_as_a_shell_splits_it() {
        check(
            "SPAN_STORAGE_TYPE=elasticsearch jaeger-collector \\\n  --es.server-urls=\"http://a, http://b\" 'two words' # three\n",
            &[("SPAN_STORAGE_TYPE", "elasticsearch")],
            &[
                "jaeger-collector",
                "--es.server-urls=http://a, http://b",
                "two words",
            ],
        );
        check(
            "docker run -e ES_VERSION=7 --env LOG_LEVEL=debug x",
            &[("ES_VERSION", "7"), ("LOG_LEVEL", "debug")],
            &["docker", "run", "x"],
        );
    }

    #[test]
    fn a_line_of_a_variable_is_its_value_to_the_end() {
        check(
            "# a comment\nCOLLECTOR_TAGS=a=b, c=d\nexport QUERY_BASE_PATH=\"/jaeger\"\nEMPTY=\n",
            &[
                ("COLLECTOR_TAGS", "a=b, c=d"),
                ("QUERY_BASE_PATH", "/jaeger"),
                ("EMPTY", ""),
            ],
            &[],
        );
    }
}
