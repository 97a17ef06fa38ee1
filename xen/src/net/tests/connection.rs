//! The connection over xenbus, with a fake xenstored.
