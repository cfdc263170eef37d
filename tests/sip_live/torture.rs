//! The torture messages of RFC 4475, one datagram each: the process lives, an OPTIONS sent after
//! each is answered, and what must be refused is refused as the RFC's section says.

use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use warmline::base::ids::AgentId;
use warmline::sip::{PhoneSettings, Secret, Settings};

use crate::harness::{Answerer, Manner, ask, local, open_settings, options};

/// Final statuses that are right for a message; 0 is silence. What stands in no line may get any
/// final response or none.
const VERDICTS: [(&str, &[u16]); 40] = [
    // 3.1.1: well formed, to be understood.
    // It carries a To tag, and we have no such dialog.
    ("wsinv", &[481]),
    ("esc01", &[200]),
    ("longreq", &[200]),
    ("dblreq", &[401]),
    ("semiuri", &[200]),
    ("transports", &[200]),
    ("mpart01", &[405]),
    ("escnull", &[401, 400]),
    ("esc02", &[405, 501]),
    ("intmeth", &[405, 400, 501]),
    ("lwsdisp", &[200]),
    ("unreason", &[0]),
    ("noreason", &[0]),
    // 3.1.2: to be refused.
    ("badinv01", &[400]),
    ("clerr", &[400]),
    ("ncl", &[400]),
    ("scalar02", &[400, 401]),
    ("scalarlg", &[0]),
    ("quotbal", &[400]),
    ("ltgtruri", &[400]),
    ("lwsruri", &[400]),
    ("lwsstart", &[400]),
    ("trws", &[400, 200]),
    ("escruri", &[400, 200]),
    ("baddate", &[400, 200]),
    ("regbadct", &[400, 401]),
    ("badaspec", &[400, 200]),
    ("baddn", &[400, 200]),
    ("badvers", &[505]),
    ("mismatch01", &[400]),
    ("mismatch02", &[400, 405, 501]),
    ("bigcode", &[0]),
    // 3.1.2.17 and 3.2 to 3.4: right in form, wrong in meaning.
    ("badbranch", &[400]),
    ("insuf", &[400]),
    ("unkscm", &[416]),
    ("novelsc", &[416, 400]),
    ("bext01", &[420]),
    ("invut", &[415]),
    ("multi01", &[400]),
    ("mcl01", &[400]),
];

/// How long silence is listened to.
const SILENCE: Duration = Duration::from_millis(150);
/// An answer that must come may take so long, on a machine that stalls.
const PATIENCE: Duration = Duration::from_secs(5);

fn messages() -> Option<Vec<(String, Vec<u8>)>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/rfc4475");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: no shared/data/rfc4475 beside the project");
        return None;
    };
    let mut found: Vec<(String, Vec<u8>)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.path().file_stem()?.to_string_lossy().into_owned();
            Some((name, std::fs::read(entry.path()).ok()?))
        })
        .collect();
    found.sort();
    Some(found)
}

/// The final status that comes back within this time; 0 for silence.
fn final_status(to: SocketAddr, bytes: &[u8], within: Duration) -> u16 {
    let socket = UdpSocket::bind(local()).expect("binds");
    socket.set_read_timeout(Some(Duration::from_millis(50))).expect("set");
    socket.send_to(bytes, to).expect("sent");
    let (end, mut buffer) = (Instant::now() + within, vec![0; 65_536]);
    while Instant::now() < end {
        let Ok((length, _)) = socket.recv_from(&mut buffer) else { continue };
        let text = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()).into_owned();
        let status = text.get(8..11).and_then(|code| code.parse().ok()).unwrap_or(0);
        if text.starts_with("SIP/2.0 ") && status >= 200 {
            return status;
        }
    }
    0
}

fn settings() -> Settings {
    let phone = PhoneSettings {
        user: "user".into(),
        password: Secret::new("secret"),
        agent: AgentId::from("user"),
    };
    Settings { phones: vec![phone], ..open_settings() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_torture_message_is_survived_and_judged() {
    let Some(messages) = messages() else { return };
    assert!(messages.len() >= 49, "only {} messages", messages.len());
    let ours = Answerer::start(settings(), Manner::Answer);
    let udp = ours.udp;
    let wrong = tokio::task::spawn_blocking(move || {
        let mut wrong = Vec::new();
        for (number, (name, bytes)) in messages.iter().enumerate() {
            let verdict = VERDICTS.iter().find(|(known, _)| known == name);
            let must_come = verdict.is_some_and(|(_, right)| !right.contains(&0));
            let status = final_status(udp, bytes, if must_come { PATIENCE } else { SILENCE });
            match verdict {
                Some((_, right)) if !right.contains(&status) => {
                    wrong.push(format!("{name}: {status}, not one of {right:?}"));
                }
                Some(_) | None => {}
            }
            let ping = options(udp, number as u32 + 1);
            let alive = ask(udp, ping.as_bytes(), PATIENCE);
            assert!(alive.is_some_and(|text| text.starts_with("SIP/2.0 200")), "after {name}");
        }
        wrong
    });
    let wrong = wrong.await.expect("ran");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_as_a_stranger_is_met_with_silence() {
    let Some(messages) = messages() else { return };
    let settings = Settings { udp: Some(local()), ..Settings::default() };
    let ours = Answerer::start(settings, Manner::Answer);
    let udp = ours.udp;
    let answered = tokio::task::spawn_blocking(move || {
        let socket = UdpSocket::bind(local()).expect("binds");
        for (_, bytes) in &messages {
            socket.send_to(bytes, udp).expect("sent");
        }
        socket.set_read_timeout(Some(Duration::from_millis(400))).expect("set");
        socket.recv_from(&mut [0; 64]).is_ok()
    });
    assert!(!answered.await.expect("ran"));
    let banned = ours.handle.is_banned("127.0.0.1".parse().expect("address"));
    assert!(banned, "ten uninvited messages are enough");
}
