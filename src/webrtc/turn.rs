//! Short-lived TURN credentials by coturn's `use-auth-secret` scheme: the user name is the moment
//! at which they end, the password its HMAC-SHA1 under the shared secret.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha1::Sha1;

/// A user name and password for one browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    pub user: String,
    pub password: String,
}

/// Credentials that end `lasting_s` after `unix_s`; `name` tells whose they are in coturn's log.
pub fn credentials(secret: &str, name: &str, unix_s: u64, lasting_s: u64) -> Credentials {
    let user = format!("{}:{name}", unix_s.saturating_add(lasting_s));
    let password = match Hmac::<Sha1>::new_from_slice(secret.as_bytes()) {
        Ok(mut mac) => {
            mac.update(user.as_bytes());
            STANDARD.encode(mac.finalize().into_bytes())
        }
        // HMAC takes keys of any length.
        Err(_) => String::new(),
    };
    Credentials { user, password }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_coturn_computes_them() {
        // printf 1600000000:anna | openssl dgst -binary -sha1 -hmac north | base64
        let made = credentials("north", "anna", 1_599_999_000, 1_000);
        assert_eq!(made.user, "1600000000:anna");
        assert_eq!(made.password, PASSWORD);
    }

    const PASSWORD: &str = "WnTtFx0XoTL02fvCsDHNoLumEoY=";
}
