//! A request of OTLP, as the generator writes it, read back as plain spans. What the generator never writes is passed over.

/// A value of an attribute.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Text(&'a str),
    Bool(bool),
    Int(i64),
    Double(f64),
}

/// Key and value.
pub(super) type Tag<'a> = (&'a str, Value<'a>);

/// Spans of one pod.
#[derive(Debug, Default)]
pub(super) struct Plain<'a> {
    pub(super) service: &'a str,
    /// Of the pod, but for its service.
    pub(super) process: Vec<Tag<'a>>,
    pub(super) spans: Vec<Span<'a>>,
}

/// A span, with what the other formats know as tags only: kind, status and scope.
#[derive(Debug, Default)]
pub(super) struct Span<'a> {
    pub(super) trace_id: [u8; 16],
    pub(super) id: [u8; 8],
    pub(super) parent: Option<[u8; 8]>,
    pub(super) name: &'a str,
    pub(super) is_client: bool,
    pub(super) start_ns: u64,
    pub(super) end_ns: u64,
    pub(super) tags: Vec<Tag<'a>>,
    pub(super) events: Vec<Event<'a>>,
    /// Why it failed.
    pub(super) error: Option<&'a str>,
    pub(super) scope: (&'a str, &'a str),
}

/// Something that happened in a span.
#[derive(Debug, Default)]
pub(super) struct Event<'a> {
    pub(super) time_ns: u64,
    pub(super) name: &'a str,
    pub(super) tags: Vec<Tag<'a>>,
}

/// A field of a message: a number, or bytes.
#[derive(Clone, Copy)]
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of a message.
struct Fields<'a>(&'a [u8]);

// === impl Fields ===

impl Fields<'_> {
    fn varint(&mut self) -> u64 {
        let mut value = 0;
        for at in 0.. {
            let byte = self.0[at];
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte < 0x80 {
                self.0 = &self.0[at + 1..];
                break;
            }
        }
        value
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u64, Field<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let tag = self.varint();
        let field = match tag & 7 {
            0 => Field::Number(self.varint()),
            1 => {
                let (number, rest) = self.0.split_first_chunk()?;
                self.0 = rest;
                Field::Number(u64::from_le_bytes(*number))
            }
            _ => {
                let len = self.varint() as usize;
                let (bytes, rest) = self.0.split_at(len);
                self.0 = rest;
                Field::Bytes(bytes)
            }
        };
        Some((tag >> 3, field))
    }
}

// === impl Field ===

impl<'a> Field<'a> {
    fn number(self) -> u64 {
        match self {
            Self::Number(number) => number,
            Self::Bytes(_) => 0,
        }
    }

    fn bytes(self) -> &'a [u8] {
        match self {
            Self::Number(_) => &[],
            Self::Bytes(bytes) => bytes,
        }
    }

    fn text(self) -> &'a str {
        std::str::from_utf8(self.bytes()).unwrap_or_default()
    }

    fn fields(self) -> Fields<'a> {
        Fields(self.bytes())
    }

    fn id<const N: usize>(self) -> [u8; N] {
        self.bytes().try_into().unwrap_or([0; N])
    }

    fn tag(self) -> Tag<'a> {
        let (mut key, mut value) = ("", Value::Text(""));
        for (number, field) in self.fields() {
            match number {
                1 => key = field.text(),
                _ => {
                    for (kind, field) in field.fields() {
                        value = match kind {
                            1 => Value::Text(field.text()),
                            2 => Value::Bool(field.number() != 0),
                            3 => Value::Int(field.number() as i64),
                            _ => Value::Double(f64::from_bits(field.number())),
                        };
                    }
                }
            }
        }
        (key, value)
    }
}

// === impl Plain ===

impl<'a> Plain<'a> {
    pub(super) fn read(request: &'a [u8]) -> Self {
        let mut plain = Self::default();
        for (_, resource_spans) in Fields(request) {
            for (number, field) in resource_spans.fields() {
                match number {
                    1 => plain.read_resource(field),
                    _ => plain.read_spans(field),
                }
            }
        }
        plain
    }

    fn read_resource(&mut self, resource: Field<'a>) {
        for (_, attribute) in resource.fields() {
            match attribute.tag() {
                ("service.name", Value::Text(name)) => self.service = name,
                tag => self.process.push(tag),
            }
        }
    }

    fn read_spans(&mut self, scope_spans: Field<'a>) {
        let mut scope = ("", "");
        for (number, field) in scope_spans.fields() {
            if number != 1 {
                self.spans.push(Span::read(field, scope));
                continue;
            }
            for (number, field) in field.fields() {
                match number {
                    1 => scope.0 = field.text(),
                    _ => scope.1 = field.text(),
                }
            }
        }
    }
}

// === impl Span ===

impl<'a> Span<'a> {
    fn read(span: Field<'a>, scope: (&'a str, &'a str)) -> Self {
        let mut read = Self {
            scope,
            ..Self::default()
        };
        for (number, field) in span.fields() {
            match number {
                1 => read.trace_id = field.id(),
                2 => read.id = field.id(),
                4 => read.parent = Some(field.id()),
                5 => read.name = field.text(),
                6 => read.is_client = field.number() == 3,
                7 => read.start_ns = field.number(),
                8 => read.end_ns = field.number(),
                9 => read.tags.push(field.tag()),
                11 => read.events.push(Event::read(field)),
                _ => {
                    let message = field.fields().find(|(number, _)| *number == 2);
                    read.error = message.map(|(_, message)| message.text());
                }
            }
        }
        read
    }

    pub(super) fn kind(&self) -> &'static str {
        if self.is_client { "client" } else { "server" }
    }

    /// All that Jaeger's formats keep as tags, in the words of OpenTelemetry.
    pub(super) fn all_tags(&self) -> impl Iterator<Item = Tag<'a>> {
        let own = [
            ("span.kind", Value::Text(self.kind())),
            ("otel.scope.name", Value::Text(self.scope.0)),
            ("otel.scope.version", Value::Text(self.scope.1)),
        ];
        let error = self.error.map(|message| {
            [
                ("error", Value::Bool(true)),
                ("otel.status_code", Value::Text("ERROR")),
                ("otel.status_description", Value::Text(message)),
            ]
        });
        let tags = self.tags.clone().into_iter();
        tags.chain(own).chain(error.into_iter().flatten())
    }
}

// === impl Event ===

impl<'a> Event<'a> {
    fn read(event: Field<'a>) -> Self {
        let mut read = Self::default();
        for (number, field) in event.fields() {
            match number {
                1 => read.time_ns = field.number(),
                2 => read.name = field.text(),
                _ => read.tags.push(field.tag()),
            }
        }
        read
    }

    /// Its name is a field like others.
    pub(super) fn fields(&self) -> impl Iterator<Item = Tag<'a>> {
        let name = [("event", Value::Text(self.name))];
        name.into_iter().chain(self.tags.clone())
    }
}
