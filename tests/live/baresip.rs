//! baresip as a caller or an agent, with real audio, without a sound card.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::ports;

/// A running baresip; ended when dropped.
pub struct Baresip {
    pub folder: tempfile::TempDir,
    pub sip_port: u16,
    control_port: u16,
    child: Child,
}

/// `false`, with a clear line, where baresip is not installed (never in CI).
pub fn is_there(test: &str) -> bool {
    let there = Path::new("/usr/bin/baresip").exists();
    if !there {
        assert!(std::env::var_os("CI").is_none(), "CI must have installed baresip");
        println!("{test}: skipped, no baresip (./dev test installs it)");
    }
    there
}

impl Baresip {
    /// A phone that sends `sound` on every call. An agent's phone answers by itself.
    pub fn start(sound: &Path, answers: bool) -> Baresip {
        Self::start_on(ports(), sound, answers)
    }

    /// The same on a block of ports of the test's choice.
    pub fn start_on(port: u16, sound: &Path, answers: bool) -> Baresip {
        let mode = if answers { ";answermode=auto" } else { "" };
        let account = format!("<sip:phone@127.0.0.1:{port}>;regint=0{mode}");
        Self::with_account(port, sound, &account)
    }

    /// An agent's phone that registers at `registrar` (`host:port`) and answers by itself.
    #[allow(dead_code)] // for the tests of transfers
    pub fn registered(sound: &Path, user: &str, password: &str, registrar: &str) -> Baresip {
        let account = format!(
            "<sip:{user}@{registrar}>;auth_user={user};auth_pass={password};regint=60;\
             answermode=auto"
        );
        Self::with_account(ports(), sound, &account)
    }

    fn with_account(port: u16, sound: &Path, account: &str) -> Baresip {
        let folder = tempfile::tempdir().expect("a folder");
        let (sip_port, control_port) = (port, port + 4);
        write_config(folder.path(), sound, sip_port, control_port, account);
        let child = Command::new("baresip")
            .args(["-4", "-f"])
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(fs::File::create(folder.path().join("out.txt")).expect("a log"))
            .stderr(Stdio::null())
            .spawn()
            .expect("baresip starts");
        let phone = Baresip { folder, sip_port, control_port, child };
        phone.wait_for_control();
        phone
    }

    fn wait_for_control(&self) {
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.control_port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "{}", self.output());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    pub fn output(&self) -> String {
        fs::read_to_string(self.folder.path().join("out.txt")).unwrap_or_default()
    }

    /// Where it takes and places calls.
    #[allow(dead_code)] // for the tests of transfers
    pub fn sip_port(&self) -> u16 {
        self.sip_port
    }

    pub fn contact(&self) -> String {
        format!("sip:phone@127.0.0.1:{}", self.sip_port)
    }

    pub fn dial(&self, uri: &str) {
        self.command("dial", uri);
    }

    /// Presses a key in the running call.
    pub fn press(&self, key: char) {
        self.command("sndcode", &key.to_string());
    }

    /// Takes the call that rings.
    #[allow(dead_code)] // for the desk's tests
    pub fn answer(&self) {
        self.command("accept", "");
    }

    pub fn hang_up(&self) {
        self.command("hangup", "");
    }

    fn command(&self, command: &str, params: &str) {
        let message = serde_json::json!({ "command": command, "params": params, "token": "t" });
        let message = message.to_string();
        let mut stream =
            TcpStream::connect(("127.0.0.1", self.control_port)).expect("baresip listens");
        let _ = stream.set_read_timeout(Some(Duration::from_millis(500)));
        let _ = write!(stream, "{}:{message},", message.len());
        let mut reply = [0u8; 1024];
        let _ = stream.read(&mut reply);
    }

    /// Waits until its output shows `text`.
    pub fn wait_for(&self, text: &str, within: Duration) {
        let begun = Instant::now();
        while !self.output().contains(text) {
            assert!(begun.elapsed() < within, "no {text:?} in:\n{}", self.output());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// What it received in its longest call so far.
    pub fn received(&self) -> PathBuf {
        let begun = Instant::now();
        loop {
            let files = fs::read_dir(self.folder.path().join("rec")).into_iter().flatten();
            let longest = files
                .flatten()
                .map(|entry| entry.path())
                .filter(|path| path.to_string_lossy().ends_with("-dec.wav"))
                .max_by_key(|path| fs::metadata(path).map(|m| m.len()).unwrap_or(0));
            if let Some(file) = longest {
                return file;
            }
            assert!(begun.elapsed() < Duration::from_secs(5), "nothing received");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Ends the phone, so that its recordings are closed.
    pub fn quit(&mut self) {
        self.command("quit", "");
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(5) {
            if let Ok(Some(_)) = self.child.try_wait() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Baresip {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write_config(folder: &Path, sound: &Path, sip_port: u16, control_port: u16, account: &str) {
    let modules = ["/usr/lib/baresip/modules", "/usr/lib/x86_64-linux-gnu/baresip/modules"];
    let modules = modules.iter().find(|path| Path::new(path).exists()).unwrap_or(&modules[0]);
    fs::create_dir_all(folder.join("rec")).expect("is writable");
    let config = format!(
        "sip_listen 127.0.0.1:{sip_port}\nnet_interface 127.0.0.1\n\
         rtp_ports {rtp}-{rtp_end}\n\
         audio_source aufile,{sound}\naudio_player aufile,{folder}/rx.wav\n\
         audio_alert aufile,/dev/null\nausrc_srate 8000\nauplay_srate 8000\n\
         ausrc_channels 1\nauplay_channels 1\naudio_telev_pt 101\n\
         snd_path {folder}/rec\npoll_method epoll\nmodule_path {modules}\n\
         module g711.so\nmodule aufile.so\nmodule sndfile.so\nmodule_tmp uuid.so\n\
         module_tmp account.so\nmodule_app contact.so\nmodule_app menu.so\n\
         module_app debug_cmd.so\nmodule_app ctrl_tcp.so\n\
         ctrl_tcp_listen 127.0.0.1:{control_port}\n",
        rtp = sip_port + 6,
        rtp_end = sip_port + 9,
        sound = sound.display(),
        folder = folder.display(),
    );
    let account = format!("{account};audio_codecs=pcmu/8000/1;dtmfmode=rtpevent\n");
    fs::write(folder.join("config"), config).expect("is writable");
    fs::write(folder.join("accounts"), account).expect("is writable");
    fs::write(folder.join("contacts"), "").expect("is writable");
}
