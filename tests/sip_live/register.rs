//! Registration, both roles at once: our trunk line against our own registrar.

use std::time::Duration;

use warmline::base::ids::{AgentId, TrunkId};
use warmline::sip::sdp::{self, LocalMedia};
use warmline::sip::{
    Cidr, Dial, DialTarget, LegEvent, PhoneSettings, RegisterSettings, Secret, Settings, SipEvent,
    TrunkSettings, TrunkState,
};

use crate::harness::{Answerer, Manner, local, open_settings, start};

fn registrar() -> Settings {
    let phone = PhoneSettings {
        user: "ann".into(),
        password: Secret::new("secret"),
        agent: AgentId::from("ann"),
    };
    Settings { udp: Some(local()), tcp: Some(local()), phones: vec![phone], ..Settings::default() }
}

fn line(registrar: String, password: &str) -> Settings {
    let mut trunk = TrunkSettings::new("provider");
    trunk.addresses = vec![Cidr::parse("127.0.0.1").expect("address")];
    trunk.register = Some(RegisterSettings {
        registrar,
        user: "ann".into(),
        password: Secret::new(password),
        expires_s: 120,
    });
    Settings { trunks: vec![trunk], ..open_settings() }
}

#[tokio::test]
async fn a_line_registers_and_is_called_by_its_name() {
    for transport in ["udp", "tcp"] {
        let (office, mut events) = start(registrar());
        let at = if transport == "udp" { office.udp_address() } else { office.tcp_address() };
        let uri = format!("sip:{};transport={transport}", at.expect("bound"));
        let phone = Answerer::start(line(uri, "secret"), Manner::Answer);
        let registered = TrunkState::Registered { expires_s: 120 };
        assert!(phone.until(5, |heard| heard.trunks.contains(&registered)).await, "{transport}");
        assert_eq!(phone.handle.trunk_states(), [(TrunkId::from("provider"), registered)]);
        let SipEvent::Phone { user, contacts, .. } = events.recv().await.expect("open") else {
            panic!("no phone")
        };
        assert_eq!((user.as_str(), contacts, office.registered("ann")), ("ann", 1, 1));

        let media = LocalMedia::new("127.0.0.1".parse().expect("address"), 41_000);
        let target = DialTarget::Phone("ann".into());
        let dial = Dial { target, ..Dial::to_uri("", sdp::offer(&media)) };
        office.dial(dial).expect("dials");
        let answered = tokio::time::timeout(Duration::from_secs(5), async {
            while let Some(event) = events.recv().await {
                if let SipEvent::Leg { event: LegEvent::Answered { .. }, .. } = event {
                    return true;
                }
            }
            false
        });
        assert!(answered.await.expect("in time"), "{transport}");
        {
            let heard = phone.heard.lock().expect("whole");
            let call = heard.incoming.first().expect("came");
            assert_eq!(call.trunk, TrunkId::from("provider"));
        }

        // Who goes tells the provider, which then has nowhere to send a call.
        phone.handle.drain();
        phone.handle.lines_left(Duration::from_secs(5)).await;
        assert_eq!(office.registered("ann"), 0, "{transport}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_said_and_tried_again_later() {
    let (office, _events) = start(registrar());
    let uri = format!("sip:{};transport=udp", office.udp_address().expect("bound"));
    let phone = Answerer::start(line(uri, "guess"), Manner::Answer);
    assert!(
        phone
            .until(5, |heard| {
                heard.trunks.iter().any(|state| {
        matches!(state, TrunkState::Failed { why, retry_s: 5..=6 } if why.contains("password"))
    })
            })
            .await,
        "{:?}",
        phone.heard.lock().expect("whole").trunks
    );
    assert_eq!(office.registered("ann"), 0);
    let media = LocalMedia::new("127.0.0.1".parse().expect("address"), 41_000);
    let dial =
        Dial { target: DialTarget::Phone("ann".into()), ..Dial::to_uri("", sdp::offer(&media)) };
    assert!(office.dial(dial).is_err());
}
