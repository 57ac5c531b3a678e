//! Names in camel case.

/// Converts a name from snake case to camel case: `client_ip` to `clientIp`.
pub(super) fn camel_case(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    for (number, word) in name.split('_').enumerate() {
        let mut letters = word.chars();
        match letters.next() {
            Some(first) if number > 0 => camel.push(first.to_ascii_uppercase()),
            Some(first) => camel.push(first),
            None => {}
        }
        camel.push_str(letters.as_str());
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::camel_case;

    #[test]
    fn words_after_the_first_are_capitalized() {
        assert_eq!(camel_case("leaf_client_cert_not_before"), "leafClientCertNotBefore");
        assert_eq!(camel_case("elb"), "elb");
    }
}
