//! HTTP over the daemon's unix socket, one request a connection, for callers that wait.

use std::path::{Path, PathBuf};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::http::request::Builder;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio::runtime::Runtime;

use crate::api::view::ErrorBody;
use crate::cli::failure::Failure;

pub(super) struct Client {
    socket: PathBuf,
    runtime: Runtime,
}

impl Client {
    pub(super) fn new(socket: &Path) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::Failed(format!("cannot start a runtime: {error}")))?;
        Ok(Self {
            socket: socket.to_owned(),
            runtime,
        })
    }

    /// A GET below `/api/v1`. An error status is a [`Failure::Answered`].
    pub(super) fn get(&self, path: &str) -> Result<Body<'_>, Failure> {
        self.get_any(path)?.if_success()
    }

    /// A POST below `/api/v1`, in the same way.
    pub(super) fn post(&self, path: &str, body: &serde_json::Value) -> Result<Body<'_>, Failure> {
        let request =
            Request::post(format!("/api/v1{path}")).header("content-type", "application/json");
        self.exchange(request, body.to_string())?.if_success()
    }

    /// As [`get`](Self::get), with the body of an error too.
    pub(super) fn get_any(&self, path: &str) -> Result<Body<'_>, Failure> {
        self.exchange(Request::get(format!("/api/v1{path}")), String::new())
    }

    fn exchange(&self, request: Builder, body: String) -> Result<Body<'_>, Failure> {
        let request = request
            .header("host", "router")
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| Failure::Refused(format!("not a request: {error}")))?;
        let exchange = async {
            let stream = UnixStream::connect(&self.socket)
                .await
                .map_err(|error| self.unreachable(&error))?;
            let lost = |error| self.lost(&error);
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream))
                    .await
                    .map_err(lost)?;
            tokio::spawn(connection);
            sender.send_request(request).await.map_err(lost)
        };
        let response = self.runtime.block_on(exchange)?;
        Ok(Body {
            client: self,
            status: response.status(),
            incoming: response.into_body(),
        })
    }

    pub(super) fn json<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.get(path)?.json()
    }

    fn unreachable(&self, error: &std::io::Error) -> Failure {
        use std::io::ErrorKind::{ConnectionRefused, NotFound, PermissionDenied};
        let socket = self.socket.display();
        let message = if [NotFound, ConnectionRefused].contains(&error.kind()) {
            format!(
                "no router is running on {socket}; start it with router-ctl run, or name its socket with --socket"
            )
        } else if error.kind() == PermissionDenied {
            format!("{socket}: permission denied; run as root or join the socket's group")
        } else {
            format!("{socket}: {error}")
        };
        Failure::Unreachable(message)
    }

    fn lost(&self, error: &hyper::Error) -> Failure {
        let socket = self.socket.display();
        Failure::Unreachable(format!(
            "{socket}: the router closed the connection: {error}"
        ))
    }
}

/// A response's body, as it comes.
pub(super) struct Body<'a> {
    client: &'a Client,
    pub(super) status: StatusCode,
    incoming: Incoming,
}

impl Body<'_> {
    /// What the daemon answered, unless that is an error.
    fn if_success(mut self) -> Result<Self, Failure> {
        if self.status.is_success() {
            return Ok(self);
        }
        let bytes = self.bytes()?;
        match serde_json::from_slice::<ErrorBody>(&bytes) {
            Ok(ErrorBody { error }) => Err(Failure::Answered {
                status: self.status.as_u16(),
                error,
            }),
            Err(_) => Err(Failure::Failed(format!(
                "the daemon answered {}: is it a router-ctl of another version?",
                self.status
            ))),
        }
    }

    pub(super) fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            let frame = self.client.runtime.block_on(self.incoming.frame());
            match frame {
                None => return Ok(None),
                Some(Err(error)) => return Err(self.client.lost(&error)),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }

    pub(super) fn bytes(&mut self) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk()? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    pub(super) fn json<T: DeserializeOwned>(&mut self) -> Result<T, Failure> {
        parse(&self.bytes()?)
    }

    /// Calls `each` with every line.
    pub(super) fn lines(
        &mut self,
        mut each: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut rest = Vec::new();
        while let Some(chunk) = self.chunk()? {
            rest.extend_from_slice(&chunk);
            let mut start = 0;
            while let Some(length) = rest[start..].iter().position(|&octet| octet == b'\n') {
                each(&rest[start..start + length])?;
                start += length + 1;
            }
            rest.drain(..start);
        }
        Ok(())
    }
}

pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(bytes).map_err(|error| {
        Failure::Failed(format!(
            "the daemon's answer is not understood ({error}): is it a router-ctl of another version?"
        ))
    })
}

/// A word as a segment of a path (RFC 3986 §2.3).
pub(super) fn segment(word: &str) -> String {
    let mut out = String::new();
    for octet in word.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~:".contains(&octet) {
            out.push(char::from(octet));
        } else {
            out.push_str(&format!("%{octet:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::segment;

    #[test]
    fn words_become_segments() {
        assert_eq!(segment("2001:db8::1"), "2001:db8::1");
        assert_eq!(segment("my peer/1"), "my%20peer%2F1");
        assert_eq!(segment("10.0.0.0/8"), "10.0.0.0%2F8");
    }
}
