//! A small HTTP client over a bare connection, for tests that need to send what a proper client would not.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Checks that this is an error in the form that all errors have.
    pub fn assert_problem(&self, status: u16) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(self.json()["status"], status);
        assert!(self.json()["title"].is_string() && self.json()["detail"].is_string());
    }
}

/// One kept-alive connection.
pub struct Client {
    stream: BufReader<TcpStream>,
    authority: String,
}

impl Client {
    pub fn connect(url: &str) -> Self {
        let authority = url.strip_prefix("http://").unwrap().to_owned();
        let stream = TcpStream::connect(&authority).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream), authority }
    }

    /// Sends bytes as they are; an error is left for the reader to find.
    pub fn write(&mut self, bytes: &[u8]) {
        _ = self.stream.get_mut().write_all(bytes);
    }

    pub fn head(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> String {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.authority);
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        head + "\r\n"
    }

    pub fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let length = body.len().to_string();
        let mut headers = headers.to_vec();
        if !body.is_empty() {
            headers.push(("content-length", &length));
        }
        let mut request = self.head(method, path, &headers).into_bytes();
        request.extend_from_slice(body);
        self.write(&request);
        self.read(method == "HEAD").unwrap()
    }

    /// Reads an answer; an error when the connection ends before the answer does.
    pub fn read(&mut self, without_body: bool) -> std::io::Result<Answer> {
        let mut status = self.line()?;
        while status.starts_with("HTTP/1.1 100") {
            self.line()?;
            status = self.line()?;
        }
        let status = status.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(broken)?;
        let mut headers = BTreeMap::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(": ") else { break };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let mut body = Vec::new();
        if !without_body {
            if let Some(length) = headers.get("content-length") {
                body.resize(length.parse().map_err(|_| broken())?, 0);
                self.stream.read_exact(&mut body)?;
            } else if headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked") {
                while self.chunk(&mut body)? {}
            }
        }
        Ok(Answer { status, headers, body })
    }

    /// Reads until these bytes come along, and returns them alone.
    pub fn read_until(&mut self, text: &str) -> String {
        let mut read = Vec::new();
        let mut byte = [0];
        while !read.ends_with(text.as_bytes()) {
            self.stream.read_exact(&mut byte).unwrap();
            read.extend(byte);
        }
        text.to_owned()
    }

    fn chunk(&mut self, body: &mut Vec<u8>) -> std::io::Result<bool> {
        let length = usize::from_str_radix(&self.line()?, 16).map_err(|_| broken())?;
        let begun = body.len();
        body.resize(begun + length, 0);
        self.stream.read_exact(&mut body[begun..])?;
        self.line()?;
        Ok(length > 0)
    }

    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

fn broken() -> std::io::Error {
    std::io::ErrorKind::InvalidData.into()
}

/// One request on a connection of its own.
pub fn send(url: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    Client::connect(url).send(method, path, headers, body)
}
