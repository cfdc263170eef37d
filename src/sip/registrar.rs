//! Where agents' phones can be reached: the bindings of REGISTER (RFC 3261 section 10.3), in
//! memory. Times are milliseconds on a monotonic clock. Who may register is decided before.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use super::limits::{CONTACTS_MAX, REGISTER_EXPIRES_S_MAX, REGISTER_EXPIRES_S_MIN};
use super::wire;

/// One way to reach a phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The URI that the phone gave.
    pub contact: String,
    /// Where its REGISTER came from: requests go back there, through its NAT.
    pub source: SocketAddr,
    /// It came by TCP, and is reached by the same connection.
    pub by_tcp: bool,
    pub expires_ms: u64,
    call_id: String,
    cseq: u32,
    /// Preference 0 to 1,000.
    q: u16,
}

/// What a REGISTER asks for.
#[derive(Clone, Debug)]
pub struct Wish<'a> {
    pub contacts: Vec<&'a str>,
    /// The Expires header.
    pub expires_s: Option<u32>,
    pub call_id: &'a str,
    pub cseq: u32,
    pub source: SocketAddr,
    pub by_tcp: bool,
}

/// Why a REGISTER is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisterRefusal {
    /// 423 with Min-Expires.
    TooBrief,
    /// 403: more than [`CONTACTS_MAX`].
    TooMany,
    /// 500: out of order (RFC 3261 section 10.3 step 7).
    OutOfOrder,
    /// 400.
    Malformed,
}

/// All bindings, by user.
#[derive(Default)]
pub struct Registrar {
    table: HashMap<String, Vec<Binding>>,
}

impl Registrar {
    /// Obeys a REGISTER of `user`; all or nothing. The user's bindings are returned.
    pub fn register(
        &mut self,
        user: &str,
        wish: &Wish<'_>,
        now_ms: u64,
    ) -> Result<Vec<Binding>, RegisterRefusal> {
        let mut list = self.registered(user, now_ms);
        if wish.contacts.iter().any(|contact| contact.trim() == "*") {
            if wish.contacts.len() != 1 || wish.expires_s != Some(0) {
                return Err(RegisterRefusal::Malformed);
            }
            in_order(list.iter(), wish)?;
            list.clear();
        } else {
            for contact in &wish.contacts {
                bind(&mut list, contact, wish, now_ms)?;
            }
        }
        list.sort_by_key(|binding| std::cmp::Reverse((binding.q, binding.expires_ms)));
        if list.is_empty() {
            self.table.remove(user);
        } else {
            self.table.insert(user.to_owned(), list.clone());
        }
        Ok(list)
    }

    /// Live bindings of `user`, the most wanted and newest first.
    pub fn registered(&self, user: &str, now_ms: u64) -> Vec<Binding> {
        let all = self.table.get(user).into_iter().flatten();
        all.filter(|binding| binding.expires_ms > now_ms).cloned().collect()
    }

    /// `true` if a phone is registered from `address` now.
    pub fn is_home(&self, address: IpAddr, now_ms: u64) -> bool {
        let mut all = self.table.values().flatten();
        all.any(|known| known.source.ip() == address && known.expires_ms > now_ms)
    }

    /// Drops what has expired; the users who have nothing left now.
    pub fn expire(&mut self, now_ms: u64) -> Vec<String> {
        let mut gone = Vec::new();
        self.table.retain(|user, list| {
            list.retain(|binding| binding.expires_ms > now_ms);
            if list.is_empty() {
                gone.push(user.clone());
            }
            !list.is_empty()
        });
        gone
    }
}

fn in_order<'a>(
    mut list: impl Iterator<Item = &'a Binding>,
    wish: &Wish<'_>,
) -> Result<(), RegisterRefusal> {
    let late = list.any(|known| known.call_id == wish.call_id && known.cseq >= wish.cseq);
    if late { Err(RegisterRefusal::OutOfOrder) } else { Ok(()) }
}

fn bind(
    list: &mut Vec<Binding>,
    contact: &str,
    wish: &Wish<'_>,
    now_ms: u64,
) -> Result<(), RegisterRefusal> {
    let uri = wire::uri_of(contact);
    if rsipstack::sip::Uri::try_from(uri).is_err() || uri.len() > 512 || !uri.is_ascii() {
        return Err(RegisterRefusal::Malformed);
    }
    let asked = match wire::param(contact, "expires") {
        Some(text) => Some(text.parse::<u32>().map_err(|_| RegisterRefusal::Malformed)?),
        None => wish.expires_s,
    };
    let expires_s = asked.unwrap_or(REGISTER_EXPIRES_S_MAX).min(REGISTER_EXPIRES_S_MAX);
    let place = list.iter().position(|known| known.contact == uri);
    if let Some(known) = place.and_then(|place| list.get(place)) {
        in_order(std::iter::once(known), wish)?;
    }
    if expires_s == 0 {
        if let Some(place) = place {
            list.remove(place);
        }
        return Ok(());
    }
    if expires_s < REGISTER_EXPIRES_S_MIN {
        return Err(RegisterRefusal::TooBrief);
    }
    let binding = Binding {
        contact: uri.to_owned(),
        source: wish.source,
        by_tcp: wish.by_tcp,
        expires_ms: now_ms + u64::from(expires_s) * 1_000,
        call_id: wish.call_id.to_owned(),
        cseq: wish.cseq,
        q: preference(wire::param(contact, "q").unwrap_or("1")),
    };
    let full = list.len() >= CONTACTS_MAX;
    match place.and_then(|place| list.get_mut(place)) {
        Some(known) => *known = binding,
        None if full => return Err(RegisterRefusal::TooMany),
        None => list.push(binding),
    }
    Ok(())
}

/// `0.75` → 750.
fn preference(q: &str) -> u16 {
    let value: f32 = q.parse().unwrap_or(1.0);
    (value.clamp(0.0, 1.0) * 1_000.0) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish<'a>(contacts: &[&'a str], expires_s: Option<u32>, cseq: u32) -> Wish<'a> {
        let source = "192.0.2.1:5060".parse().expect("address");
        Wish { contacts: contacts.to_vec(), expires_s, call_id: "c", cseq, source, by_tcp: false }
    }

    fn contacts(list: &[Binding]) -> Vec<&str> {
        list.iter().map(|binding| binding.contact.as_str()).collect()
    }

    #[test]
    fn binds_refreshes_and_expires() {
        let mut registrar = Registrar::default();
        let first = registrar.register("ann", &wish(&["<sip:ann@10.0.0.1>"], Some(120), 1), 0);
        assert_eq!(contacts(&first.expect("bound")), ["sip:ann@10.0.0.1"]);
        let two = wish(&["<sip:ann@10.0.0.2>;q=0.5;expires=300"], Some(120), 2);
        let second = registrar.register("ann", &two, 1_000).expect("bound");
        assert_eq!(contacts(&second), ["sip:ann@10.0.0.1", "sip:ann@10.0.0.2"], "by q");
        assert_eq!(second[1].expires_ms, 301_000);
        let asked = registrar.register("ann", &wish(&[], None, 3), 119_999).expect("asked");
        assert_eq!(asked.len(), 2);
        let home = "192.0.2.1".parse().expect("address");
        assert!(registrar.is_home(home, 300_999) && !registrar.is_home(home, 301_000));
        assert_eq!(contacts(&registrar.registered("ann", 120_000)), ["sip:ann@10.0.0.2"]);
        assert_eq!(registrar.expire(301_000), ["ann"]);
    }

    #[test]
    fn removes_one_or_all() {
        let mut registrar = Registrar::default();
        let both = wish(&["<sip:a@h>", "<sip:b@h>"], None, 1);
        assert_eq!(registrar.register("ann", &both, 0).map(|list| list.len()), Ok(2));
        let one = wish(&["<sip:a@h>;expires=0"], None, 2);
        assert_eq!(contacts(&registrar.register("ann", &one, 0).expect("ok")), ["sip:b@h"]);
        let star = |expires, cseq| wish(&["*"], expires, cseq);
        let refused = registrar.register("ann", &star(None, 3), 0);
        assert_eq!(refused, Err(RegisterRefusal::Malformed));
        assert_eq!(registrar.register("ann", &star(Some(0), 4), 0), Ok(vec![]));
    }

    #[test]
    fn refusals_leave_all_as_it_was() {
        let mut registrar = Registrar::default();
        registrar.register("ann", &wish(&["<sip:a@h>"], Some(600), 5), 0).expect("bound");
        for (contact, cseq, refusal) in [
            ("<sip:b@h>;expires=10", 6, RegisterRefusal::TooBrief),
            ("<sip:a@h>", 5, RegisterRefusal::OutOfOrder),
            ("<>", 7, RegisterRefusal::Malformed),
            ("<sip:b@h>;expires=x", 8, RegisterRefusal::Malformed),
        ] {
            let result = registrar.register("ann", &wish(&[contact], None, cseq), 0);
            assert_eq!(result, Err(refusal), "{contact}");
        }
        let many: Vec<String> = (0..CONTACTS_MAX).map(|n| format!("<sip:p{n}@h>")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let result = registrar.register("ann", &wish(&many, None, 9), 0);
        assert_eq!(result, Err(RegisterRefusal::TooMany));
        assert_eq!(contacts(&registrar.registered("ann", 0)), ["sip:a@h"]);
    }
}
