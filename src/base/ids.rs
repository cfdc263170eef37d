//! Identifiers. Small, printable, and made in one place each.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Names one caller's visit: 26 lower-case base-32 digits, time-ordered, drawn by the runtime
/// (48 bits of wall-clock milliseconds, 80 random bits). Safe in file names and URLs.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CallId(String);

impl CallId {
    pub const LENGTH: usize = 26;
    const ALPHABET: &'static [u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

    /// Builds an id from `unix_ms` (milliseconds since 1970) and 80 bits of randomness.
    pub fn new(unix_ms: u64, random: [u8; 10]) -> Self {
        let mut bits: u128 = (unix_ms as u128 & 0xffff_ffff_ffff) << 80;
        for (index, byte) in random.iter().enumerate() {
            bits |= (*byte as u128) << (8 * (9 - index));
        }
        let text = (0..Self::LENGTH)
            .map(|place| {
                let shift = 5 * (Self::LENGTH - 1 - place);
                Self::ALPHABET[((bits >> shift) & 31) as usize] as char
            })
            .collect();
        Self(text)
    }

    /// Reads an id that came from outside (a URL, a file name). `None` unless it is exactly the
    /// form that [`CallId::new`] writes, so that no path or markup can ride on it.
    pub fn parse(text: &str) -> Option<Self> {
        let well_formed =
            text.len() == Self::LENGTH && text.bytes().all(|byte| Self::ALPHABET.contains(&byte));
        well_formed.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for CallId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
        )]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, "{}", self.0)
            }
        }
    };
}

number_id!(
    /// One party's side of a call, counted from 0 (the caller) within the call.
    LegId
);
number_id!(
    /// One thing played to a leg, counted within the call.
    PlayId
);
number_id!(
    /// One question put to a business system, counted within the call.
    RequestId
);
number_id!(
    /// One offer of the call to an agent, counted within the call; events that carry an older
    /// one are late and ignored.
    OfferId
);

impl LegId {
    /// The caller's leg, in every call.
    pub const CALLER: LegId = LegId(0);
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// A person who takes calls, as named in the configuration.
    AgentId
);
text_id!(
    /// An intent of the tables, such as `opening_hours`.
    IntentId
);
text_id!(
    /// A rule of the policy tables, such as `negative_words`.
    RuleId
);
text_id!(
    /// A connector to a business system, as named in the configuration.
    ConnectorId
);
text_id!(
    /// A skill that an agent has and a call may need, such as `billing`.
    Skill
);
text_id!(
    /// A carrier or PBX that we exchange calls with, as named in the configuration.
    TrunkId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn call_ids_sort_by_time_and_read_back() {
        let early = CallId::new(1_000, [255; 10]);
        let late = CallId::new(1_001, [0; 10]);
        assert!(early < late);
        assert_eq!(CallId::parse(early.as_str()), Some(early));
    }

    #[test]
    fn call_ids_from_outside_carry_nothing_else() {
        for text in
            ["", "../../etc/passwd", "0123456789abcdefghjkmnpqr/", "0123456789ABCDEFGHJKMNPQRS"]
        {
            assert_eq!(CallId::parse(text), None, "{text}");
        }
    }
}
