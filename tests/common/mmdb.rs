//! Writes databases of addresses in `MaxMind`'s format: <https://maxmind.github.io/MaxMind-DB/>

use std::net::IpAddr;

/// A value of a record.
pub(crate) enum Datum {
    Text(&'static str),
    Number(u32),
    Map(Vec<(&'static str, Datum)>),
}

/// A place in the tree: nothing, another node, or the record at an offset.
#[derive(Clone, Copy)]
enum Branch {
    Empty,
    Node(usize),
    Record(usize),
}

/// Returns a database that has a record for each network, in the notation `2001:db8::/32` or `192.0.2.0/24`.
pub(crate) fn database(networks: &[(&str, Vec<(&'static str, Datum)>)]) -> Vec<u8> {
    let (mut nodes, mut data) = (vec![[Branch::Empty; 2]], Vec::new());
    for (network, record) in networks {
        let offset = data.len();
        put_map(&mut data, record);
        let (address, len) = network.split_once('/').unwrap();
        let len: usize = len.parse().unwrap();
        // IPv4 is below ::/96.
        let (bits, len) = match address.parse().unwrap() {
            IpAddr::V4(address) => (u128::from(u32::from(address)), len + 96),
            IpAddr::V6(address) => (u128::from(address), len),
        };
        let mut node = 0;
        for depth in 0..len {
            let side = usize::from(bits >> (127 - depth) & 1 == 1);
            if depth == len - 1 {
                nodes[node][side] = Branch::Record(offset);
            } else if let Branch::Node(next) = nodes[node][side] {
                node = next;
            } else {
                nodes.push([Branch::Empty; 2]);
                nodes[node][side] = Branch::Node(nodes.len() - 1);
                node = nodes.len() - 1;
            }
        }
    }
    let mut file = Vec::new();
    for branch in nodes.iter().flatten() {
        let value = match branch {
            Branch::Empty => nodes.len(),
            Branch::Node(node) => *node,
            Branch::Record(offset) => nodes.len() + 16 + offset,
        };
        file.extend_from_slice(&u32::try_from(value).unwrap().to_be_bytes()[1..]);
    }
    file.extend_from_slice(&[0; 16]);
    file.extend_from_slice(&data);
    file.extend_from_slice(b"\xab\xcd\xefMaxMind.com");
    put_metadata(&mut file, nodes.len());
    file
}

/// Returns a database of countries, in the layout of `GeoLite2`.
pub(crate) fn countries(networks: &[(&'static str, &'static str)]) -> Vec<u8> {
    let record = |code| vec![("country", Datum::Map(vec![("iso_code", Datum::Text(code))]))];
    let networks: Vec<_> = networks
        .iter()
        .map(|(network, code)| (*network, record(code)))
        .collect();
    database(&networks)
}

/// Returns a database of autonomous systems, in the layout of `GeoLite2`.
pub(crate) fn systems(networks: &[(&'static str, u32)]) -> Vec<u8> {
    let record = |number| {
        vec![
            ("autonomous_system_number", Datum::Number(number)),
            ("autonomous_system_organization", Datum::Text("Example")),
        ]
    };
    let networks: Vec<_> = networks
        .iter()
        .map(|(network, number)| (*network, record(*number)))
        .collect();
    database(&networks)
}

fn put_metadata(file: &mut Vec<u8>, nodes: usize) {
    file.push(0xe0 | 9);
    for (name, number) in [
        ("binary_format_major_version", 2_u16),
        ("binary_format_minor_version", 0),
        ("ip_version", 6),
        ("record_size", 24),
    ] {
        put_text(file, name);
        file.push(0xa2);
        file.extend_from_slice(&number.to_be_bytes());
    }
    put_text(file, "node_count");
    put_number(file, u32::try_from(nodes).unwrap());
    put_text(file, "build_epoch");
    file.extend_from_slice(&[0x08, 0x02]);
    file.extend_from_slice(&1_790_000_000_u64.to_be_bytes());
    put_text(file, "database_type");
    put_text(file, "Test");
    put_text(file, "description");
    file.push(0xe0);
    put_text(file, "languages");
    file.extend_from_slice(&[0x00, 0x04]);
}

fn put_map(out: &mut Vec<u8>, record: &[(&'static str, Datum)]) {
    out.push(0xe0 | u8::try_from(record.len()).unwrap());
    for (name, datum) in record {
        put_text(out, name);
        match datum {
            Datum::Text(text) => put_text(out, text),
            Datum::Number(number) => put_number(out, *number),
            Datum::Map(record) => put_map(out, record),
        }
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    let len = u8::try_from(text.len()).unwrap();
    if len < 29 {
        out.push(0x40 | len);
    } else {
        out.extend_from_slice(&[0x40 + 29, len - 29]);
    }
    out.extend_from_slice(text.as_bytes());
}

fn put_number(out: &mut Vec<u8>, number: u32) {
    out.push(0xc4);
    out.extend_from_slice(&number.to_be_bytes());
}
