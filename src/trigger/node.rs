//! A position in a payload: a value and its path, so every error names the path and never quotes the payload.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::TriggerError;

/// A value of the payload and its path.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    pub(super) value: &'a Value,
    /// The path, such as `Records[0].s3.object`; empty for the payload itself. A string that contains JSON is part of the
    /// path like an object.
    pub(super) path: String,
}

impl<'a> Node<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        let path = String::new();
        Self { value, path }
    }

    /// Returns the value as a type of `aws_lambda_events`, or the empty default if that type rejects the value.
    ///
    /// Those types model what AWS documents. They reject what people shorten by hand or what AWS sends in a newer version,
    /// and their errors quote the payload, so the error is dropped: a caller completes the result with [`Node::text_or`],
    /// which reads a field by its name and names the path of a field that is missing or has the wrong type.
    pub(super) fn typed<T: DeserializeOwned + Default>(&self) -> T {
        T::deserialize(self.value).unwrap_or_default()
    }

    /// Returns the text that a [typed](Self::typed) value has for a field, or reads the field by its name. It must not be
    /// empty.
    pub(super) fn text_or(&self, typed: Option<String>, name: &str) -> Result<String, TriggerError> {
        match typed.filter(|text| !text.is_empty()) {
            Some(text) => Ok(text),
            None => Ok(self.get_text(name)?.to_owned()),
        }
    }

    /// Returns the path of a field, whether or not it exists.
    pub(super) fn path_of(&self, name: &str) -> String {
        match self.path.as_str() {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        }
    }

    /// Returns the field, unless it is missing or null.
    pub(super) fn find(&self, name: &str) -> Option<Self> {
        let value = self.value.get(name).filter(|value| !value.is_null())?;
        let path = self.path_of(name);
        Some(Self { value, path })
    }

    pub(super) fn get(&self, name: &str) -> Result<Self, TriggerError> {
        self.find(name)
            .ok_or_else(|| TriggerError::Missing { at: self.path_of(name) })
    }

    /// Returns the text of the field; `None` if it is missing, null or empty.
    pub(super) fn find_text(&self, name: &str) -> Result<Option<&'a str>, TriggerError> {
        let text = self.find(name).map(|field| field.text()).transpose()?;
        Ok(text.filter(|text| !text.is_empty()))
    }

    /// Returns the text of the field, which must not be empty.
    pub(super) fn get_text(&self, name: &str) -> Result<&'a str, TriggerError> {
        let missing = || TriggerError::Missing { at: self.path_of(name) };
        self.find_text(name)?.ok_or_else(missing)
    }

    /// Returns an owned copy of the text of the field.
    pub(super) fn find_string(&self, name: &str) -> Result<Option<String>, TriggerError> {
        Ok(self.find_text(name)?.map(str::to_owned))
    }

    /// Returns the field as a non-negative integer.
    pub(super) fn find_number(&self, name: &str) -> Result<Option<u64>, TriggerError> {
        let Some(field) = self.find(name) else { return Ok(None) };
        let number = field.value.as_u64();
        number.map(Some).ok_or_else(|| field.expected("a non-negative integer"))
    }

    /// Returns the field as a boolean.
    pub(super) fn find_boolean(&self, name: &str) -> Result<Option<bool>, TriggerError> {
        let Some(field) = self.find(name) else { return Ok(None) };
        let boolean = field.value.as_bool();
        boolean.map(Some).ok_or_else(|| field.expected("true or false"))
    }

    /// Returns whether the field is exactly this text.
    pub(super) fn is_text(&self, name: &str, text: &str) -> bool {
        self.value.get(name).and_then(Value::as_str) == Some(text)
    }

    pub(super) fn text(&self) -> Result<&'a str, TriggerError> {
        self.value.as_str().ok_or_else(|| self.expected("a string"))
    }

    /// Returns the elements of an array.
    pub(super) fn items(&self) -> Result<impl Iterator<Item = Self> + use<'a>, TriggerError> {
        let list = self.value.as_array().ok_or_else(|| self.expected("an array"))?;
        let path = self.path.clone();
        Ok(list.iter().enumerate().map(move |(number, value)| {
            let path = format!("{path}[{number}]");
            Self { value, path }
        }))
    }

    /// Returns the error that this value has the wrong type.
    pub(super) fn expected(&self, wanted: &'static str) -> TriggerError {
        let found = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a different number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        let at = self.path.clone();
        TriggerError::Expected { at, wanted, found }
    }
}
