//! A secret of Secrets Manager, or a parameter of Systems Manager.

use zeroize::Zeroizing;

use crate::deadline::Deadline;
use crate::storage::{Operation, StorageError};

use super::Clients;
use super::error::{Class, Context, Failure, Resource};

/// Reads a secret of Secrets Manager, by its name or ARN.
pub(in crate::storage) fn secret(
    clients: &Clients,
    name: &str,
    deadline: Deadline,
) -> Result<Zeroizing<String>, StorageError> {
    let request = clients.secrets_manager().get_secret_value().secret_id(name).send();
    let value = clients.call(deadline, request).and_then(|output| {
        // A secret without a text is binary.
        output.secret_string.ok_or(Failure::client_side(Class::NoText))
    });
    read(clients, Resource::Secret(name), value)
}

/// Reads a parameter of Systems Manager, by its name or ARN. One of type `SecureString` is decrypted.
pub(in crate::storage) fn parameter(
    clients: &Clients,
    name: &str,
    deadline: Deadline,
) -> Result<Zeroizing<String>, StorageError> {
    let client = clients.systems_manager();
    let request = client.get_parameter().name(name).with_decryption(true).send();
    let value = clients.call(deadline, request).and_then(|output| {
        let value = output.parameter.and_then(|parameter| parameter.value);
        value.ok_or(Failure::client_side(Class::NoText))
    });
    read(clients, Resource::Parameter(name), value)
}

fn read(
    clients: &Clients,
    resource: Resource<'_>,
    value: Result<String, Failure>,
) -> Result<Zeroizing<String>, StorageError> {
    value.map(Zeroizing::new).map_err(|failure| {
        failure.to_error(&Context {
            operation: Operation::Read,
            resource,
            region: clients.region(),
        })
    })
}
