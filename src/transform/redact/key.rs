//! The key of a redaction: keyed hashes and pseudonyms of addresses.
//!
//! The material is 32 random bytes. Used as they are, they are the key of ipcrypt-pfx, so any other implementation of it
//! restores the addresses with the same key. The key of the hashes is derived from them, and does not restore anything.

use std::fmt;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use ipcrypt_rs::IpcryptPfx;
use sha2::Sha256;
use zeroize::{Zeroize as _, Zeroizing};

use crate::parse::line::text::hex_byte;

use super::language;

/// The size of the material.
const BYTES: usize = 32;
/// The derivation of the key of the hashes: the HMAC of this text with the material as its key.
const HASH_KEY: &[u8] = b"alb-ingest hmac 1";
/// The class of the columns that contain addresses. Their hashes are alike, so their values can be joined.
const ADDRESS: &str = "address";

/// A key. Its material is overwritten after use and never shown.
pub struct Key {
    /// Knows the derived key.
    hash: Hmac<Sha256>,
    addresses: IpcryptPfx,
}

/// Why a text is not a key. It repeats nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It has another form.
    #[error(
        "the key must be 32 bytes, as 64 hexadecimal digits or in base64, and nothing else; `openssl rand -hex 32` prints one"
    )]
    Form,
    /// Its halves are equal, so pseudonyms would not hide anything.
    #[error("both halves of the key are equal; `openssl rand -hex 32` prints a random key")]
    EqualHalves,
}

impl Key {
    /// Parses a key: 32 bytes, as 64 hexadecimal digits or in base64 with its padding. White space around it is ignored.
    ///
    /// # Errors
    /// The text is anything else, or both halves of the key are equal.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        let mut material = Zeroizing::new([0_u8; BYTES]);
        if text.len() == 2 * BYTES {
            let (digits, _) = text.as_bytes().as_chunks();
            for (byte, [high, low]) in material.iter_mut().zip(digits) {
                *byte = hex_byte(*high, *low).ok_or(KeyError::Form)?;
            }
        } else {
            let mut decoded = STANDARD.decode(text).map_err(|_| KeyError::Form)?;
            let fits = decoded.len() == BYTES;
            if fits {
                material.copy_from_slice(&decoded);
            }
            decoded.zeroize();
            fits.then_some(()).ok_or(KeyError::Form)?;
        }
        Self::new(&material)
    }

    fn new(material: &[u8; BYTES]) -> Result<Self, KeyError> {
        let (first, second) = material.split_at(BYTES / 2);
        if first == second {
            return Err(KeyError::EqualHalves);
        }
        let mut derivation = hmac(material)?;
        derivation.update(HASH_KEY);
        let derived = Zeroizing::new(<[u8; 32]>::from(derivation.finalize().into_bytes()));
        Ok(Self {
            hash: hmac(&derived)?,
            addresses: IpcryptPfx::new(*material),
        })
    }

    /// Returns the first 16 bytes of the HMAC-SHA-256 of the column's class, a zero byte and the value. All columns of
    /// addresses are one class, `address`; any other column is a class of its own, in every table that has it.
    pub(super) fn hmac(&self, column: &str, value: &[u8]) -> [u8; 16] {
        let class = if language::is_address(column) { ADDRESS } else { column };
        let mut hash = self.hash.clone();
        hash.update(class.as_bytes());
        hash.update(&[0]);
        hash.update(value);
        let mut first = [0; 16];
        for (byte, hashed) in first.iter_mut().zip(hash.finalize().into_bytes()) {
            *byte = hashed;
        }
        first
    }

    /// Returns the pseudonym of ipcrypt-pfx. An IPv4 address mapped into IPv6 is an IPv4 address.
    pub(super) fn pseudonym(&self, address: IpAddr) -> IpAddr {
        self.addresses.encrypt_ipaddr(address.to_canonical())
    }
}

fn hmac(key: &[u8; 32]) -> Result<Hmac<Sha256>, KeyError> {
    // A key of HMAC can have any length.
    Hmac::new_from_slice(key).map_err(|_| KeyError::Form)
}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Key").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;

    const BASIC: &str = "0123456789abcdeffedcba98765432101032547698badcfeefcdab8967452301";
    const PREFIXES: &str = "2b7e151628aed2a6abf7158809cf4f3ca9f5ba40db214c3798f2e1c23456789a";

    const ADDRESS_HASH: u128 = 0xdacb_2590_c9f0_2a3d_905f_8379_4013_8043;
    const TRACE_HASH: u128 = 0xc49e_3d3c_1785_2aa4_2e7e_cf87_bf07_0a14;

    /// The test vectors of ipcrypt-pfx in draft-denis-ipcrypt-13 of 15 March 2026.
    const VECTORS: [(&str, &str, &str); 16] = [
        (BASIC, "0.0.0.0", "151.82.155.134"),
        (BASIC, "255.255.255.255", "94.185.169.89"),
        (BASIC, "192.0.2.1", "100.115.72.131"),
        (BASIC, "2001:db8::1", "c180:5dd4:2587:3524:30ab:fa65:6ab6:f88"),
        (PREFIXES, "10.0.0.47", "19.214.210.244"),
        (PREFIXES, "10.0.0.129", "19.214.210.80"),
        (PREFIXES, "10.0.0.234", "19.214.210.30"),
        (PREFIXES, "172.16.5.193", "210.78.229.136"),
        (PREFIXES, "172.16.97.42", "210.78.179.241"),
        (PREFIXES, "172.16.248.177", "210.78.121.215"),
        (
            PREFIXES,
            "2001:db8::a5c9:4e2f:bb91:5a7d",
            "7cec:702c:1243:f70:1956:125:b9bd:1aba",
        ),
        (
            PREFIXES,
            "2001:db8::7234:d8f1:3c6e:9a52",
            "7cec:702c:1243:f70:a3ef:c8e:95c1:cd0d",
        ),
        (
            PREFIXES,
            "2001:db8::f1e0:937b:26d4:8c1a",
            "7cec:702c:1243:f70:443c:c8e:6a62:b64d",
        ),
        (
            PREFIXES,
            "2001:db8:3a5c::e7d1:4b9f:2c8a:f673",
            "7cec:702c:3503:bef:e616:96bd:be33:a9b9",
        ),
        (
            PREFIXES,
            "2001:db8:9f27::b4e2:7a3d:5f91:c8e6",
            "7cec:702c:a504:b74e:194a:3d90:b047:2d1a",
        ),
        (
            PREFIXES,
            "2001:db8:d8b4::193c:a5e7:8b2f:46d1",
            "7cec:702c:f840:aa67:1b8:e84f:ac9d:77fb",
        ),
    ];

    #[test]
    fn pseudonyms_are_those_of_the_draft() {
        for (key, address, expected) in VECTORS {
            let pseudonym = Key::parse(key).unwrap().pseudonym(address.parse().unwrap());
            assert_eq!(pseudonym, expected.parse::<IpAddr>().unwrap(), "{address}");
        }
    }

    #[test]
    fn a_key_is_32_bytes_in_hexadecimal_or_base64() {
        let expected = Key::parse(BASIC).unwrap().hmac("client_ip", b"192.0.2.1");
        let base64 = "ASNFZ4mrze/+3LqYdlQyEBAyVHaYutz+782riWdFIwE=";
        for text in [
            &BASIC.to_uppercase(),
            &format!("  {BASIC}\r\n"),
            base64,
            &format!("{base64}\n"),
        ] {
            assert_eq!(Key::parse(text).unwrap().hmac("client_ip", b"192.0.2.1"), expected);
        }
        let secret = "c2VjcmV0"; // "secret"
        for text in [
            "",
            secret,
            BASIC.trim_start_matches('0'),
            &format!("{BASIC}0"),
            &BASIC.replacen('0', "+", 1),
            &"é".repeat(32),
            &"-".repeat(64),
            base64.trim_end_matches('='),
            &format!("{{\"key\":\"{BASIC}\"}}"),
        ] {
            let error = Key::parse(text).unwrap_err();
            assert_eq!(error, KeyError::Form);
            assert!(text.is_empty() || !error.to_string().contains(text));
        }
        for text in ["00".repeat(32), "0123456789abcdeffedcba9876543210".repeat(2)] {
            assert_eq!(Key::parse(&text).unwrap_err(), KeyError::EqualHalves);
        }
    }

    #[test]
    fn a_key_is_not_shown() {
        assert_eq!(format!("{:?}", Key::parse(BASIC).unwrap()), "Key { .. }");
    }

    /// The reference computes them with Python: `hmac.digest(hmac.digest(key, b"alb-ingest hmac 1", "sha256"),
    /// b"address\0" + b"192.0.2.1", "sha256")[:16]`.
    #[test]
    fn hashes_of_addresses_are_alike_in_all_columns_and_others_are_not() {
        let key = Key::parse(BASIC).unwrap();
        let hash = |column: &str, value: &str| u128::from_be_bytes(key.hmac(column, value.as_bytes()));
        for column in ["client_ip", "target_ip", "backend_ip", "destination_ip", "ip_address"] {
            assert_eq!(hash(column, "192.0.2.1"), ADDRESS_HASH, "{column}");
        }
        assert_eq!(hash("trace_id", "192.0.2.1"), TRACE_HASH);
        let other = Key::parse(PREFIXES).unwrap();
        assert_ne!(u128::from_be_bytes(other.hmac("client_ip", b"192.0.2.1")), ADDRESS_HASH);
        // The boundary between class and value is part of the hash.
        assert_ne!(hash("ab", "c"), hash("a", "bc"));
    }

    #[test]
    fn an_ipv4_address_mapped_into_ipv6_is_one() {
        let key = Key::parse(BASIC).unwrap();
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
        assert_eq!(key.pseudonym(mapped).to_string(), "100.115.72.131");
    }

    proptest! {
        #[test]
        fn pseudonyms_share_exactly_as_long_a_prefix_as_addresses(
            material in any::<[u8; BYTES]>(), a in any::<u128>(), b in any::<u128>(), shared in 0_u32..=128,
        ) {
            let Ok(key) = Key::new(&material) else { return Ok(()) };
            // The first bits of b are those of a.
            let mask = u128::MAX.checked_shl(128 - shared).unwrap_or(0);
            let b = (a & mask) | (b & !mask);
            let bits = |address: u128| match key.pseudonym(Ipv6Addr::from_bits(address).into()) {
                IpAddr::V6(pseudonym) => pseudonym.to_bits(),
                IpAddr::V4(_) => unreachable!(),
            };
            prop_assert_eq!((bits(a) ^ bits(b)).leading_zeros(), (a ^ b).leading_zeros());
            prop_assert_eq!(bits(a), bits(a));
            let first = |address: u128| u32::try_from(address >> 96).unwrap();
            let bits = |address: u32| match key.pseudonym(Ipv4Addr::from_bits(address).into()) {
                IpAddr::V4(pseudonym) => pseudonym.to_bits(),
                IpAddr::V6(_) => unreachable!(),
            };
            prop_assert_eq!((bits(first(a)) ^ bits(first(b))).leading_zeros(), (first(a) ^ first(b)).leading_zeros());
        }
    }
}
