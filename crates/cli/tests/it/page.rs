//! The pages in a real browser: nothing asked of a network, no errors, sorting and filters work.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::command::{Workplace, small_trace};

/// A headless Chromium, driven over the WebDriver protocol (W3C WebDriver, sections 8 to 13).
struct Browser {
    driver: Child,
    port: u16,
    session: String,
}

impl Browser {
    /// Starts one; says so and gives none where there is no chromedriver.
    fn start() -> Option<Browser> {
        if Command::new("chromedriver").arg("--version").stdout(Stdio::null()).status().is_err() {
            println!("SKIPPED: no chromedriver here; Debian has chromium and chromium-driver");
            return None;
        }
        // It takes a port that is free for one family of addresses and then asks for the same of
        // the other, where another program may have it by now: then it ends without one.
        let (driver, port) = (0..10).find_map(|_| Browser::driver()).expect("a driver with a port");
        let mut browser = Browser { driver, port, session: String::new() };
        let options = json!({ "args": [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ] });
        let logs = json!({ "browser": "ALL", "performance": "ALL" });
        let wanted = json!({
            "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": logs,
        });
        let capabilities = json!({ "capabilities": { "alwaysMatch": wanted } });
        let session = browser.ask("POST", "/session", &capabilities);
        browser.session = format!("/session/{}", session["sessionId"].as_str().unwrap());
        Some(browser)
    }

    /// A driver and the port that it listens on, if it found one.
    fn driver() -> Option<(Child, u16)> {
        let mut driver =
            Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(driver.stdout.take().unwrap()).lines().map(Result::unwrap);
        let port = said.find_map(|line| {
            let (_, rest) = line.split_once("successfully on port ")?;
            rest.trim_end_matches('.').parse().ok()
        });
        if port.is_none() {
            driver.wait().unwrap();
        }
        Some((driver, port?))
    }

    /// One request to the driver, and the value that it answers.
    #[track_caller]
    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = body.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).unwrap();
        // It keeps the connection: the answer is as long as it says.
        let mut answer = BufReader::new(stream);
        let mut n_bytes = 0;
        loop {
            let mut line = String::new();
            answer.read_line(&mut line).unwrap();
            let (name, value) = line.split_once(':').unwrap_or_default();
            if name.eq_ignore_ascii_case("content-length") {
                n_bytes = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; n_bytes];
        answer.read_exact(&mut body).unwrap();
        let value = serde_json::from_slice::<Value>(&body).unwrap()["value"].take();
        assert!(value["error"].is_null(), "{path}: {}", value["message"]);
        value
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> Value {
        self.ask("POST", &format!("{}{path}", self.session), body)
    }

    fn open(&self, page: &Path) {
        let url = format!("file://{}", page.canonicalize().unwrap().display());
        self.post("/url", &json!({ "url": url }));
    }

    /// What a script returns.
    #[track_caller]
    fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    fn is_wide(&self, width: u32, theme: &str) {
        let set = |cmd: &str, params: Value| {
            self.post("/goog/cdp/execute", &json!({ "cmd": cmd, "params": params }));
        };
        let size =
            json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600 });
        set("Emulation.setDeviceMetricsOverride", size);
        let scheme = json!({ "name": "prefers-color-scheme", "value": theme });
        set("Emulation.setEmulatedMedia", json!({ "features": [scheme] }));
    }

    /// Holds if the page caused no error and asked for nothing but itself.
    #[track_caller]
    fn check_logs(&self) {
        let log = |kind: &str| self.post("/se/log", &json!({ "type": kind }));
        for entry in log("browser").as_array().unwrap() {
            assert_ne!(entry["level"], "SEVERE", "{entry}");
        }
        let mut n_pages = 0;
        for entry in log("performance").as_array().unwrap() {
            let message: Value = serde_json::from_str(entry["message"].as_str().unwrap()).unwrap();
            if message["message"]["method"] == "Network.requestWillBeSent" {
                let url = message["message"]["params"]["request"]["url"].as_str().unwrap();
                assert!(url.starts_with("file:") || url.starts_with("data:"), "{url}");
                n_pages += u32::from(url.ends_with("index.html"));
            }
        }
        assert!(0 < n_pages, "the log shows the page itself");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() && !std::thread::panicking() {
            self.ask("DELETE", &self.session.clone(), &json!({}));
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Holds if a page fits a telephone and a desk, in both themes, with and without being asked.
#[track_caller]
fn check_looks(browser: &Browser) {
    let mut grounds = Vec::new();
    for width in [360, 1280] {
        for theme in ["light", "dark"] {
            browser.is_wide(width, theme);
            let seen = browser.run("return document.documentElement.scrollWidth");
            assert!(seen.as_u64().unwrap() <= u64::from(width), "{width}: {seen} wide");
            grounds.push(browser.run("return getComputedStyle(document.body).backgroundColor"));
        }
    }
    assert_ne!(grounds[0], grounds[1], "the themes differ");
    assert_eq!(grounds[..2], grounds[2..]);
    let toggled = browser.run(
        "document.getElementById('theme').click();
         return getComputedStyle(document.body).backgroundColor",
    );
    assert_eq!(toggled, grounds[0], "dark was asked for, and light is chosen");
    browser.run("document.getElementById('theme').click()");
}

/// Holds if everything on a page has a name for who does not see it: pictures, columns and rows,
/// controls; no name stands for two places.
#[track_caller]
fn check_names(browser: &Browser) {
    let nameless = browser.run(
        "const all = (it) => [...document.querySelectorAll(it)];
         const ids = all('[id]').map((it) => it.id);
         return [
             ...all('svg').filter((it) => it.getAttribute('role') !== 'img'
                 || !it.getAttribute('aria-label')),
             ...all('th').filter((it) => !it.getAttribute('scope') || !it.textContent.trim()),
             ...all('table').filter((it) => !it.caption || !it.caption.textContent.trim()),
             ...all('button, summary').filter((it) => !it.textContent.trim()),
             ...all('select').filter((it) => it.labels.length === 0),
             ...all('a[href^=\"#\"]').filter((it) => !ids.includes(it.hash.slice(1))),
         ].map((it) => it.outerHTML.slice(0, 100))
             .concat(ids.filter((it, index) => ids.indexOf(it) !== index))",
    );
    assert_eq!(nameless, json!([]));
    let language = browser.run("return document.documentElement.lang");
    assert_eq!(language, "en");
}

#[test]
fn the_page_of_the_figures_works() {
    let Some(browser) = Browser::start() else { return };
    let workplace = Workplace::new();
    workplace.run("figures --quick -o out").ok();
    browser.open(&workplace.path().join("out/index.html"));
    check_looks(&browser);

    // Misses first, and then sorted by the paper's numbers: up, and down.
    let verdicts = "return [...document.querySelectorAll('#scoreboard-table tbody tr')]
        .map((it) => it.dataset.verdict)";
    let verdicts = browser.run(verdicts);
    let is_pass = |it: &Value| it == "pass";
    assert!(verdicts.as_array().unwrap().is_sorted_by_key(is_pass), "{verdicts}");
    for is_ascending in [true, false] {
        let numbers = browser.run(
            "document.querySelectorAll('#scoreboard-table th button')[3].click();
             return [...document.querySelectorAll('#scoreboard-table tbody tr')]
                 .map((it) => Number(it.cells[3].dataset.value))",
        );
        let mut numbers: Vec<f64> =
            numbers.as_array().unwrap().iter().map(|it| it.as_f64().unwrap()).collect();
        if !is_ascending {
            numbers.reverse();
        }
        assert!(30 < numbers.len() && numbers.is_sorted(), "{is_ascending}: {numbers:?}");
    }

    // Filters leave what they ask for, and say how many.
    let filter = |key: &str, value: &str| {
        browser.run(&format!(
            "const it = document.querySelector('select[data-filter={key}]');
             it.value = '{value}'; it.dispatchEvent(new Event('change'));
             return [...document.querySelectorAll('#scoreboard-table tbody tr')]
                 .filter((it) => !it.hidden).map((it) => it.dataset.{key})"
        ))
    };
    let missed = filter("verdict", "miss");
    let missed = missed.as_array().unwrap();
    assert!(!missed.is_empty() && missed.iter().all(|it| it == "miss"), "{missed:?}");
    let exact = filter("kind", "exact");
    let exact = exact.as_array().unwrap();
    assert!(exact.len() < missed.len() && exact.iter().all(|it| it == "exact"), "{exact:?}");
    let shown = browser.run("return document.getElementById('shown').textContent");
    assert!(shown.as_str().unwrap().starts_with(&format!("{} of ", exact.len())), "{shown}");

    // Every figure is there, drawn, and has a name and words of its own.
    let bare = browser.run(
        "return [...document.querySelectorAll('figure')].filter((it) =>
             !it.querySelector('svg[aria-label]') || !it.querySelector('figcaption').textContent
             || it.querySelectorAll('svg *').length < 20).map((it) => it.id)",
    );
    assert_eq!(bare, json!([]));
    // And says what it asks, and how it was made.
    let silent = browser.run(
        "return [...document.querySelectorAll('figure')].filter((it) =>
             !it.querySelector('.question')?.textContent.endsWith('?')
             || !it.querySelector('details pre').textContent.includes(`figure = \"${it.id}\"`))
             .map((it) => it.id)",
    );
    assert_eq!(silent, json!([]));
    check_names(&browser);
    browser.check_logs();
}

#[test]
fn a_page_of_ones_own_works() {
    let workplace = Workplace::new().file("trace.csv", small_trace(360));
    workplace.run("compare trace.csv -o out").ok();
    let Some(browser) = Browser::start() else { return };
    browser.open(&workplace.path().join("out/index.html"));
    check_looks(&browser);
    let n_figures = browser.run("return document.querySelectorAll('figure svg').length");
    assert_eq!(n_figures, 3);
    let systems = browser
        .run("return [...document.querySelectorAll('table tbody th')].map((it) => it.textContent)");
    assert_eq!(systems[1], "infinicache");
    check_names(&browser);
    browser.check_logs();
}
