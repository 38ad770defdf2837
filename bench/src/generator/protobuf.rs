//! Protobuf messages with the places of what is filled in at sending. Written apart from `wire`, so that no mistake of one hides in the other.

/// A message being written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    pub(crate) bytes: Vec<u8>,
    /// Offsets into `bytes`, each with what stands there.
    pub(crate) slots: Vec<(u32, Slot)>,
}

/// What is filled in at sending.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Slot {
    /// 16 bytes: the id of the trace with this number in its round. What follows is of this trace.
    TraceId(u32),
    /// 8 bytes: the id of the span at this place of the trace. What follows is of this span.
    SpanId(u32),
    /// 8 bytes: the id of another span of the trace.
    ParentId(u32),
    /// 16 hex digits that no other span has.
    Unique,
    /// A varint of three bytes, one of a million.
    OfAMillion,
    /// 8 bytes: a double.
    Score,
    /// 8 bytes: the time of sending plus this many nanoseconds.
    Time(i64),
}

// === impl Message ===

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    fn tag(&mut self, field: u32, wire_type: u32) {
        self.varint(u64::from(field << 3 | wire_type));
    }

    pub(crate) fn number(&mut self, field: u32, value: u64) {
        self.tag(field, 0);
        self.varint(value);
    }

    /// 8 bytes.
    pub(crate) fn fixed(&mut self, field: u32, value: u64) {
        self.tag(field, 1);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn bytes(&mut self, field: u32, value: &[u8]) {
        self.tag(field, 2);
        self.varint(value.len() as u64);
        self.bytes.extend_from_slice(value);
    }

    pub(crate) fn message(&mut self, field: u32, message: &Message) {
        self.tag(field, 2);
        self.varint(message.bytes.len() as u64);
        let base = self.bytes.len() as u32;
        self.slots
            .extend(message.slots.iter().map(|(at, slot)| (base + at, *slot)));
        self.bytes.extend_from_slice(&message.bytes);
    }

    /// A field that is filled in at sending.
    pub(crate) fn slot(&mut self, field: u32, slot: Slot) {
        let (wire_type, len) = match slot {
            Slot::TraceId(_) | Slot::Unique => (2, 16),
            Slot::SpanId(_) | Slot::ParentId(_) => (2, 8),
            Slot::OfAMillion => (0, 3),
            Slot::Score | Slot::Time(_) => (1, 8),
        };
        self.tag(field, wire_type);
        if wire_type == 2 {
            self.varint(len);
        }
        self.slots.push((self.bytes.len() as u32, slot));
        self.bytes.resize(self.bytes.len() + len as usize, 0);
    }
}
