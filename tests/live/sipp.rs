//! SIPp scenarios: callers and agents whose every message is written out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::server::ports;

/// `false`, with a clear line, where SIPp is not installed (never in CI).
pub fn is_there(test: &str) -> bool {
    let there = Path::new("/usr/bin/sipp").exists();
    if !there {
        assert!(std::env::var_os("CI").is_none(), "CI must have installed SIPp");
        println!("{test}: skipped, no SIPp (./dev test installs it)");
    }
    there
}

/// One run of SIPp.
pub struct Sipp {
    folder: tempfile::TempDir,
    pub port: u16,
    child: Child,
}

impl Sipp {
    /// Runs `scenario` (XML) against `target` (`host:port`) with further arguments.
    pub fn start(scenario: &str, target: &str, arguments: &[&str]) -> Sipp {
        let folder = tempfile::tempdir().expect("a folder");
        let port = ports();
        fs::write(folder.path().join("scenario.xml"), scenario).expect("is writable");
        let log = fs::File::create(folder.path().join("out.txt")).expect("a log");
        let child = Command::new("sipp")
            .current_dir(folder.path())
            .args(["-sf", "scenario.xml", "-i", "127.0.0.1", "-nostdin", "-trace_msg"])
            .args(["-message_file", "messages.txt", "-trace_err", "-error_file", "errors.txt"])
            .args(["-p", &port.to_string(), "-mp", &(port + 4).to_string()])
            .args(arguments)
            .arg(target)
            .env("TERM", "dumb")
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(Stdio::null())
            .spawn()
            .expect("SIPp starts");
        Sipp { folder, port, child }
    }

    /// Waits for its end; the exit status: 0 means that every call went as written.
    pub fn wait(&mut self) -> i32 {
        self.child.wait().ok().and_then(|status| status.code()).unwrap_or(-1)
    }

    pub fn messages(&self) -> String {
        self.read("messages.txt")
    }

    pub fn errors(&self) -> String {
        self.read("errors.txt")
    }

    /// Milliseconds of every timed transaction (`-trace_rtt`).
    #[allow(dead_code)] // for the benchmarks
    pub fn response_times(&self) -> Vec<f64> {
        let files = fs::read_dir(self.folder.path()).into_iter().flatten().flatten();
        let text: String = files
            .filter(|entry| entry.file_name().to_string_lossy().ends_with("_rtt.csv"))
            .filter_map(|entry| fs::read_to_string(entry.path()).ok())
            .collect();
        text.lines()
            .filter_map(|line| line.split(';').nth(1))
            .filter_map(|field| field.trim().parse().ok())
            .collect()
    }

    fn read(&self, name: &str) -> String {
        let path: PathBuf = self.folder.path().join(name);
        fs::read(path).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default()
    }
}

impl Drop for Sipp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A caller's scenario: INVITE with `headers` and `body`, then the steps in `after`.
pub fn caller(headers: &str, body: &str, after: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="caller">
  <send retrans="500"><![CDATA[
INVITE sip:help@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: "Ada" <sip:ada@[local_ip]:[local_port]>;tag=[pid]caller[call_number]
To: <sip:help@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:ada@[local_ip]:[local_port];transport=[transport]>
Max-Forwards: 70
{headers}Content-Type: application/sdp
Content-Length: [len]

{body}]]></send>
{after}
</scenario>
"#
    )
}

/// The usual offer of G.711 and keys.
pub const OFFER: &str = "v=0
o=ada 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
";

/// The steps from the answer on: provisional responses may come, then 200 and ACK.
pub const ANSWERED: &str = r#"  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="183" optional="true"/>
  <recv response="200" rrs="true"/>
"#;

/// A request within the dialog, without a body.
pub fn request(method: &str, cseq: u32) -> String {
    format!(
        r#"  <send{retrans}><![CDATA[
{method} [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: "Ada" <sip:ada@[local_ip]:[local_port]>;tag=[pid]caller[call_number]
To: <sip:help@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: {cseq} {method}
Contact: <sip:ada@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Length: 0

]]></send>
"#,
        retrans = if method == "ACK" { "" } else { " retrans=\"500\"" },
    )
}

pub fn pause(ms: u32) -> String {
    format!("  <pause milliseconds=\"{ms}\"/>\n")
}

pub fn expect(status: u16) -> String {
    format!("  <recv response=\"{status}\"/>\n")
}

/// Replays a packaged key (RFC 4733, payload type 101).
pub fn key(digit: char) -> String {
    format!(
        "  <nop><action><exec play_pcap_audio=\"{}\"/></action></nop>\n",
        pcap(&format!("dtmf_2833_{digit}.pcap"))
    )
}

fn pcap(name: &str) -> String {
    ["/usr/share/sip-tester/pcap", "/usr/share/sip-tester"]
        .iter()
        .map(|folder| format!("{folder}/{name}"))
        .find(|path| Path::new(path).exists())
        .unwrap_or_else(|| name.to_owned())
}
