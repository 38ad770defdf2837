//! Protobuf messages with the places of what is filled in at sending. Written apart from `wire`, so that no mistake of one hides in the other.

/// A message being written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    pub(crate) bytes: Vec<u8>,
    /// Offsets into `bytes`, each with what stands there.
    pub(crate) slots: Vec<(usize, Slot)>,
}

/// What is filled in at sending.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Slot {
    /// 16 bytes: the id of the trace with this number in its epoch.
    TraceId(u32),
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

    pub(crate) fn double(&mut self, field: u32, value: f64) {
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
        let base = self.bytes.len();
        self.slots
            .extend(message.slots.iter().map(|(at, slot)| (base + at, *slot)));
        self.bytes.extend_from_slice(&message.bytes);
    }

    pub(crate) fn trace_id(&mut self, field: u32, trace: u32) {
        self.tag(field, 2);
        self.varint(16);
        self.slots.push((self.bytes.len(), Slot::TraceId(trace)));
        self.bytes.extend_from_slice(&[0; 16]);
    }

    pub(crate) fn time(&mut self, field: u32, offset_ns: i64) {
        self.tag(field, 1);
        self.slots.push((self.bytes.len(), Slot::Time(offset_ns)));
        self.bytes.extend_from_slice(&[0; 8]);
    }
}
