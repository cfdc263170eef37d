//! What the operator sets for SIP. Filled by the runtime from the configuration.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::base::ids::{AgentId, TrunkId};
use crate::base::limits::CALLS_MAX_DEFAULT;
use crate::base::session::Codec;

/// A password: never printed, never compared but in constant time.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("‹secret›")
    }
}

/// User and password of digest authentication (RFC 2617).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    pub user: String,
    pub password: Secret,
}

/// Addresses with a common prefix, `192.0.2.0/24`, or a single one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    network: IpAddr,
    /// Leading bits that count, 0 to 32 or 128.
    bits: u8,
}

impl Cidr {
    /// Reads `address` or `address/bits`. `None` if malformed or the bits are too many.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.trim().split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
            None => (text.trim(), None),
        };
        let network: IpAddr = address.parse().ok()?;
        let most = if network.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        (bits <= most).then_some(Self { network, bits })
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.network, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(other)) => {
                let shift = 32 - u32::from(self.bits);
                let cut = |ip: u32| ip.checked_shr(shift).unwrap_or(0);
                cut(network.to_bits()) == cut(other.to_bits())
            }
            (IpAddr::V6(network), IpAddr::V6(other)) => {
                let shift = 128 - u32::from(self.bits);
                let cut = |ip: u128| ip.checked_shr(shift).unwrap_or(0);
                cut(network.to_bits()) == cut(other.to_bits())
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// Who may call in besides the trunks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AcceptAnyone {
    /// Only configured trunks.
    #[default]
    No,
    /// Anyone on this machine: the demo, the tools.
    Loopback,
    /// Anyone who reaches the port: `--lan`.
    Yes,
}

/// What a stranger's request gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strangers {
    /// No answer: a scanner does not learn that anyone is here.
    #[default]
    Silence,
    /// 403.
    Forbidden,
}

/// A carrier or PBX.
#[derive(Clone, Debug)]
pub struct TrunkSettings {
    pub id: TrunkId,
    /// Where its requests come from. A trunk without addresses must have `credentials`.
    pub addresses: Vec<Cidr>,
    /// What it must prove by digest when it calls us; with `addresses`, both must hold.
    pub credentials: Option<Credentials>,
    /// The address that this trunk sees us at, in Contact, Via and SDP.
    pub public_address: Option<IpAddr>,
    /// Codecs for this trunk, the most wanted first.
    pub codecs: Vec<Codec>,
    /// 18x to this trunk are sent reliably where it supports that, not only where it requires.
    pub reliable_provisional: bool,
    /// Our line with the provider, kept registered.
    pub register: Option<RegisterSettings>,
}

impl TrunkSettings {
    pub fn new(id: &str) -> Self {
        Self {
            id: TrunkId::from(id),
            addresses: Vec::new(),
            credentials: None,
            public_address: None,
            codecs: vec![Codec::Pcma, Codec::Pcmu, Codec::G722],
            reliable_provisional: false,
            register: None,
        }
    }
}

/// How we register a trunk's line with its provider.
#[derive(Clone, Debug)]
pub struct RegisterSettings {
    /// `sip:provider.example` or `sip:192.0.2.1:5060;transport=tcp`.
    pub registrar: String,
    pub user: String,
    pub password: Secret,
    /// Wanted registration time, seconds.
    pub expires_s: u32,
}

/// An agent's phone that registers with us.
#[derive(Clone, Debug)]
pub struct PhoneSettings {
    /// User part of its address of record, and its digest user name.
    pub user: String,
    pub password: Secret,
    pub agent: AgentId,
}

/// All of it.
#[derive(Clone, Debug)]
pub struct Settings {
    pub udp: Option<SocketAddr>,
    pub tcp: Option<SocketAddr>,
    /// The address that others see us at, where no trunk says otherwise.
    pub public_address: Option<IpAddr>,
    pub trunks: Vec<TrunkSettings>,
    pub phones: Vec<PhoneSettings>,
    pub accept_anyone: AcceptAnyone,
    pub strangers: Strangers,
    /// Codecs for callers outside trunks and for agents.
    pub codecs: Vec<Codec>,
    /// Inbound calls at once; above it 503.
    pub calls_max: usize,
    /// Session interval that we ask for (RFC 4028), seconds; at least 90.
    pub session_expires_s: u32,
    /// Realm of our challenges.
    pub realm: String,
    pub user_agent: String,
    /// Addresses are banned for their score (wrong passwords, nonsense).
    pub bans: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            udp: None,
            tcp: None,
            public_address: None,
            trunks: Vec::new(),
            phones: Vec::new(),
            accept_anyone: AcceptAnyone::No,
            strangers: Strangers::Silence,
            codecs: vec![Codec::Pcma, Codec::Pcmu, Codec::G722],
            calls_max: CALLS_MAX_DEFAULT,
            session_expires_s: 1_800,
            realm: "warmline".to_owned(),
            user_agent: concat!("Warmline/", env!("CARGO_PKG_VERSION")).to_owned(),
            bans: true,
        }
    }
}

impl Settings {
    /// The trunk that requests from `source` belong to, by address alone.
    pub fn trunk_at(&self, source: IpAddr) -> Option<&TrunkSettings> {
        self.trunks.iter().find(|trunk| trunk.addresses.iter().any(|net| net.contains(source)))
    }

    /// The trunk with this digest user that has no addresses of its own.
    pub fn trunk_of_user(&self, user: &str) -> Option<&TrunkSettings> {
        self.trunks.iter().find(|trunk| {
            trunk.addresses.is_empty()
                && trunk.credentials.as_ref().is_some_and(|known| known.user == user)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_hold_what_they_should() {
        for (net, address, inside) in [
            ("192.0.2.0/24", "192.0.2.9", true),
            ("192.0.2.0/24", "192.0.3.9", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.6", false),
            ("0.0.0.0/0", "8.8.8.8", true),
            ("0.0.0.0/0", "::1", false),
            ("2001:db8::/32", "2001:db8:1::5", true),
            ("192.0.2.0/24", "::ffff:192.0.2.9", true),
        ] {
            let cidr = Cidr::parse(net).expect(net);
            assert_eq!(cidr.contains(address.parse().expect(address)), inside, "{net} {address}");
        }
        for bad in ["", "192.0.2.0/33", "x", "::/129", "192.0.2.0/-1", "192.0.2.0/"] {
            assert!(Cidr::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn passwords_do_not_print() {
        let credentials = Credentials { user: "u".into(), password: Secret::new("hunter2") };
        assert!(!format!("{credentials:?}").contains("hunter2"));
    }
}
