//! A place in a payload: a value and the path that leads to it, so that every error names the place and none the content.

use serde_json::Value;

use super::error::TriggerError;

/// A value of the payload and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    pub(super) value: &'a Value,
    /// `Records[0].s3.object`; empty for the payload itself. A text that holds JSON is walked like an object.
    pub(super) path: String,
}

impl<'a> Node<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        let path = String::new();
        Self { value, path }
    }

    /// The path of a field, whether it is there or not.
    pub(super) fn path_of(&self, name: &str) -> String {
        match self.path.as_str() {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        }
    }

    /// The field, unless it is missing or null.
    pub(super) fn find(&self, name: &str) -> Option<Self> {
        let value = self.value.get(name).filter(|value| !value.is_null())?;
        let path = self.path_of(name);
        Some(Self { value, path })
    }

    pub(super) fn get(&self, name: &str) -> Result<Self, TriggerError> {
        self.find(name)
            .ok_or_else(|| TriggerError::Missing { at: self.path_of(name) })
    }

    /// The text of the field; `None` where it is missing, null or empty.
    pub(super) fn find_text(&self, name: &str) -> Result<Option<&'a str>, TriggerError> {
        let text = self.find(name).map(|field| field.text()).transpose()?;
        Ok(text.filter(|text| !text.is_empty()))
    }

    /// The text of the field, which must not be empty.
    pub(super) fn get_text(&self, name: &str) -> Result<&'a str, TriggerError> {
        let missing = || TriggerError::Missing { at: self.path_of(name) };
        self.find_text(name)?.ok_or_else(missing)
    }

    /// An owned copy of the field's text.
    pub(super) fn find_string(&self, name: &str) -> Result<Option<String>, TriggerError> {
        Ok(self.find_text(name)?.map(str::to_owned))
    }

    /// The whole number of the field.
    pub(super) fn find_number(&self, name: &str) -> Result<Option<u64>, TriggerError> {
        let Some(field) = self.find(name) else { return Ok(None) };
        let number = field.value.as_u64();
        number
            .map(Some)
            .ok_or_else(|| field.expected("a whole number, zero or more"))
    }

    /// Whether the field holds exactly this text.
    pub(super) fn says(&self, name: &str, text: &str) -> bool {
        self.value.get(name).and_then(Value::as_str) == Some(text)
    }

    pub(super) fn text(&self) -> Result<&'a str, TriggerError> {
        self.value.as_str().ok_or_else(|| self.expected("a text"))
    }

    /// The elements of a list.
    pub(super) fn items(&self) -> Result<impl Iterator<Item = Self> + use<'a>, TriggerError> {
        let list = self.value.as_array().ok_or_else(|| self.expected("a list"))?;
        let path = self.path.clone();
        Ok(list.iter().enumerate().map(move |(number, value)| {
            let path = format!("{path}[{number}]");
            Self { value, path }
        }))
    }

    /// The error that something else stands here.
    pub(super) fn expected(&self, wanted: &'static str) -> TriggerError {
        let found = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "another number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        let at = self.path.clone();
        TriggerError::Expected { at, wanted, found }
    }
}
