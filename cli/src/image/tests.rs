//! Unit tests of baking, on a kernel that is made up here.

use super::*;
