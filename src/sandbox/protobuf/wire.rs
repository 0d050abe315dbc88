//! The wire format of protobuf: numbered parts, each a number or bytes.

/// One part of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    Number(u64, u64),
    Bytes(u64, &'a [u8]),
}

impl Part<'_> {
    /// The field's number.
    pub(super) const fn number(&self) -> u64 {
        match self {
            Self::Number(number, _) | Self::Bytes(number, _) => *number,
        }
    }

    /// Does it say nothing: 0, false, an empty text or message?
    pub(super) const fn is_empty(&self) -> bool {
        match self {
            Self::Number(_, value) => *value == 0,
            Self::Bytes(_, bytes) => bytes.is_empty(),
        }
    }
}

/// The parts of a message; `Some(None)` is where it cannot be read, and the end.
pub(super) struct Wire<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Wire<'a> {
    type Item = Option<Part<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let part = self.part();
        if part.is_none() {
            self.0 = &[];
        }
        Some(part)
    }
}

impl<'a> Wire<'a> {
    fn part(&mut self) -> Option<Part<'a>> {
        let tag = self.varint()?;
        match tag & 7 {
            0 => Some(Part::Number(tag >> 3, self.varint()?)),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                let (bytes, rest) = self.0.split_at_checked(length)?;
                self.0 = rest;
                Some(Part::Bytes(tag >> 3, bytes))
            }
            _ => None,
        }
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}
