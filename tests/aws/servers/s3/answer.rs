//! Responses in the form of S3.

use super::super::http::Reply;

/// The rejection of a request.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: String,
    message: String,
    headers: Vec<(String, String)>,
    in_200: bool,
}

impl Refusal {
    pub(super) fn new(status: u16, code: &str, message: &str) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.to_owned(),
            headers: Vec::new(),
            in_200: false,
        }
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The status is a success, but the body is an error.
    pub(super) fn in_200(mut self) -> Self {
        self.in_200 = true;
        self
    }

    pub(super) fn reply(self, bucket: &str, key: &str) -> Reply {
        let Self { code, message, .. } = &self;
        let (bucket, key) = (escape(bucket), escape(key));
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
             <BucketName>{bucket}</BucketName><Key>{key}</Key><RequestId>TESTREQUEST</RequestId><HostId>test</HostId></Error>"
        );
        let status = if self.in_200 { 200 } else { self.status };
        // A 304 has no body.
        let mut reply = Reply::new(status, if status == 304 { String::new() } else { text });
        reply.headers = self.headers;
        reply.with("content-type", "application/xml")
    }
}

/// `<?xml …?><NAME xmlns="…">INNER</NAME>`
pub(super) fn xml(name: &str, inner: &str) -> Reply {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{name} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{inner}</{name}>"
    );
    Reply::new(200, text).with("content-type", "application/xml")
}

pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Returns the text of the first element with this name.
pub(super) fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, behind) = text.split_once(&format!("<{name}>"))?;
    let (inner, _) = behind.split_once(&format!("</{name}>"))?;
    Some(inner)
}
