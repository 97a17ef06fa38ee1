//! What happens to ports: opened, closed, linked, named, data in and out.
