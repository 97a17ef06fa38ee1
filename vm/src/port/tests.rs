//! Ports of a machine that interprets nothing.
