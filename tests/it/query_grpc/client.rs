//! A client of any method: messages as bytes, status and trailers as they come.

use bench::carrier::RawCodec;
use bytes::Bytes;
use prost::Message;
use tests::spoor::Spoor;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: Code,
    pub(crate) details: String,
    pub(crate) messages: Vec<Bytes>,
    pub(crate) trailers: MetadataMap,
}

/// One connection.
pub(crate) struct Client(tonic::client::Grpc<Channel>);

// === impl Client ===

impl Client {
    pub(crate) async fn of(spoor: &Spoor) -> Self {
        Self::at(spoor.url("query-grpc")).await
    }

    /// Of any server, as `http://host:port`.
    pub(crate) async fn at(url: String) -> Self {
        let endpoint = Endpoint::from_shared(url).unwrap();
        Self(tonic::client::Grpc::new(endpoint.connect().await.unwrap()))
    }

    /// Calls the method at `path` with a message that is encoded already.
    pub(crate) async fn raw(&mut self, path: &str, message: Vec<u8>) -> Answer {
        self.send(path, Request::new(Bytes::from(message))).await
    }

    pub(crate) async fn ask(&mut self, path: &str, message: &impl Message) -> Answer {
        self.raw(path, message.encode_to_vec()).await
    }

    pub(crate) async fn send(&mut self, path: &str, request: Request<Bytes>) -> Answer {
        self.0.ready().await.unwrap();
        let path = path.parse::<PathAndQuery>().unwrap();
        let mut messages = Vec::new();
        let end = match self.0.server_streaming(request, path, RawCodec).await {
            Ok(answer) => {
                let mut stream = answer.into_inner();
                loop {
                    match stream.message().await {
                        Ok(Some(message)) => messages.push(message),
                        Ok(None) => break Ok(stream.trailers().await.unwrap().unwrap_or_default()),
                        Err(status) => break Err(status),
                    }
                }
            }
            Err(status) => Err(status),
        };
        Answer::of(messages, end)
    }
}

// === impl Answer ===

impl Answer {
    fn of(messages: Vec<Bytes>, end: Result<MetadataMap, Status>) -> Self {
        match end {
            Ok(trailers) => Self {
                code: Code::Ok,
                details: String::new(),
                messages,
                trailers,
            },
            Err(status) => Self {
                code: status.code(),
                details: status.message().to_owned(),
                messages,
                trailers: status.metadata().clone(),
            },
        }
    }

    /// Its messages, of an answer that is well.
    pub(crate) fn decoded<M: Message + Default>(&self) -> Vec<M> {
        assert_eq!(self.code, Code::Ok, "{}", self.details);
        let messages = self.messages.iter();
        messages.map(|m| M::decode(m.clone()).unwrap()).collect()
    }
}
