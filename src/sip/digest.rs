//! Digest authentication (RFC 2617, MD5 with qop=auth): our challenges and their proof, and our
//! own answers to a trunk's challenge. The nonce is a time, a serial number and their HMAC, so that
//! a challenge costs no memory; only nonces that were used are remembered, for their count.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use md5::{Digest as _, Md5};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::limits::{NONCE_LIFE, NONCES_MAX};
use super::settings::Credentials;

/// What a proof is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The right password, freshly proved.
    Good,
    /// The right password with a nonce that is too old: challenge again with `stale=true`.
    Stale,
    /// Wrong password, unknown user, foreign nonce.
    Wrong,
    /// A right proof that was used before.
    Replayed,
}

/// Fields of a Digest header, either way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(HashMap<String, String>);

impl Fields {
    /// Reads `Digest a="b", c=d`. `None` if it is another scheme or malformed.
    pub fn parse(value: &str) -> Option<Self> {
        let (scheme, rest) = value.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("digest") {
            return None;
        }
        let mut fields = HashMap::new();
        for item in super::wire::split_list(rest).into_iter().take(32) {
            let (key, value) = item.split_once('=')?;
            let value = value.trim();
            let bare = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            fields.insert(key.trim().to_ascii_lowercase(), bare.unwrap_or(value).to_owned());
        }
        Some(Self(fields))
    }

    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

/// Makes challenges and checks proofs. Times are Unix seconds.
pub struct Challenger {
    key: [u8; 32],
    realm: String,
    /// Two phones that ask in the same second get two nonces.
    serial: AtomicU64,
    /// Nonce → highest count, and the request that used it (a retransmission is no replay).
    used: HashMap<String, (u32, u64, u64)>,
}

impl Challenger {
    /// `key` is random, for this process.
    pub fn new(key: [u8; 32], realm: &str) -> Self {
        Self {
            key,
            realm: realm.replace(['"', '\\'], ""),
            serial: AtomicU64::new(0),
            used: HashMap::new(),
        }
    }

    /// The value of WWW-Authenticate.
    pub fn challenge(&self, now_s: u64, stale: bool) -> String {
        let stale = if stale { ", stale=true" } else { "" };
        let (realm, nonce) = (&self.realm, self.nonce(now_s));
        format!("Digest realm=\"{realm}\", nonce=\"{nonce}\", algorithm=MD5, qop=\"auth\"{stale}")
    }

    fn nonce(&self, now_s: u64) -> String {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let mut bytes = [now_s.to_be_bytes(), serial.to_be_bytes()].concat();
        let seal = self.seal(&bytes);
        bytes.extend_from_slice(seal.get(..16).unwrap_or_default());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn seal(&self, time_and_serial: &[u8]) -> [u8; 32] {
        let mut out = [0; 32];
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) {
            mac.update(time_and_serial);
            mac.update(self.realm.as_bytes());
            out.copy_from_slice(&mac.finalize().into_bytes());
        }
        out
    }

    /// When the nonce was made, if we made it.
    fn made_at(&self, nonce: &str) -> Option<u64> {
        let bytes = URL_SAFE_NO_PAD.decode(nonce).ok()?;
        let (stamp, seal) = bytes.split_at_checked(16)?;
        let right: bool = seal.ct_eq(self.seal(stamp).get(..16)?).into();
        let time = u64::from_be_bytes(stamp.get(..8)?.try_into().ok()?);
        right.then_some(time)
    }

    /// Checks `fields` for `method` against `known`; an unknown user (`None`) costs the same
    /// time. `request` tells one request from another: the hash of Call-ID and CSeq.
    pub fn check(
        &mut self,
        fields: &Fields,
        method: &str,
        known: Option<&Credentials>,
        request: u64,
        now_s: u64,
    ) -> Proof {
        let nobody = Credentials { user: String::new(), password: super::Secret::new("x") };
        let right = response(known.unwrap_or(&nobody), fields, method);
        let given = fields.get("response").to_ascii_lowercase();
        let same: bool = right.as_bytes().ct_eq(given.as_bytes()).into();
        let made = self.made_at(fields.get("nonce"));
        let honest = fields.get("realm") == self.realm
            && known.is_some_and(|known| known.user == fields.get("username"));
        let (true, true, Some(made)) = (same, honest, made) else { return Proof::Wrong };
        if now_s.saturating_sub(made) > NONCE_LIFE.as_secs() || made > now_s + 5 {
            return Proof::Stale;
        }
        self.count(fields, request, made, now_s)
    }

    fn count(&mut self, fields: &Fields, request: u64, made: u64, now_s: u64) -> Proof {
        let Ok(count) = u32::from_str_radix(fields.get("nc"), 16) else { return Proof::Wrong };
        if self.used.len() >= NONCES_MAX {
            let life = NONCE_LIFE.as_secs();
            self.used.retain(|_, (_, _, made)| now_s.saturating_sub(*made) <= life);
            if self.used.len() >= NONCES_MAX {
                return Proof::Stale;
            }
        }
        let nonce = fields.get("nonce").to_owned();
        match self.used.get_mut(&nonce) {
            Some((last, by, _)) if count == *last && request == *by => Proof::Good,
            Some((last, _, _)) if count <= *last => Proof::Replayed,
            Some((last, by, _)) => {
                (*last, *by) = (count, request);
                Proof::Good
            }
            None => {
                self.used.insert(nonce, (count, request, made));
                Proof::Good
            }
        }
    }
}

/// The right `response` for these fields (RFC 2617 section 3.2.2), qop=auth.
fn response(known: &Credentials, fields: &Fields, method: &str) -> String {
    let (user, password) = (&known.user, known.password.reveal());
    let ha1 = hex_md5(&format!("{user}:{}:{password}", fields.get("realm")));
    let ha2 = hex_md5(&format!("{method}:{}", fields.get("uri")));
    let nonce = fields.get("nonce");
    if fields.get("qop").is_empty() {
        return hex_md5(&format!("{ha1}:{nonce}:{ha2}"));
    }
    let (nc, cnonce, qop) = (fields.get("nc"), fields.get("cnonce"), fields.get("qop"));
    hex_md5(&format!("{ha1}:{nonce}:{nc}:{cnonce}:{qop}:{ha2}"))
}

/// Our answer to a trunk's `challenge`: the value of (Proxy-)Authorization. `None` if it asks for
/// what we do not speak. `cnonce` is random text.
pub fn answer(
    challenge: &str,
    credentials: &Credentials,
    method: &str,
    uri: &str,
    cnonce: &str,
) -> Option<String> {
    let asked = Fields::parse(challenge)?;
    let algorithm = asked.get("algorithm");
    if !algorithm.is_empty() && !algorithm.eq_ignore_ascii_case("md5") {
        return None;
    }
    let offers_auth = asked.get("qop").split(',').any(|qop| qop.trim() == "auth");
    if !asked.get("qop").is_empty() && !offers_auth {
        return None;
    }
    let clean = |text: &str| text.replace(['"', '\r', '\n'], "");
    let mut fields = Fields::default();
    let mut put = |name: &str, value: &str| fields.0.insert(name.to_owned(), clean(value));
    put("realm", asked.get("realm"));
    put("nonce", asked.get("nonce"));
    put("uri", uri);
    if offers_auth {
        put("qop", "auth");
        put("nc", "00000001");
        put("cnonce", cnonce);
    }
    let proof = response(credentials, &fields, method);
    let (realm, nonce) = (fields.get("realm"), fields.get("nonce"));
    let (user, uri) = (clean(&credentials.user), fields.get("uri"));
    let mut out = format!(
        "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
         response=\"{proof}\", algorithm=MD5"
    );
    if offers_auth {
        out.push_str(&format!(", qop=auth, nc=00000001, cnonce=\"{cnonce}\""));
    }
    let opaque = clean(asked.get("opaque"));
    if !opaque.is_empty() {
        out.push_str(&format!(", opaque=\"{opaque}\""));
    }
    Some(out)
}

fn hex_md5(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Secret;
    use super::*;

    fn ann() -> Credentials {
        Credentials { user: "ann".into(), password: Secret::new("secret") }
    }

    fn proof(challenger: &Challenger, now_s: u64, count: u32, password: &str) -> Fields {
        proof_of(&challenger.challenge(now_s, false), count, password)
    }

    fn proof_of(asked: &str, count: u32, password: &str) -> Fields {
        let known = Credentials { user: "ann".into(), password: Secret::new(password) };
        let text = answer(asked, &known, "REGISTER", "sip:x", "abc").expect("speaks MD5");
        let mut fields = Fields::parse(&text).expect("digest");
        fields.0.insert("nc".into(), format!("{count:08x}"));
        let right = response(&known, &fields, "REGISTER");
        fields.0.insert("response".into(), right);
        fields
    }

    #[test]
    fn the_example_of_rfc_2617() {
        let fields = Fields::parse(
            r#"Digest username="Mufasa", realm="testrealm@host.com",
            nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="/dir/index.html", qop=auth,
            nc=00000001, cnonce="0a4f113b", response="6629fae49393a05397450978507c4ef1""#,
        );
        let known = Credentials { user: "Mufasa".into(), password: Secret::new("Circle Of Life") };
        let right = response(&known, &fields.expect("digest"), "GET");
        assert_eq!(right, "6629fae49393a05397450978507c4ef1");
    }

    #[test]
    fn a_right_proof_is_good_once() {
        let mut challenger = Challenger::new([7; 32], "home");
        let (known, fields) = (ann(), proof(&challenger, 1_000, 1, "secret"));
        let mut check = |fields: &Fields, request, now| {
            challenger.check(fields, "REGISTER", Some(&known), request, now)
        };
        assert_eq!(check(&fields, 1, 1_001), Proof::Good);
        assert_eq!(check(&fields, 1, 1_002), Proof::Good, "a retransmission");
        assert_eq!(check(&fields, 2, 1_002), Proof::Replayed);
        assert_eq!(check(&fields, 2, 2_000), Proof::Stale);
    }

    #[test]
    fn a_wrong_proof_is_wrong_whoever_it_names() {
        let mut challenger = Challenger::new([7; 32], "home");
        let wrong = proof(&challenger, 1_000, 1, "guess");
        let right = proof(&challenger, 1_000, 1, "secret");
        assert_eq!(challenger.check(&wrong, "REGISTER", Some(&ann()), 1, 1_000), Proof::Wrong);
        assert_eq!(challenger.check(&wrong, "REGISTER", None, 1, 1_000), Proof::Wrong);
        assert_eq!(challenger.check(&right, "REGISTER", None, 1, 1_000), Proof::Wrong);
        assert_eq!(challenger.check(&right, "INVITE", Some(&ann()), 1, 1_000), Proof::Wrong);
        let foreign = proof(&Challenger::new([8; 32], "home"), 1_000, 1, "secret");
        assert_eq!(challenger.check(&foreign, "REGISTER", Some(&ann()), 1, 1_000), Proof::Wrong);
        let other_realm = proof(&Challenger::new([7; 32], "x"), 1_000, 1, "secret");
        let verdict = challenger.check(&other_realm, "REGISTER", Some(&ann()), 1, 1_000);
        assert_eq!(verdict, Proof::Wrong);
    }

    #[test]
    fn phones_that_ask_in_the_same_second_are_all_let_in() {
        let mut challenger = Challenger::new([7; 32], "home");
        for request in 1..=3 {
            let fields = proof(&challenger, 1_000, 1, "secret");
            let verdict = challenger.check(&fields, "REGISTER", Some(&ann()), request, 1_000);
            assert_eq!(verdict, Proof::Good, "request {request}");
        }
    }

    #[test]
    fn counts_rise() {
        let mut challenger = Challenger::new([7; 32], "home");
        let asked = challenger.challenge(1_000, false);
        for (count, request, wanted) in
            [(1, 1, Proof::Good), (3, 2, Proof::Good), (2, 3, Proof::Replayed), (4, 3, Proof::Good)]
        {
            let fields = proof_of(&asked, count, "secret");
            let verdict = challenger.check(&fields, "REGISTER", Some(&ann()), request, 1_000);
            assert_eq!(verdict, wanted, "count {count}");
        }
    }

    #[test]
    fn we_answer_only_what_we_speak() {
        for challenge in [
            "Basic realm=\"x\"",
            "Digest realm=\"x\", nonce=\"y\", algorithm=FOO",
            "Digest realm=\"x\", nonce=\"y\", qop=\"auth-int\"",
            "",
            "Digest",
        ] {
            assert_eq!(answer(challenge, &ann(), "INVITE", "sip:x", "c"), None, "{challenge}");
        }
    }
}
