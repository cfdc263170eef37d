//! `[browser]`: calls from web pages, and agents' browsers.

use std::net::IpAddr;

use super::super::reader::Table;
use super::super::secret::Secret;
use super::super::settings::Browser;
use super::Sections;

impl Sections<'_> {
    pub(super) fn browser(&mut self, table: &Table) -> Browser {
        let default = Browser::default();
        let mut count = |key, default: usize, max: i64| {
            table.integer_in(key, 1..=max, default as i64, self.problems) as usize
        };
        let calls_max = count("calls_max", default.calls_max, 10_000);
        let calls_per_address_max =
            count("calls_per_address_max", default.calls_per_address_max, 10_000);
        let calls_per_minute_max =
            count("calls_per_minute_max", default.calls_per_minute_max, 10_000);
        let (turn_urls, turn_secret) = self.turn(table);
        Browser {
            on: table.bool_or("on", default.on, self.problems),
            listen: self.listen_addresses(table),
            udp_ports: self.udp_ports(table),
            public_address: self.address(table, "public_address"),
            allowed_origins: self.origins(table),
            calls_max,
            calls_per_address_max,
            calls_per_minute_max,
            turn_urls,
            turn_secret,
            dialled: table.string_or("dialled", &default.dialled, self.problems),
            phone: table.string("phone", self.problems),
        }
    }

    fn listen_addresses(&mut self, table: &Table) -> Vec<IpAddr> {
        let mut addresses = Vec::new();
        for text in table.strings("listen", self.problems) {
            match text.parse() {
                Ok(address) => addresses.push(address),
                Err(_) => {
                    let expected = "IP addresses such as \"0.0.0.0\"";
                    table.fault("listen", format!("{text:?}"), expected, self.problems);
                }
            }
        }
        addresses
    }

    fn udp_ports(&mut self, table: &Table) -> Option<(u16, u16)> {
        if !table.has("udp_port_min") && !table.has("udp_port_max") {
            return None;
        }
        let mut port = |key| table.integer_in(key, 1_024..=65_535, 0, self.problems) as u16;
        let (first, last) = (port("udp_port_min"), port("udp_port_max"));
        if last < first {
            let expected = "udp_port_min and a udp_port_max that is not below it";
            table.fault("udp_port_max", last, expected, self.problems);
        }
        Some((first, last))
    }

    fn origins(&mut self, table: &Table) -> Vec<String> {
        let origins = table.strings("allowed_origins", self.problems);
        for origin in &origins {
            let host = origin
                .strip_prefix("https://")
                .or_else(|| origin.strip_prefix("http://127.0.0.1"))
                .or_else(|| origin.strip_prefix("http://localhost"));
            if host.is_none_or(|host| host.contains(['/', '*', ' '])) {
                let expected = "origins such as \"https://shop.example\", without a path; \
                                browsers give no microphone without HTTPS";
                table.fault("allowed_origins", format!("{origin:?}"), expected, self.problems);
            }
        }
        origins
    }

    fn turn(&mut self, table: &Table) -> (Vec<String>, Option<Secret>) {
        let Some(turn) = table.table("turn", self.problems) else { return (Vec::new(), None) };
        let urls = turn.strings("urls", self.problems);
        for url in &urls {
            if !url.starts_with("turn:") && !url.starts_with("turns:") {
                let expected = "addresses such as \"turn:turn.example.org:3478\"";
                turn.fault("urls", format!("{url:?}"), expected, self.problems);
            }
        }
        let secret = Secret::read(&turn, self.folder, self.problems);
        if urls.is_empty() != secret.is_none() {
            let expected = "both urls and password (coturn's static-auth-secret)";
            turn.fault("urls", "one without the other", expected, self.problems);
        }
        turn.finish(self.problems);
        (urls, secret)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::Config;

    fn read(section: &str) -> Result<Config, String> {
        let text = format!("[browser]\n{section}");
        Config::read("t.toml", &text, Path::new(".")).map_err(|problems| problems.to_string())
    }

    #[test]
    fn what_is_taken() {
        let config = read(
            "listen = [\"10.0.0.5\"]\nudp_port_min = 30000\nudp_port_max = 30999\n\
             public_address = \"203.0.113.7\"\nallowed_origins = [\"https://shop.example\"]\n\
             calls_max = 9\n[browser.turn]\nurls = [\"turn:t.example:3478\"]\npassword = \"north\"",
        );
        let browser = config.unwrap().browser;
        assert_eq!(browser.udp_ports, Some((30_000, 30_999)));
        assert_eq!((browser.calls_max, browser.turn_urls.len()), (9, 1));
        assert_eq!(browser.turn_secret.unwrap().reveal(), "north");
        assert!(read("").unwrap().browser.on);
    }

    #[test]
    fn every_fault_is_named() {
        let problems = read(
            "listen = [\"x\"]\nudp_port_min = 40000\nudp_port_max = 30000\n\
             allowed_origins = [\"http://shop.example\", \"https://a.example/path\"]\n\
             calls_max = 0\n[browser.turn]\nurls = [\"stun:t.example\"]",
        )
        .unwrap_err();
        for field in ["listen", "udp_port_max", "allowed_origins", "calls_max", "urls"] {
            assert!(problems.contains(field), "{field}: {problems}");
        }
        assert_eq!(problems.matches("allowed_origins").count(), 2, "{problems}");
    }
}
