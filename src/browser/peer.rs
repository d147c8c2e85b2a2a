//! Which user a client on this machine belongs to, as far as the system tells.
//!
//! A browser's command line shows the address that it opens to every user of the machine. On Linux, the table of
//! connections tells who connects, so another user who is faster than the browser gets nothing.

use std::net::SocketAddr;

use crate::os::processes::is_stranger;

/// Is the client at `from`, which has connected to `port` of this machine, another user's? Root reads everything anyway,
/// and is the one who passes on the connections of a browser in Windows to WSL. A client that the system does not know,
/// such as one in Windows, is none; nor is any where there is no such table.
pub(super) fn is_of_another_user(from: SocketAddr, port: u16) -> bool {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    owner(&table, from, port).is_some_and(is_stranger)
}

/// The user ID of a client's end of a connection to a port of 127.0.0.1.
fn owner(table: &str, client: SocketAddr, port: u16) -> Option<u32> {
    let SocketAddr::V4(client) = client else { return None };
    // As the kernel prints an address that is kept in the order of the network.
    let end = |octets: [u8; 4], port: u16| format!("{:08X}:{port:04X}", u32::from_ne_bytes(octets));
    let ends = [end(client.ip().octets(), client.port()), end([127, 0, 0, 1], port)];
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().take(8).collect();
        let is_it = fields.get(1..3)? == ends;
        is_it.then(|| fields.get(7)?.parse().ok())?
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::{is_of_another_user, owner};

    #[test]
    fn the_table_tells_whose_end_of_a_connection_it_is() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
                     0: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 1 1 0\n   \
                     1: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1001        0 2 1 0\n   \
                     2: 0200007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1002        0 2 1 0\n";
        let of = |client: &str| owner(table, client.parse().expect("an address"), 8080);
        assert_eq!(of("127.0.0.1:50000"), Some(1001));
        assert_eq!(of("127.0.0.2:50000"), Some(1002));
        assert_eq!(of("127.0.0.1:50001"), None);
        assert_eq!(of("[::1]:50000"), None);
        assert_eq!(owner("", "127.0.0.1:50000".parse().expect("an address"), 8080), None);
    }

    #[test]
    fn this_user_is_not_another() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("a port").port();
        let client = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        let from = client.local_addr().expect("an address");
        let table = std::fs::read_to_string("/proc/net/tcp").expect("the table");
        assert_eq!(owner(&table, from, port), Some(rustix::process::geteuid().as_raw()));
        assert!(!is_of_another_user(from, port));
    }
}
