//! The SIP room against real peers on loopback: SIPp, a second endpoint of our own, raw sockets
//! and the torture messages of RFC 4475. Ports are free ones, chosen at run time.

#[path = "sip_live/harness.rs"]
mod harness;
#[path = "sip_live/pair.rs"]
mod pair;
#[path = "sip_live/races.rs"]
mod races;
#[path = "sip_live/register.rs"]
mod register;
#[path = "sip_live/sipp.rs"]
mod sipp;
#[path = "sip_live/torture.rs"]
mod torture;
