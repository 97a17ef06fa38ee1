//! `tcp_inet`
